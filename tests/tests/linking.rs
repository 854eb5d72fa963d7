//! Which steps are in a program, for every way in which a library comes into one. PLATFORMS.md has the table.
#![expect(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lifecycle_tests::child::{Child, Ended, PATIENCE, program};

fn run(exe: impl AsRef<Path>, args: &[&str]) -> Ended {
    Child::start(program(exe.as_ref().to_str().unwrap(), args)).wait(PATIENCE)
}

fn assert_steps(ended: &Ended, steps: &[&str]) {
    let all: Vec<(&str, &str)> = steps.iter().map(|step| (*step, "done")).collect();
    ended.assert_any_order(0, &all);
}

#[test]
fn a_library_that_only_the_manifest_names_is_not_there() {
    assert_steps(&run(env!("CARGO_BIN_EXE_plug_unreferenced"), &[]), &["Requests", "own"]);
}

#[test]
fn a_library_that_the_code_names_is_there() {
    for exe in [
        env!("CARGO_BIN_EXE_plug_used"),
        env!("CARGO_BIN_EXE_plug_expected"),
        env!("CARGO_BIN_EXE_plug_after"),
    ] {
        let ended = run(exe, &[]);
        assert_steps(&ended, &["Requests", "close_plug", "own"]);
        ended.line("close_plug");
    }
}

/// Builds a package of the workspace into the folder that the tests themselves are in.
fn build(package: &str, artifact: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = cargo(Path::new(env!("CARGO_MANIFEST_DIR")))
        .args(["build", "--locked", "--package", package, "--target-dir"])
        .arg(target)
        // Whatever the environment says: units as small as they are by default, so that nothing refers to some of them.
        .env("CARGO_INCREMENTAL", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("debug").join(artifact)
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    // Whatever is needed, the tests' own build has fetched.
    command.current_dir(folder).arg("--offline").env_remove("RUSTFLAGS");
    command
}

/// Links a program in C with the static library.
fn link(archive: &Path, function: &str, whole: bool) -> PathBuf {
    let main = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/staticlib/main.c");
    let name = format!("{function}{}", if whole { "-whole" } else { "" });
    let exe = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut command = Command::new("cc");
    command.arg(format!("-DRUN={function}")).arg(main).arg("-o").arg(&exe);
    if whole {
        command.arg("-Wl,--whole-archive").arg(archive).arg("-Wl,--no-whole-archive");
    } else {
        command.arg(archive);
    }
    let Output { status, stderr, .. } = command.args(["-lpthread", "-ldl", "-lm"]).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    exe
}

#[test]
#[cfg(target_os = "linux")]
fn a_static_library_is_linked_whole_or_by_expectation() {
    let archive = build("lifecycle-fixture-staticlib", "liblifecycle_fixture_staticlib.a");
    let all = ["Requests", "close_plug"];
    assert_steps(&run(link(&archive, "run_plain", false), &[]), &["Requests"]);
    assert_steps(&run(link(&archive, "run_plain", true), &[]), &all);
    assert_steps(&run(link(&archive, "run_expecting", false), &[]), &all);
}

#[test]
#[cfg(target_os = "linux")]
fn a_plug_in_loaded_at_run_time_has_steps_of_its_own_that_nobody_runs() {
    let library = build("lifecycle-fixture-cdylib", "liblifecycle_fixture_cdylib.so");
    let ended = run(env!("CARGO_BIN_EXE_plug_loaded"), &[library.to_str().unwrap()]);
    assert_steps(&ended, &["Requests", "own", "plug_in"]);
    ended.line("plug_in_stop");
}

#[test]
fn cargo_refuses_two_copies_of_the_library() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("two-copies");
    let write = |path: &str, text: String| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = |second: &str| {
        format!(
            "[package]\nname = \"two\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
             lifecycle = {{ path = {:?} }}\n{second}",
            root.join("lifecycle")
        )
    };
    write("src/lib.rs", String::new());
    write("other/src/lib.rs", String::new());
    write(
        "other/Cargo.toml",
        "[package]\nname = \"lifecycle\"\nversion = \"99.0.0\"\nedition = \"2024\"\nlinks = \"lifecycle\"\n\
         build = \"build.rs\"\n"
            .to_owned(),
    );
    write("other/build.rs", "fn main() {}\n".to_owned());
    let resolve = || {
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        cargo(&folder).args(["metadata", "--format-version", "1"]).output().unwrap()
    };

    write("Cargo.toml", manifest(""));
    let one = resolve();
    assert!(one.status.success(), "{}", String::from_utf8_lossy(&one.stderr));

    write("Cargo.toml", manifest("second = { package = \"lifecycle\", path = \"other\" }\n"));
    let two = resolve();
    let words = String::from_utf8_lossy(&two.stderr).into_owned();
    assert!(!two.status.success(), "cargo takes two copies");
    assert!(words.contains("links to the native library `lifecycle`"), "{words}");
}
