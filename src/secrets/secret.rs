//! A value that must never be shown.

use secrecy::{ExposeSecret, SecretString};

/// A token or key. It wraps [`SecretString`]: no `Display`, a redacted `Debug`, memory wiped on drop. It is
/// its own type because [`SecretString`] has no `PartialEq`. Only [`Secret::expose`] returns the value, to
/// build a request.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself, for the header or path that must carry it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Not in constant time: a secret is never compared with input from outside.
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
