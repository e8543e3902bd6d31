//! Names of branches and tags, and patterns of them.

/// A branch or tag. With a final `*`: all that start with the text before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefPattern(pub String);

impl RefPattern {
    pub(super) fn matches(&self, git_ref: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => git_ref.starts_with(prefix) && git_ref.len() > prefix.len(),
            None => git_ref == self.0,
        }
    }

    /// The prefix of a pattern with `*`; `None` for an exact name.
    pub fn prefix(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// The name of a pattern without `*`.
    pub fn exact(&self) -> Option<&str> {
        (!self.0.ends_with('*')).then_some(self.0.as_str())
    }
}

/// Whether git accepts this ref name, as far as the name alone tells.
/// <https://git-scm.com/docs/git-check-ref-format>
pub(crate) fn is_ref(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let allowed = |c: char| !c.is_whitespace() && !c.is_control() && !"~^:?*[\\`".contains(c);
    text.len() <= 255
        && text.split('/').all(part)
        && text.chars().all(allowed)
        && !text.contains("..")
        && !text.contains("@{")
        && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("main", "main", true)]
    #[case("main", "main2", false)]
    #[case("main", "Main", false)]
    #[case("release/*", "release/1.0", true)]
    #[case("release/*", "release/", false)]
    #[case("release/*", "releases/1.0", false)]
    #[case("*", "anything", true)]
    fn a_pattern_is_an_exact_name_or_a_prefix(
        #[case] pattern: &str,
        #[case] git_ref: &str,
        #[case] matches: bool,
    ) {
        assert_eq!(RefPattern(pattern.to_owned()).matches(git_ref), matches);
    }
}
