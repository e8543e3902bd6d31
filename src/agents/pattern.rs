//! The pattern that the text of an input must match as a whole.

use std::fmt;

use regex_lite::Regex;

/// A regular expression that a whole text must match. Matching takes time linear in the text.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    whole: Regex,
}

impl Pattern {
    /// Compiles a pattern. The error says why it cannot be.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        // By itself first: `a)|(b` is a pattern only inside the group.
        let compiled = Regex::new(text).and_then(|_| Regex::new(&format!(r"\A(?:{text})\z")));
        let whole = compiled.map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), whole })
    }

    /// Whether the whole text matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("[a-z]+", "abc", true)]
    #[case("[a-z]+", "abc1", false)]
    #[case("[a-z]+", "1abc", false)]
    #[case("a|ab", "ab", true)]
    #[case("a|b", "ac", false)]
    #[case("a|b", "cb", false)]
    #[case("(?m)^a$", "a\nb", false)]
    #[case("a$", "a\n", false)]
    #[case(".*", "a\nb", false)]
    #[case("v[0-9]+", "v1\n", false)]
    #[case("[ä-ü]", "ö", true)]
    fn a_pattern_is_for_the_whole_text(
        #[case] pattern: &str,
        #[case] text: &str,
        #[case] matches: bool,
    ) {
        assert_eq!(Pattern::new(pattern).unwrap().matches(text), matches);
    }

    #[rstest]
    #[case::unclosed("(a")]
    #[case::closes_the_group("a)|(?:b")]
    #[case::hides_the_end("(?x)a # rest")]
    #[case::backreference(r"(a)\1")]
    #[case::look_around("(?=a)b")]
    #[case::too_large("((a{1000}){1000}){1000}")]
    fn what_cannot_be_compiled_is_refused(#[case] pattern: &str) {
        assert!(Pattern::new(pattern).is_err());
    }

    #[test]
    fn a_hostile_pattern_takes_no_long_time() {
        let pattern = Pattern::new("(a|a)*(a*)*b").unwrap();
        let start = std::time::Instant::now();
        assert!(!pattern.matches(&"a".repeat(6000)));
        assert!(start.elapsed() < std::time::Duration::from_secs(5));
    }
}
