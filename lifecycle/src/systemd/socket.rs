//! Where the messages go.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a supervisor that does not read is waited for.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub(super) struct Socket {
    from: Arc<UnixDatagram>,
    to: SocketAddr,
}

impl Socket {
    /// `NOTIFY_SOCKET`: a path, or with `@` a name in Linux's abstract namespace. Of anything else (a virtual machine's
    /// `vsock:`) nothing is known here, so nobody is told.
    pub(super) fn at(name: &OsStr) -> Option<Self> {
        let to = match name.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(Path::new(name)).ok()?,
            #[cfg(target_os = "linux")]
            [b'@', name @ ..] => {
                use std::os::linux::net::SocketAddrExt;
                SocketAddr::from_abstract_name(name).ok()?
            }
            _ => return None,
        };
        let from = UnixDatagram::unbound().ok()?;
        from.set_write_timeout(Some(PATIENCE)).ok()?;
        Some(Socket { from: Arc::new(from), to })
    }

    /// A supervisor that does not listen changes nothing about the service.
    pub(super) fn send(&self, message: &[u8]) {
        drop(self.from.send_to_addr(message, &self.to));
    }
}
