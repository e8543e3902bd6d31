//! Percent-encodes what becomes part of a path.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// One segment of a path: all is encoded but what RFC 3986 leaves as it is.
pub(super) fn segment(text: &str) -> impl Display {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, PLAIN)
}

/// What a user typed of the segments of a path. Its slashes stay.
pub(super) fn segments(text: &str) -> impl Display {
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_');
    utf8_percent_encode(text, PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("release/1", "release/1", "release%2F1")]
    #[case("v1.0", "v1%2E0", "v1.0")]
    #[case("a b?c#d", "a%20b%3Fc%23d", "a%20b%3Fc%23d")]
    #[case("ü", "%C3%BC", "%C3%BC")]
    fn user_input_is_percent_encoded_in_the_path(
        #[case] text: &str,
        #[case] of_several: &str,
        #[case] of_one: &str,
    ) {
        assert_eq!(segments(text).to_string(), of_several);
        assert_eq!(segment(text).to_string(), of_one);
    }
}
