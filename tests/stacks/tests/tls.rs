//! A listener of a service's own: TLS, with curl as its client.
#![expect(clippy::expect_used, reason = "a failure is the test's failure")]

use std::path::{Path, PathBuf};
use std::process::Command;

use lifecycle_stacks::child::{Child, PATIENCE, talkative};
use lifecycle_stacks::clients::{curl, curl_running};

/// A certificate for 127.0.0.1 and its key, made by who makes certificates.
fn certificate() -> [PathBuf; 2] {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let files = ["pem", "key"].map(|kind| folder.join(format!("tls-{}.{kind}", std::process::id())));
    let [certificate, key] = &files;
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    openssl.args(["-days", "2", "-subj", "/CN=shop", "-addext", "subjectAltName=IP:127.0.0.1"]);
    let made = openssl.arg("-out").arg(certificate).arg("-keyout").arg(key).output();
    let made = made.expect("openssl is installed, as curl is");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    files
}

#[test]
fn what_runs_is_finished_and_the_port_closed() {
    let files = certificate();
    let [certificate, key] = files.each_ref().map(|file| file.to_str().unwrap());
    let child = Child::start(talkative(env!("CARGO_BIN_EXE_tls"), &[certificate, key]));
    let listening = child.wait_for("listening on ");
    let url = format!("https://{}/slow", listening.split_once("on ").unwrap().1);
    let clients = ["--http1.1", "--http2"]
        .map(|protocol| curl_running(&["--cacert", certificate, "--include", protocol, &url]));
    child.wait_for_nth("a slow request runs", 2);
    child.signal(libc::SIGTERM);
    while curl(&["--cacert", certificate, &url]).code != Some(7) {
        // Until nobody listens; before that it may be answered 503.
    }
    child.say("go on");
    for (client, head) in clients.into_iter().zip(["HTTP/1.1 200 OK", "HTTP/2 200"]) {
        let answer = client.wait(PATIENCE).stdout;
        assert_eq!(answer[0].trim_end(), head, "{answer:?}");
        assert_eq!(answer.last().unwrap(), "slow but sure for 127.0.0.1");
    }
    let ended = child.wait(PATIENCE);
    for file in files {
        std::fs::remove_file(file).unwrap();
    }
    assert!(ended.line("a slow request ends") < ended.line("the database is closed"));
    ended.assert(0, &[("Requests", "done"), ("close_database", "done")]);
}
