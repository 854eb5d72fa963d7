include!(concat!(env!("OUT_DIR"), "/into_one_after.rs"));

fn main() -> std::process::ExitCode {
    lifecycle_benches_steps::main()
}
