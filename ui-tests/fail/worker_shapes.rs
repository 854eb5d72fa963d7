use lifecycle::{CancellationToken, worker};

#[worker]
struct Queue;

#[worker]
async fn for_ever(_: CancellationToken) -> ! {
    loop {}
}

#[worker]
async fn generic<T>(_: &T) {}

#[worker]
async fn changes(_: &mut Queue) {}

impl Queue {
    #[worker]
    async fn consume(&self) {}
}

fn main() {
    let _ = Queue.consume();
}
