include!(concat!(env!("OUT_DIR"), "/steps_100.rs"));

fn main() -> std::process::ExitCode {
    lifecycle_benches_steps::main()
}
