//! How things are shown to a person.

/// A type's name without the paths in it: `Mutex<Exchange>`.
pub(crate) fn type_name(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    let mut word = String::new();
    let mut chars = full.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ':' if chars.peek() == Some(&':') => {
                chars.next();
                word.clear();
            }
            c if c.is_alphanumeric() || c == '_' => word.push(c),
            c => {
                short.push_str(&word);
                word.clear();
                short.push(c);
            }
        }
    }
    short.push_str(&word);
    short
}

#[cfg(test)]
mod tests {
    use super::type_name;

    #[test]
    fn paths_go_and_structure_stays() {
        assert_eq!(type_name("alloc::sync::Arc<dyn app::venue::Venue>"), "Arc<dyn Venue>");
        assert_eq!(type_name("(u8, core::option::Option<&str>)"), "(u8, Option<&str>)");
        assert_eq!(type_name("app::Config"), "Config");
    }
}
