//! The types we know, under other names, are what they are.
use std::sync::Arc as Rc;

use lifecycle::{CancellationToken as Stop, Outcome, Report as Story, Take as Grab, on_shutdown, on_start};

type Fallible<T> = Result<T, String>;
type Ends = Fallible<()>;
type Shared<T> = std::sync::Arc<T>;
type Maybe<T> = Option<T>;
type Borrowed<'a> = &'a u8;
type MaybeBorrowed<'a> = Maybe<&'a u8>;
type Grabbed = Grab<u16>;
type MaybeGrabbed = Maybe<Grab<Rc<str>>>;
type ThisStory<'a> = &'a Story;

#[on_start]
fn number() -> Fallible<Shared<u8>> {
    Ok(Rc::new(8))
}

#[on_start]
fn another() -> Maybe<u16> {
    Some(16)
}

#[on_start]
fn text() -> Rc<str> {
    Rc::from("text")
}

#[on_shutdown]
fn shared(a: Borrowed, b: Rc<u8>, c: Shared<u8>, d: MaybeBorrowed<'_>, e: Maybe<u16>, f: Maybe<u32>, stop: Stop) {
    assert_eq!((a, *b, *c, d, e, f, stop.is_cancelled()), (&8, 8, 8, Some(&8), Some(16), None, false));
}

#[on_shutdown]
async fn taken(Grab(number): Grabbed, text: MaybeGrabbed) -> Ends {
    assert_eq!((number, &*text.unwrap().0), (16, "text"));
    Err("expected".to_owned())
}

#[on_shutdown(last)]
fn alert(story: ThisStory<'_>) {
    assert_eq!(story.steps.len(), 6);
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(lifecycle::run(async {}));
    let found: Vec<_> = report.steps.iter().map(|step| (&*step.name, step.outcome)).collect();
    let expected = [
        ("another", Outcome::Done),
        ("number", Outcome::Done),
        ("text", Outcome::Done),
        ("Requests", Outcome::Done),
        ("shared", Outcome::Done),
        ("taken", Outcome::Failed),
        ("alert", Outcome::Done),
    ];
    assert_eq!(found, expected, "{report}");
}
