use super::*;

#[test]
fn closing_an_empty_gate_tells_at_once() {
    let gate = Gate::new();
    let told = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let tell = std::sync::Arc::clone(&told);
    gate.on_empty(Box::new(move || tell.store(true, std::sync::atomic::Ordering::SeqCst)));
    assert!(!told.load(std::sync::atomic::Ordering::SeqCst));
    gate.close();
    assert!(told.load(std::sync::atomic::Ordering::SeqCst));
}
