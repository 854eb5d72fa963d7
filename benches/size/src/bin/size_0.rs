//! A service without a hook.

fn main() -> std::process::ExitCode {
    lifecycle::builder().run(lifecycle::stopping())
}
