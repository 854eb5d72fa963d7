use lifecycle::{Settings, health_check, on_shutdown};

#[health_check]
fn healthy() -> bool {
    true
}

#[health_check(recover = reconnects)]
fn misspelt() {}

#[health_check]
fn no_step() {}

#[on_shutdown(after = no_step)]
fn after_a_check() {}

fn setup(settings: &mut Settings) {
    settings.step::<no_step>();
    settings.health_check::<after_a_check>();
}

fn main() {
    let _ = setup;
}
