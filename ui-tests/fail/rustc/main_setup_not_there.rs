fn setup(_: &mut lifecycle::Settings) {}

#[lifecycle::main(setup = setpu)]
async fn main() {
    let _ = setup;
}
