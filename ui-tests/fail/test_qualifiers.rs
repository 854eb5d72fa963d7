#[lifecycle::test]
async fn generic<T>() {}

#[lifecycle::test]
async unsafe fn dangerous() {}

#[lifecycle::test]
async fn hidden() -> impl Sized {}

#[lifecycle::test]
async fn borrows(_: &mut String) {}

#[lifecycle::test]
struct NoFunction;

fn main() {}
