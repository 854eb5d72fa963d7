#[lifecycle::test(flavor = "current_thread")]
async fn keys_of_main() {}

#[lifecycle::test(clock = stopped)]
async fn no_such_clock() {}

#[lifecycle::test(timout = "5s")]
async fn misspelt() {}

#[lifecycle::test(timeout = 5s, setup = fakes())]
async fn values() {}

fn main() {}
