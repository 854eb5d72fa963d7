//! Signal numbers, as `signals = […]` takes them.

pub use libc::{
    SIGALRM, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ,
};

macro_rules! names {
    ($($name:ident)*) => {
        /// The name of a signal.
        ///
        /// ```
        /// assert_eq!(lifecycle::signals::name(lifecycle::signals::SIGTERM), Some("SIGTERM"));
        /// assert_eq!(lifecycle::signals::name(-1), None);
        /// ```
        pub fn name(signal: i32) -> Option<&'static str> {
            match signal {
                $(libc::$name => Some(stringify!($name)),)*
                _ => None,
            }
        }

        /// The number of a signal, for those that a configuration names.
        ///
        /// ```
        /// assert_eq!(lifecycle::signals::number("SIGTERM"), Some(lifecycle::signals::SIGTERM));
        /// assert_eq!(lifecycle::signals::number("TERM"), None);
        /// ```
        pub fn number(name: &str) -> Option<i32> {
            match name {
                $(stringify!($name) => Some(libc::$name),)*
                _ => None,
            }
        }
    };
}

names! {
    SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSEGV SIGSTOP
    SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ
}

/// Why a signal cannot begin a shutdown, if it cannot.
pub(crate) fn refused(signal: i32) -> Option<&'static str> {
    match signal {
        libc::SIGKILL | libc::SIGSTOP => Some("no process can catch it"),
        libc::SIGSEGV
        | libc::SIGBUS
        | libc::SIGFPE
        | libc::SIGILL
        | libc::SIGTRAP
        | libc::SIGSYS
        | libc::SIGABRT => {
            Some("it means that the program itself is at fault, and returning from it is not safe")
        }
        libc::SIGCHLD | libc::SIGURG | libc::SIGCONT | libc::SIGPROF => {
            Some("the system sends it in the course of ordinary work")
        }
        _ if name(signal).is_none() => Some("there is no such signal"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_has_a_name_and_can_be_used() {
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGWINCH] {
            assert_eq!(name(signal).and_then(number), Some(signal));
            assert!(refused(signal).is_none(), "{signal}");
        }
        for signal in [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGCHLD, 0, -1, 4711] {
            assert!(refused(signal).is_some(), "{signal}");
        }
    }
}
