#[lifecycle::test]
#[tokio::test]
async fn closes() {}

#[lifecycle::test]
#[test]
async fn drains() {}

fn main() {}
