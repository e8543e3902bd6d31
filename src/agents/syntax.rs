//! What is no TOML, in words: the usual slips by their cure, the rest as the parser says it.

use super::fault::Faults;

/// The headers that take two brackets, with the keys that they begin.
const TWO_BRACKETS: [&str; 5] = ["agent", "watch", "agent.inputs", "agent.steps", "agent.checks"];

/// Notes why a text is no TOML. The text itself is not repeated: it may hold a password.
pub(super) fn note(error: &toml::de::Error, text: &str, faults: &Faults<'_>) {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim();
    if let Some(name) = two_brackets(line)
        && let Some(at) = single_before(text.get(..start).unwrap_or_default(), name)
    {
        faults.add(at, format!("[{name}] takes two brackets: [[{name}]]"));
        return;
    }
    let said = error.message().lines().collect::<Vec<_>>().join(", ");
    faults.add(at, slip(line, &said).unwrap_or_else(|| format!("this is no TOML: {said}")));
}

/// The name in a header with two brackets.
fn two_brackets(line: &str) -> Option<&'static str> {
    let header = bare(line);
    TWO_BRACKETS.into_iter().find(|name| header == format!("[[{name}]]"))
}

/// Where the same header stands before with one bracket: then this line is right, and that one is not.
fn single_before(text: &str, name: &str) -> Option<usize> {
    let header = format!("[{name}]");
    let mut at = 0;
    let mut found = None;
    for line in text.split_inclusive('\n') {
        if bare(line) == header {
            found = Some(at);
        }
        at += line.len();
    }
    found
}

/// A line without its comment.
fn bare(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

fn slip(line: &str, said: &str) -> Option<String> {
    let header = bare(line);
    let single = header.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(name) = single.filter(|name| TWO_BRACKETS.contains(name)) {
        return Some(format!("[{name}] takes two brackets: [[{name}]]"));
    }
    if header == "[[agent.fixed]]" {
        return Some("[[agent.fixed]] takes one pair of brackets: [agent.fixed]".to_owned());
    }
    if line.contains(['“', '”', '„', '‘', '’']) {
        return Some("a text goes in straight quotes: \" and not “ or ”".to_owned());
    }
    if said.contains("duplicate key") {
        let key = line.split('=').next().unwrap_or_default().trim();
        return Some(format!("{} is given twice", super::keys::shown(key)));
    }
    let (key, value) = line.split_once('=')?;
    let is_word = |text: &str| !text.is_empty() && !text.contains(['"', '\'', '[', '{', ' ']);
    // A value with a quote may hold a secret only in part; this has none, and is not repeated.
    let is_text = |text: &str| is_word(text) && text.starts_with(char::is_alphabetic);
    (is_word(key.trim()) && is_text(bare(value)))
        .then(|| format!("{}: a text goes in quotes", super::keys::shown(key.trim())))
}
