use lifecycle::{on_shutdown, on_start};

#[on_start]
fn of_a_type<T: Default>() -> T {
    T::default()
}

#[on_start]
async fn of_a_number<const N: usize>() -> [u8; N] {
    [0; N]
}

#[on_shutdown]
fn an_impl_trait(db: impl Clone) {
    drop(db);
}

#[on_shutdown]
fn nested(db: &Vec<impl Clone>) {
    drop(db.clone());
}

fn main() {}
