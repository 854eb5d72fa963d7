struct Db;

fn plain() {}

#[lifecycle::on_shutdown]
fn close() {}

fn setup(settings: &mut lifecycle::Settings) {
    settings.step::<Db>();
    settings.step::<plain>();
    settings.step::<clsoe>();
    settings.step::<close>();
}

#[lifecycle::main(setup = setup)]
async fn main() {
    plain();
}
