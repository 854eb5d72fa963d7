include!(concat!(env!("OUT_DIR"), "/into_one_before.rs"));

fn main() -> std::process::ExitCode {
    lifecycle_benches_steps::main()
}
