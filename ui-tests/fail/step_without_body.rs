use lifecycle::on_shutdown;

trait Closes {
    #[on_shutdown]
    fn close();

    #[on_shutdown]
    fn close_it(&self);
}

fn main() {}
