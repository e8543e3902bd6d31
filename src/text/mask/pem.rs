//! Masks PEM blocks: keys and certificates over several lines.

/// What a secret is replaced with; the same as GitHub's.
pub(crate) const MASK: &str = "***";

/// What a PEM block's first line and its last one begin with.
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// The most lines of a PEM block. The key of 16,384 bits has about 200.
pub(super) const MOST_OF_A_BLOCK: usize = 256;

/// The shortest word that counts as a line of a PEM block's body.
const PEM_WORD: usize = 16;

/// The shortest line of Base64 alone that counts as a part of a PEM block, whose beginning and end are not seen.
pub(super) const PEM_LINE: usize = 60;

/// Masks PEM blocks, also those of which only a part is there: the beginning, the end, or lines in between. Returns
/// which lines it changed.
pub(crate) fn mask_keys(lines: &mut [&mut String]) -> Vec<usize> {
    let ends: Vec<usize> = (0..lines.len())
        .filter(|at| lines.get(*at).is_some_and(|line| line.contains(END)))
        .collect();
    let mut ends = ends.into_iter().peekable();
    let mut changed = Vec::new();
    let mut block = Block::None;
    // The number of lines before that may be a block's.
    let mut body = 0_usize;
    for at in 0..lines.len() {
        while ends.next_if(|end| *end <= at).is_some() {}
        let (before, rest) = lines.split_at_mut(at);
        let Some(line) = rest.first_mut() else { break };
        let is_body = is_pem_body(line);
        let is_tail = body > 0 && is_one_word(line);
        let end = end_of_block(line, 0);
        let mut is_changed = true;
        match (block, end) {
            (Block::None, Some(end)) if !line.contains(BEGIN) => {
                for line in before.iter_mut().rev().take(body) {
                    MASK.clone_into(line);
                }
                changed.extend(at - body..at);
                line.replace_range(..end, MASK);
            }
            (Block::None, _) => is_changed = false,
            (_, Some(end)) => {
                line.replace_range(..end, MASK);
                block = Block::None;
            }
            (Block::Until(_), None) => MASK.clone_into(line),
            (Block::Open, None) if is_body => MASK.clone_into(line),
            (Block::Open, None) => (block, is_changed) = (Block::None, false),
        }
        if matches!(block, Block::Until(last) if last <= at) {
            block = Block::None;
        }
        let mut from = 0;
        while let Some(begin) = line.get(from..).and_then(|rest| rest.find(BEGIN)) {
            is_changed = true;
            let begin = from + begin;
            let Some(end) = end_of_block(line, begin) else {
                line.replace_range(begin.., MASK);
                let end = ends.peek().filter(|end| **end - at <= MOST_OF_A_BLOCK);
                block = end.map_or(Block::Open, |end| Block::Until(*end));
                break;
            };
            line.replace_range(begin..end, MASK);
            from = begin + MASK.len();
        }
        if is_long_base64(line) {
            MASK.clone_into(line);
            is_changed = true;
        }
        if is_changed {
            changed.push(at);
        }
        body = if is_body || is_tail { body + 1 } else { 0 };
    }
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// The PEM block in which a line is.
#[derive(Clone, Copy)]
enum Block {
    None,
    /// One that ends at this line: all until there is of it, whatever it looks like.
    Until(usize),
    /// One whose end is not there, so it goes on as long as its lines look like it.
    Open,
}

/// Where a line's mark of a block's end ends, looked for from a place on.
fn end_of_block(line: &str, from: usize) -> Option<usize> {
    let end = from + line.get(from..)?.find(END)? + END.len();
    let dashes = line.get(end..)?.find("-----").map(|dashes| end + dashes + "-----".len());
    Some(dashes.unwrap_or(line.len()))
}

/// Whether a line within a block is one of its body: Base64, a header of it, or nothing. It may be in quotes, in a table,
/// or have a prefix.
fn is_pem_body(line: &str) -> bool {
    let line = undecorated(line);
    let word = line.rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_header =
        ["Proc-Type:", "DEK-Info:", "Version:", "Comment:"].iter().any(|name| line.contains(name));
    let is_last = word.ends_with('=') && word.chars().all(is_base64);
    line.is_empty()
        || is_header
        || is_last
        || (word.len() >= PEM_WORD && word.chars().all(is_base64))
}

/// Whether a line is a single word of Base64, like the last one of a body.
fn is_one_word(line: &str) -> bool {
    let line = undecorated(line);
    !line.is_empty() && line.chars().all(is_base64)
}

/// Whether a line is Base64 and nothing else, long, and no hash in hexadecimal digits.
fn is_long_base64(line: &str) -> bool {
    let line = undecorated(line);
    if line.len() < PEM_LINE || !line.chars().all(is_base64) {
        return false;
    }
    let is_hash = line.chars().all(|c| c.is_ascii_hexdigit());
    // One of a single letter, or without capitals, is a ruler or a long word.
    let has = |kind: fn(&char) -> bool| line.chars().any(|c| kind(&c));
    let is_mixed =
        has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit);
    !is_hash && is_mixed
}

/// A line without quotes, a table's bars, and what joins it to the next one (`"…\n" +`).
fn undecorated(line: &str) -> &str {
    let is_decoration = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\''
                    | '`'
                    | '|'
                    | '\u{2502}'
                    | ','
                    | ';'
                    | '+'
                    | '('
                    | ')'
                    | '['
                    | ']'
                    | '\\'
            )
    };
    let line = line.trim_matches(is_decoration);
    let line = line.strip_suffix("\\n").unwrap_or(line);
    line.strip_suffix("\\r").unwrap_or(line)
}

pub(super) fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}
