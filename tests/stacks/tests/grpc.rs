//! SIGTERM amid what a gRPC client of another make does: grpcio for Python.

use lifecycle_stacks::child::{Child, Ended, PATIENCE, talkative};
use lifecycle_stacks::clients::python;

const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");
const IN_ORDER: [(&str, &str); 2] = [("Requests", "done"), ("close_database", "done")];

/// The service and its client, with a slow call and a stream under way.
fn at_work(server: &str, lameduck: &str) -> (Child, Child) {
    let mut command = talkative(env!("CARGO_BIN_EXE_grpc"), &[server]);
    command.env("LIFECYCLE_LAMEDUCK", lameduck);
    let service = Child::start(command);
    let line = service.wait_for("listening on ");
    let client = python(FOLDER, "grpc_client.py", &[&line["listening on ".len()..]]);
    client.wait_for("health SERVING");
    client.wait_for("count 0");
    service.wait_for("a slow call runs");
    (service, client)
}

fn all_is_finished(service: Child, client: Child) -> (Ended, Ended) {
    service.say("go on");
    client.wait_for("slow slow");
    client.wait_for("count 1");
    client.wait_for("count ended");
    client.wait_for("health ended");
    client.say("end");
    let (client, service) = (client.wait(PATIENCE), service.wait(PATIENCE));
    assert_eq!(client.code, Some(0), "{client:?}");
    assert!(service.line("a slow call ends") < service.line("the database is closed"));
    assert!(service.line("a stream ends") < service.line("the database is closed"));
    service.assert(0, &IN_ORDER);
    (service, client)
}

#[test]
fn calls_and_streams_are_awaited_and_health_is_told_before_the_server_goes() {
    let (service, client) = at_work("lifecycle", "5s");
    service.signal(libc::SIGTERM);
    client.wait_for("health NOT_SERVING");
    // In the lame-duck time it still serves.
    client.say("hello");
    client.wait_for("call hello");
    service.wait_for("closed");
    let (service, client) = all_is_finished(service, client);
    assert!(client.line("health NOT_SERVING") < client.line("call hello"));
    assert_eq!(service.report()["calls"]["awaited"], 2, "the health service's stream is none of them");
}

#[test]
fn while_it_drains_a_call_is_told_that_the_service_is_unavailable() {
    let (service, client) = at_work("to the end of the drain", "0s");
    service.signal(libc::SIGTERM);
    service.wait_for("closed");
    client.say("hello");
    client.wait_for("call UNAVAILABLE: the service is shutting down");
    let (service, _) = all_is_finished(service, client);
    assert_eq!(service.report()["calls"]["refused"], 1);
}

#[test]
fn the_layer_goes_around_tonics_own_server() {
    let (service, client) = at_work("tonic", "0s");
    service.signal(libc::SIGTERM);
    client.wait_for("health NOT_SERVING");
    service.wait_for("closed");
    let (service, _) = all_is_finished(service, client);
    assert_eq!(service.report()["calls"]["awaited"], 2);
}
