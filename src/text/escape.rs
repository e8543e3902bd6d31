//! Escapes text from outside for Discord messages.
//!
//! Such text must not ping anyone (`allowed_mentions` is the first guard, this is the second), must not break
//! out of the surrounding Markdown, and must not take more than its share of the message's 2000 characters.
//! <https://docs.discord.com/developers/reference#message-formatting>

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Characters that would end the URL of a masked link.
const END_OF_LINK: &AsciiSet = &CONTROLS.add(b'>').add(b')');

/// Length limit of a URL, so that it leaves room for the message.
const MAX_URL: usize = 500;

/// Escapes text for a sentence: Markdown is escaped and mentions are disabled. Keeps at most `max` characters
/// of the original.
pub(crate) fn plain(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max * 2));
    let clipped = clipped(text, max);
    for (at, c) in clipped.char_indices() {
        match c {
            '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' => {
                out.push('\\');
                out.push(c);
            }
            // Quotes, headings and lists start only at the start of a line.
            '>' | '#' | '-' if at == 0 => {
                out.push('\\');
                out.push(c);
            }
            // A zero-width space after these disables mentions and `<…>` markup.
            '@' | '<' => {
                out.push(c);
                out.push('\u{200b}');
            }
            c => out.push(c),
        }
    }
    // A zero-width space here disables bare links.
    out.replace("://", ":\u{200b}//")
}

/// Formats text as inline code. A backtick cannot be escaped there, so it is replaced by a similar character.
pub(crate) fn code(text: &str, max: usize) -> String {
    let inner = clipped(text, max).replace('`', "ˋ");
    if inner.is_empty() {
        return "` `".to_owned();
    }
    format!("`{inner}`")
}

/// Formats lines as a block of code. Nothing in it is markup, and it ends where it should: as in [`code`], backticks are
/// replaced.
pub(crate) fn code_block(lines: &[String], max: usize) -> String {
    let lines: Vec<String> =
        lines.iter().map(|line| clipped(line, max).replace('`', "ˋ")).collect();
    format!("```\n{}\n```", lines.join("\n"))
}

/// `[label](<url>)`: a masked link without a preview. `label` must be escaped already. If the URL is not
/// http(s) or too long, only the label is shown.
pub(crate) fn link(label: &str, url: &str) -> String {
    match url::Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.as_str().len() <= MAX_URL => {
            let target = utf8_percent_encode(url.as_str(), END_OF_LINK);
            format!("[{label}](<{target}>)")
        }
        _ => label.to_owned(),
    }
}

/// One line for places without Markdown: no control, bidirectional or zero-width characters, truncated to
/// `max` characters with an ellipsis.
pub(crate) fn clipped(text: &str, max: usize) -> String {
    let mut kept = text.chars().filter_map(|c| match c {
        c if c.is_whitespace() => Some(' '),
        c if c.is_control() || is_invisible(c) => None,
        c => Some(c),
    });
    let mut out: String = kept.by_ref().take(max).collect();
    if kept.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// Whether a character breaks the line, controls a terminal or does not show: text from a user that is passed on
/// holds none, so what is shown of it is all there is.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Characters that do not show, or that reorder or hide their neighbours: Unicode's
/// `Default_Ignorable_Code_Point`, the interlinear annotations and the blank pattern of Braille.
/// <https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point>
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("main", "`main`")]
    #[case("a`b``c", "`aˋbˋˋc`")]
    #[case("line\nbreak", "`line break`")]
    #[case("\u{202e}evil\u{2066}", "`evil`")]
    #[case("a\u{3164}b\u{2800}c\u{e0100}d\u{fe0f}", "`abcd`")]
    #[case("", "` `")]
    fn text_cannot_break_out_of_inline_code(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(code(text, 50), expected);
    }

    #[rstest]
    #[case("**bold** _it_", "\\*\\*bold\\*\\* \\_it\\_")]
    #[case("@everyone", "@\u{200b}everyone")]
    #[case("<@123>", "<\u{200b}@\u{200b}123>")]
    #[case("# a-b (c)", "\\# a-b (c)")]
    #[case("[x](https://evil.test)", "\\[x\\](https:\u{200b}//evil.test)")]
    #[case("https://evil.test", "https:\u{200b}//evil.test")]
    fn plain_disables_markup(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text, 50), expected);
    }

    #[test]
    fn long_text_is_truncated_with_an_ellipsis() {
        assert_eq!(code(&"x".repeat(2000), 5), "`xxxx…`");
        assert_eq!(code("12345", 5), "`12345`");
    }

    #[test]
    fn lines_cannot_break_out_of_a_block() {
        let lines = ["  a ``` b", "\n```\u{202e}<@1>", ""].map(str::to_owned);
        assert_eq!(code_block(&lines, 20), "```\n  a ˋˋˋ b\n ˋˋˋ<@1>\n\n```");
    }

    #[rstest]
    #[case("https://github.com/o/r", "[x](<https://github.com/o/r>)")]
    #[case("https://github.com/a>)b", "[x](<https://github.com/a%3E%29b>)")]
    #[case("javascript:alert(1)", "x")]
    #[case("nonsense", "x")]
    fn a_url_cannot_break_out_of_a_link(#[case] url: &str, #[case] expected: &str) {
        assert_eq!(link("x", url), expected);
    }

    proptest! {
        #[test]
        fn code_holds_exactly_two_backticks_and_one_line(text in ".*", max in 1usize..80) {
            let shown = code(&text, max);
            prop_assert_eq!(shown.matches('`').count(), 2);
            let broken = shown.contains(['\n', '\r', '\u{2028}', '\u{202e}']);
            prop_assert!(!broken);
            prop_assert!(shown.chars().count() <= max.max(1) + 2);
        }
    }
}
