include!(concat!(env!("OUT_DIR"), "/steps_10000.rs"));

fn main() -> std::process::ExitCode {
    lifecycle_benches_steps::main()
}
