//! A value that must never be shown.

use secrecy::{ExposeSecret, SecretString};

/// A token or key: [`SecretString`], which has no `Display`, a redacted `Debug`, and wipes its memory when it is
/// dropped. Its own type because secrets are compared here, which [`SecretString`] does not allow. Only
/// [`Secret::expose`] gives the value, where a request is built.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value out of circulation.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// A secret of one line of visible characters, as tokens are; `None` for anything else.
    pub fn one_line(text: &str) -> Option<Self> {
        let usable = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        usable.then(|| Self::new(text))
    }

    /// The value itself, for the header or path that must carry it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Not in constant time: nothing compares a secret with what came from outside.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_value() {
        let shown = format!("{:?}", Some(Secret::new("hunter2")));
        assert_eq!(shown, "Some(Secret(SecretBox<str>([REDACTED])))");
    }

    #[test]
    fn secrets_are_equal_by_value() {
        assert_eq!(Secret::new("hunter2"), Secret::new("hunter2"));
        assert_ne!(Secret::new("hunter2"), Secret::new("hunter3"));
    }
}
