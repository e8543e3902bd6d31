//! A value that must never be shown.

use std::fmt;

/// A token or key. It has no `Display`, and its `Debug` is redacted, so it cannot slip into a log
/// line, a message or a panic; only [`Secret::expose`] gives the value, where a request is built.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value out of circulation.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// A secret of one line of visible characters, as tokens are; `None` for anything else.
    pub fn one_line(text: &str) -> Option<Self> {
        let usable = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        usable.then(|| Self::new(text))
    }

    /// The value itself, for the header or path that must carry it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_value() {
        let shown = format!("{:?}", Some(Secret::new("hunter2")));
        assert_eq!(shown, "Some(Secret(redacted))");
    }
}
