//! The types we know, under other names.
use std::sync::Arc as Rc;

use lifecycle::{CancellationToken as Stop, Outcome, Report as Story, Take as Grab, on_shutdown, on_start};

type Fallible<T> = Result<T, String>;
type Ends = Fallible<()>;
type Shared<T> = std::sync::Arc<T>;
type Maybe<T> = Option<T>;
type Borrowed<'a> = &'a u8;
type MaybeBorrowed<'a> = Maybe<&'a u8>;
type Grabbed = Grab<u16>;
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
fn fails() -> Fallible<u64> {
    Err("expected".to_owned())
}

#[on_shutdown]
fn shared(a: Borrowed, b: Rc<u8>, c: Shared<u8>, d: MaybeBorrowed<'_>, e: Maybe<u16>, f: Maybe<u32>, stop: Stop) {
    assert_eq!((a, *b, *c, d, e, f, stop.is_cancelled()), (&8, 8, 8, Some(&8), Some(16), None, false));
}

#[on_shutdown]
async fn taken(Grab(number): Grabbed) -> Ends {
    assert_eq!(number, 16);
    Err("expected".to_owned())
}

fn main() {
    let report = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        lifecycle::run(async { unreachable!("the start fails") }).await
    });
    let found: Vec<_> = report.steps.iter().map(|step| (&*step.name, step.outcome.clone())).collect();
    assert_eq!(
        found,
        [
            ("another", Outcome::Done),
            ("fails", Outcome::Failed("expected".to_owned())),
            ("number", Outcome::Done),
            ("shared", Outcome::Done),
            ("taken", Outcome::Failed("expected".to_owned())),
            ("alert", Outcome::Done),
        ],
        "{report}"
    );
}

#[on_shutdown(last)]
fn alert(story: ThisStory<'_>) {
    assert_eq!(story.steps.len(), 5);
}
