use lifecycle::tracked;

trait Orders {
    #[tracked(reject = ())]
    fn create(&self);
}

fn main() {}
