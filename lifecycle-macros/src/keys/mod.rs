//! The key table: every key of every attribute, and the parser that reads attributes by it.

mod near;
mod value;

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};

use value::Value;
pub(crate) use value::{Paths, Spanned, Time, Within, expand_signal, expand_signals, spelled};

use crate::diag::ErrorSink;
use crate::paths::Krate;

/// The attributes, as a set of bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct On(u16);

pub(crate) const MAIN: On = On(1);
pub(crate) const START: On = On(2);
pub(crate) const SHUTDOWN: On = On(4);
pub(crate) const TRACKED: On = On(8);
pub(crate) const GROUP: On = On(16);
pub(crate) const WORKER: On = On(32);
pub(crate) const CHECK: On = On(64);
pub(crate) const COMPONENT: On = On(128);
pub(crate) const TEST: On = On(256);

const HOOK: On = START.or(SHUTDOWN);
const ATTRIBUTES: [On; 9] = [MAIN, START, SHUTDOWN, TRACKED, GROUP, WORKER, CHECK, COMPONENT, TEST];

impl On {
    const ALL: On = MAIN.or(HOOK).or(TRACKED).or(GROUP).or(WORKER).or(CHECK).or(COMPONENT).or(TEST);

    const fn or(self, other: On) -> On {
        On(self.0 | other.0)
    }

    fn holds(self, attribute: On) -> bool {
        self.0 & attribute.0 != 0
    }

    /// As it is written between `#[` and `]`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            MAIN => "lifecycle::main",
            START => "on_start",
            SHUTDOWN => "on_shutdown",
            GROUP => "lifecycle::group",
            WORKER => "worker",
            CHECK => "health_check",
            COMPONENT => "lifecycle::component",
            TEST => "lifecycle::test",
            _ => "tracked",
        }
    }
}

impl On {
    /// What carries the attribute, as the subject of an error.
    pub(crate) fn subject(self) -> &'static str {
        match self {
            WORKER => "a worker",
            CHECK => "a health check",
            _ => "a step",
        }
    }
}

/// What a key's value looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Stands alone.
    Flag,
    /// An `i32`, or a path to one.
    Rank,
    /// A duration; `true` where zero makes sense.
    Time {
        zero: bool,
    },
    /// A duration or `"never"`.
    Limit,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these strings.
    Quoted(&'static [&'static str]),
    /// A list of signals, or a path to one.
    Signals,
    /// One signal, or a path to one.
    Signal,
    /// A `u32`, or a path to one.
    Number,
    /// At least 1, or a path to a `usize`.
    Count,
    /// A new type's name.
    Name,
    Path,
    /// A path to a function, also one such as `<Pool<u8>>::close`.
    Function,
    /// Paths to steps: one, or a list.
    Paths,
    Expr,
    Text,
}

pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    on: On,
    /// A value as it may be written, for messages.
    pub(crate) example: &'static str,
}

const fn key(name: &'static str, kind: Kind, on: On, example: &'static str) -> Key {
    Key { name, kind, on, example }
}

/// What `lifecycle::signals` exports.
pub(crate) const SIGNALS: &[&str] = &[
    "SIGTERM",
    "SIGINT",
    "SIGQUIT",
    "SIGHUP",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGPIPE",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

#[rustfmt::skip]
pub(crate) const TABLE: &[Key] = &[
    key("setup", Kind::Path, MAIN.or(TEST), "setup"),
    key("grace", Kind::Limit, MAIN.or(TEST), "\"25s\""),
    key("drain", Kind::Limit, MAIN.or(TEST), "\"15s\""),
    key("cut", Kind::Time { zero: true }, MAIN.or(TEST), "\"500ms\""),
    key("lameduck", Kind::Time { zero: true }, MAIN.or(TEST), "\"3s\""),
    key("reserve", Kind::Time { zero: true }, MAIN.or(TEST), "\"2s\""),
    key("signals", Kind::Signals, MAIN.or(TEST), "[SIGTERM, SIGINT]"),
    key("exit", Kind::Choice(&["zero", "reraise"]), MAIN, "reraise"),
    key("budget", Kind::Choice(&["warn", "deny"]), MAIN, "deny"),
    key("report", Kind::Choice(&["table", "json", "off"]), MAIN, "json"),
    key("ready", Kind::Choice(&["auto", "manual"]), MAIN.or(TEST), "manual"),
    key("flavor", Kind::Quoted(&["multi_thread", "current_thread"]), MAIN, "\"current_thread\""),
    key("worker_threads", Kind::Count, MAIN, "4"),
    key("pause", Kind::Signal, MAIN.or(TEST), "SIGUSR1"),
    key("resume", Kind::Signal, MAIN.or(TEST), "SIGUSR2"),
    key("journal", Kind::Text, MAIN, "\"/var/lib/shop/journal\""),
    key("order", Kind::Rank, HOOK.or(GROUP).or(WORKER), "-10"),
    key("after", Kind::Paths, HOOK.or(GROUP).or(WORKER), "close_db"),
    key("before", Kind::Paths, HOOK.or(GROUP).or(WORKER), "close_db"),
    key("interval", Kind::Time { zero: false }, CHECK, "\"30s\""),
    key("timeout", Kind::Time { zero: false }, HOOK.or(GROUP).or(WORKER).or(CHECK).or(TEST), "\"5s\""),
    key("last", Kind::Flag, SHUTDOWN, ""),
    key("attempt", Kind::Time { zero: false }, HOOK, "\"2s\""),
    key("restart", Kind::Choice(&["never", "on_failure", "always"]), WORKER, "on_failure"),
    key("recover", Kind::Function, CHECK, "reconnect"),
    key("retry", Kind::Number, HOOK.or(WORKER).or(CHECK), "2"),
    key("backoff", Kind::Time { zero: true }, HOOK.or(WORKER), "\"200ms\""),
    key("delay", Kind::Time { zero: true }, CHECK, "\"5s\""),
    key("fallback", Kind::Function, SHUTDOWN, "write_to_disk"),
    key("when", Kind::Expr, HOOK.or(WORKER).or(CHECK), "|config: &Config| config.flush"),
    key("compensate", Kind::Function, SHUTDOWN, "cancel_orders"),
    key("label", Kind::Name, HOOK.or(WORKER).or(CHECK), "CloseDb"),
    key("group", Kind::Path, TRACKED, "Jobs"),
    key("reject", Kind::Expr, TRACKED, "()"),
    key("admit", Kind::Choice(&["always"]), TRACKED, "always"),
    key("id", Kind::Expr, TRACKED, "order.id"),
    key("span", Kind::Flag, TRACKED, ""),
    key("name", Kind::Text, TRACKED, "\"orders.create\""),
    key("clock", Kind::Choice(&["paused", "real"]), TEST, "real"),
    key("crate", Kind::Path, On::ALL, "my_lifecycle"),
];

impl Key {
    fn usage(&self) -> String {
        match self.kind {
            Kind::Flag => format!("`{}`", self.name),
            _ => format!("`{} = {}`", self.name, self.example),
        }
    }
}

/// An attribute's keys as given, each at most once.
pub(crate) struct Given {
    entries: Vec<(&'static str, Ident, Value)>,
}

impl Given {
    pub(crate) fn parse(tokens: TokenStream, attribute: On, errors: &ErrorSink<'_>) -> Self {
        let mut entries: Vec<(&'static str, Ident, Value)> = Vec::new();
        let mut seen: Vec<&'static str> = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                match entry(input, attribute, errors) {
                    Ok(Some((key, ident, value))) => {
                        if seen.contains(&key.name) {
                            errors.at(&ident, format!("`{}` is given twice", key.name));
                        } else {
                            seen.push(key.name);
                            entries.extend(value.map(|value| (key.name, ident, value)));
                        }
                    }
                    Ok(None) => {}
                    Err(error) => errors.push(error),
                }
                until_comma(input);
                let _ = input.parse::<Option<Token![,]>>();
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        Given { entries }
    }

    fn take(&mut self, name: &str) -> Option<(Ident, Value)> {
        let at = self.entries.iter().position(|(known, ..)| *known == name)?;
        let (_, ident, value) = self.entries.remove(at);
        Some((ident, value))
    }

    pub(crate) fn krate(&mut self) -> Krate {
        Krate::new(self.path("crate").map(|given| given.value))
    }
}

macro_rules! take {
    ($($name:ident: $variant:ident($ty:ty);)*) => {
        impl Given {$(
            pub(crate) fn $name(&mut self, name: &str) -> Option<Spanned<$ty>> {
                match self.take(name)? {
                    (key, Value::$variant(value)) => Some(Spanned { key, value }),
                    _ => None,
                }
            }
        )*}
    };
}
take! {
    flag: Flag(());
    tokens: Tokens(TokenStream);
    time: Time(Time);
    limit: Limit(Within);
    choice: Choice(&'static str);
    ident: Name(Ident);
    path: Path(syn::Path);
    function: Function(syn::ExprPath);
    paths: Paths(Paths);
}

type Entry = (&'static Key, Ident, Option<Value>);

/// `Ok(None)`: the key is not known, which has been said.
fn entry(input: ParseStream<'_>, attribute: On, errors: &ErrorSink<'_>) -> syn::Result<Option<Entry>> {
    if !input.peek(Ident::peek_any) {
        let message = format!("expected a key; {}", known(attribute));
        let comma = input.span();
        let found = until_comma(input);
        return Err(match found.is_empty() {
            true => syn::Error::new(comma, message),
            false => syn::Error::new_spanned(found, message),
        });
    }
    let ident = input.call(Ident::parse_any)?;
    let name = ident.unraw().to_string();
    let Some(key) = TABLE.iter().find(|key| key.name == name && key.on.holds(attribute)) else {
        errors.at(&ident, unknown(&name, attribute));
        return Ok(None);
    };
    let value = if input.parse::<Option<Token![=]>>()?.is_some() {
        if matches!(key.kind, Kind::Flag) {
            let given = until_comma(input);
            errors.at(&given, format!("`{name}` takes no value: write {}", key.usage()));
            return Ok(Some((key, ident, None)));
        }
        if input.is_empty() || input.peek(Token![,]) {
            errors.at(&ident, format!("`{name}` lacks its value: write for example {}", key.usage()));
            return Ok(Some((key, ident, None)));
        }
        value::parse(key, input)
    } else {
        let rest = until_comma(input);
        match (key.kind, rest.is_empty()) {
            (Kind::Flag, true) => return Ok(Some((key, ident, Some(Value::Flag(()))))),
            (Kind::Flag, false) => {
                errors.at(&rest, format!("`{name}` takes no value: write {}", key.usage()))
            }
            (_, true) => {
                errors.at(&ident, format!("`{name}` lacks its value: write for example {}", key.usage()))
            }
            (_, false) => errors.at(&rest, format!("expected `=`: write for example {}", key.usage())),
        }
        return Ok(Some((key, ident, None)));
    };
    let rest = until_comma(input);
    match value {
        Err(error) => errors.push(error),
        Ok(Value::Path(_) | Value::Function(_) | Value::Paths(_)) if starts_with_group(&rest) => {
            errors.at(&rest, format!("`{name}` takes a path alone: remove this"));
        }
        Ok(_) if !rest.is_empty() => errors.at(&rest, "expected `,` before this"),
        Ok(value) => return Ok(Some((key, ident, Some(value)))),
    }
    Ok(Some((key, ident, None)))
}

fn starts_with_group(tokens: &TokenStream) -> bool {
    matches!(tokens.clone().into_iter().next(), Some(TokenTree::Group(_)))
}

/// A value's tokens: up to a comma, or to the next key if the comma was forgotten.
fn until_end_of_value(input: ParseStream<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    let at_key = || input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
    while !input.is_empty() && !input.peek(Token![,]) && (tokens.is_empty() || !at_key()) {
        match input.parse::<TokenTree>() {
            Ok(tree) => tokens.extend([tree]),
            Err(_) => break,
        }
    }
    tokens
}

fn until_comma(input: ParseStream<'_>) -> TokenStream {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(tree) => tokens.extend([tree]),
            Err(_) => break,
        }
    }
    tokens
}

fn known(attribute: On) -> String {
    let names: Vec<String> =
        TABLE.iter().filter(|key| key.on.holds(attribute)).map(|key| format!("`{}`", key.name)).collect();
    format!("`#[{}]` knows {}", attribute.name(), names.join(", "))
}

fn list(words: &[String]) -> String {
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => words.concat(),
    }
}

fn unknown(name: &str, attribute: On) -> String {
    let elsewhere: Vec<String> = TABLE
        .iter()
        .filter(|key| key.name == name)
        .flat_map(|key| ATTRIBUTES.into_iter().filter(|on| key.on.holds(*on)))
        .map(|on| format!("`#[{}]`", on.name()))
        .collect();
    let here = TABLE.iter().filter(|key| key.on.holds(attribute)).map(|key| key.name);
    let hint = if !elsewhere.is_empty() {
        format!("`{name}` belongs to {}", list(&elsewhere))
    } else if let Some(near) = near::nearest(name, here) {
        format!("unknown key `{name}`: did you mean `{near}`?")
    } else {
        format!("unknown key `{name}`")
    };
    format!("{hint}\n{}", known(attribute))
}

#[cfg(test)]
mod tests;
