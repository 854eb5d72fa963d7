use crate::plan_view::example;

#[test]
fn dump() {
    for (name, plan) in example::all() {
        std::fs::write(format!("/tmp/svg-{name}.svg"), plan.to_svg()).unwrap();
        std::fs::write(format!("/tmp/dot-{name}.dot"), plan.to_dot()).unwrap();
        std::fs::write(format!("/tmp/text-{name}.txt"), plan.to_string()).unwrap();
    }
}
