//! Calls of several groups, one inside another.

use super::*;
use crate::group::{Group, Requests};

struct Jobs;

static JOBS: Gate = Gate::new("Jobs");

impl Group for Jobs {
    fn gate() -> &'static Gate {
        &JOBS
    }
}

#[test]
fn a_site_belongs_to_the_gate_of_its_group() {
    static JOB: Site = Site::new("job", "", "", 0, false).of(Jobs::gate);
    static REQUEST: Site = Site::new("request", "", "", 0, false).of(Requests::gate);
    let admitted = JOB.enter().unwrap();
    assert_eq!(JOBS.in_flight(), 1);
    let calls = JOBS.sites();
    assert_eq!((calls.len(), calls[0].name, calls[0].group, calls[0].in_flight), (1, "job", "Jobs", 1));
    drop(admitted);
    JOBS.close();
    assert!(JOB.enter().is_err());
    drop(REQUEST.enter().unwrap());
    assert_eq!((JOBS.refused(), JOBS.in_flight()), (1, 0));
}

#[test]
fn a_call_inside_one_of_another_group_is_admitted_and_counted_by_the_outermost() {
    let (requests, jobs) = (gate(), gate());
    let (request, job) = (site(requests), named(jobs, "job"));
    jobs.close();
    assert!(call_sync(job, || ()).is_err(), "from outside it is refused");
    let mut outer = pin!(call(request, async {
        pause().await;
        let seen = call(job, async {
            pause().await;
            (requests.in_flight(), jobs.in_flight())
        });
        (seen.await.unwrap(), call_sync(job, || (requests.in_flight(), jobs.in_flight())).unwrap())
    }));
    assert!(poll_once(outer.as_mut()).is_pending());
    requests.close();
    assert!(poll_once(outer.as_mut()).is_pending());
    let Poll::Ready(Ok(seen)) = poll_once(outer.as_mut()) else { panic!("it has ended") };
    assert_eq!(seen, ((1, 0), (1, 0)));
    assert_eq!((requests.in_flight(), jobs.in_flight()), (0, 0));
    assert_eq!(jobs.awaited(), []);
}

#[test]
fn what_is_cut_is_what_the_outermost_call_belongs_to() {
    let (requests, jobs) = (gate(), gate());
    let (request, job) = (site(requests), named(jobs, "job"));
    let mut of_jobs = pin!(call(job, std::future::pending::<()>()));
    let mut of_requests = pin!(call(request, call(job, pause())));
    assert!(poll_once(of_jobs.as_mut()).is_pending());
    assert!(poll_once(of_requests.as_mut()).is_pending());
    assert_eq!((requests.in_flight(), jobs.in_flight()), (1, 1));
    jobs.close();
    jobs.freeze();
    assert!(poll_once(of_requests.as_mut()).is_ready(), "no call of theirs");
    assert!(poll_once(of_jobs.as_mut()).is_pending());
    assert_eq!((requests.in_flight(), jobs.in_flight()), (0, 0), "dropped when it was polled again");
}

#[test]
fn a_task_of_a_call_is_counted_in_the_group_of_the_call() {
    let (requests, jobs) = (gate(), gate());
    let (request, job) = (site(requests), named(jobs, "job"));
    let mut task = Box::pin(call_sync(job, || inherit(call(request, pause()))).unwrap());
    assert_eq!((requests.in_flight(), jobs.in_flight()), (0, 1), "the call is gone, its task is not");
    jobs.close();
    requests.close();
    assert!(poll_once(task.as_mut()).is_pending());
    assert!(matches!(poll_once(task.as_mut()), Poll::Ready(Ok(()))), "its own call was admitted");
    assert_eq!((requests.in_flight(), jobs.in_flight()), (0, 0));
}

#[test]
fn a_call_is_told_when_the_time_of_its_own_group_is_up() {
    let (requests, jobs) = (gate(), gate());
    let moment = call_sync(named(jobs, "job"), crate::cut_off).unwrap();
    let mut moment = pin!(moment);
    requests.cut_off().cancel();
    assert!(poll_once(moment.as_mut()).is_pending());
    jobs.cut_off().cancel();
    assert!(poll_once(moment.as_mut()).is_ready());
}
