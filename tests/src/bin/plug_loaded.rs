//! Loads a plug-in, the first argument, and has its stop function run as a step of its own.

use std::ffi::{CString, c_void};
use std::process::ExitCode;

use lifecycle::{Hook, register};

/// The plug-in's function. It stays loaded for good.
fn load(path: &str) -> Option<extern "C" fn()> {
    let path = CString::new(path).ok()?;
    // SAFETY: both names are C strings, the library is one of ours and is never closed, and the symbol, if there, is a
    // function of this type.
    #[expect(unsafe_code, reason = "there is no other way to load a library")]
    unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        let symbol = if library.is_null() { library } else { libc::dlsym(library, c"plug_in_stop".as_ptr()) };
        (!symbol.is_null()).then(|| std::mem::transmute::<*mut c_void, extern "C" fn()>(symbol))
    }
}

#[lifecycle::on_shutdown]
fn own() {}

fn main() -> ExitCode {
    let Some(stop) = std::env::args().nth(1).and_then(|path| load(&path)) else {
        eprintln!("the plug-in cannot be loaded");
        return ExitCode::FAILURE;
    };
    register(Hook::on_shutdown("plug_in", move || async move { stop() }));
    lifecycle::builder().run(async {})
}
