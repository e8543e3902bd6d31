//! Masks what looks like a secret in text that other programs wrote, such as the log of a job.
//!
//! It finds secrets by their form or by the name before them. A secret with neither is not found: GitHub masks those that
//! a workflow was given as secrets, and nothing finds all others.

use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

pub(crate) use pem::{MASK, mask_keys};
use pem::{PEM_LINE, is_base64};

mod pem;

/// The characters of an AWS secret access key.
const AWS_SECRET: usize = 40;

/// Secrets that show by themselves what they are. The first group, if there is one, stays.
const FORMS: &[&str] = &[
    // GitHub
    r"gh[pousr]_[A-Za-z0-9]{20}[A-Za-z0-9_.\-]*",
    r"\bgh[pousr]_[A-Za-z0-9_.\-]{4,}",
    r"github_pat_[A-Za-z0-9_]{4,}",
    // AWS
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}",
    r"(?i)((?:secret_?access_?key|session_?token)[^A-Za-z0-9]+)[A-Za-z0-9/+=]{16,}",
    r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9/+=]{16,}",
    // A JWT, and JSON as Base64
    r"eyJ[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*)+",
    r"eyJ[A-Za-z0-9_\-+/=]{30,}",
    // Discord: a bot's token, a webhook
    r"\b[A-Za-z0-9_\-]{23,28}\.[A-Za-z0-9_\-]{6,7}\.[A-Za-z0-9_\-]{27,}",
    r"(/webhooks/[0-9]+/)[A-Za-z0-9_\-]{16,}",
    // Slack: tokens, a webhook
    r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9\-]{4,}",
    r"\bxapp-[A-Za-z0-9\-]{8,}",
    r"(hooks\.slack\.com/[a-z]+/)[A-Za-z0-9/]{8,}",
    // Others with a prefix of their own
    r"\b(?:sk|rk|pk)[-_](?:live|test|proj|ant)[-_A-Za-z0-9]{8,}",
    r"\bsk-[A-Za-z0-9_\-]{20,}",
    r"\b(?:glpat|npm|pypi|dckr_pat|dop_v1|hf|shpat|sbp|vercel)[-_][A-Za-z0-9_\-]{16,}",
    r"\bAIza[A-Za-z0-9_\-]{30,}",
    r"\bya29\.[A-Za-z0-9_\-]{16,}",
    r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}",
    // In a URL: user:password@, and a long token as the user
    r"(://[^\s/:@]*:)[^\s/]+@",
    r"(://)[^\s/:@]{20,}@",
    // A user and a password for curl
    r#"(\bcurl\b.*\s(?:-[A-Za-z]*[uU]|--user|--proxy-user)[ =]?\s*["'][^\s:"']+:)[^"']+"#,
    r#"(\bcurl\b.*\s(?:-[A-Za-z]*[uU]|--user|--proxy-user)[ =]?\s*[^\s:"']+:)[^\s"']+"#,
    // Cookies, up to the end of the line
    r#"(?i)(cookies?["']?\s*:\s*)[^"'\s][^=]*=.*"#,
    r#"(?i)(cookies?=)[^"'\s].*"#,
    // A header
    r#"(?i)(authorization["']?\s*[:=]\s*["']?(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s+)?)[^\s"',;]+"#,
    r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/\-=]{16,}",
];

/// Parts of names whose values are secret.
const NAMES: &str = "password|passwd|passphrase|passcode|pwd|secret|token|api[_.\\-]?key|access[_.\\-]?key|account[_.\\-]?key|\
    private[_.\\-]?key|secret[_.\\-]?key|signing[_.\\-]?key|encryption[_.\\-]?key|master[_.\\-]?key|ssh[_.\\-]?key|\
    deploy[_.\\-]?key|auth[_.\\-]?key|credential|connection[_.\\-]?string|webhook[_.\\-]?url|cookie|_auth|signature";

/// A name that holds one of [`NAMES`] and ends there, or goes on with another word: `tokenizer` is none.
fn name() -> String {
    format!(r"[A-Za-z0-9_.\-]*(?i:{NAMES})s?(?:[_.\-0-9A-Z][A-Za-z0-9_.\-]*)?")
}

/// Names that are secret as a whole word, or as the last one of a name: `DB_PASS`, but not `bypass`.
const LAST_WORDS: &str = "pass|pat|auth|sig";

/// Names that end in `_key` and are none of these: `STRIPE_KEY`, but not `cache_key`.
const ORDINARY_KEYS: &[&str] = &[
    "cache",
    "foreign",
    "group",
    "hash",
    "idempotency",
    "index",
    "map",
    "object",
    "order",
    "partition",
    "primary",
    "public",
    "range",
    "restore",
    "routing",
    "row",
    "s3",
    "sort",
    "unique",
];

/// A value: in quotes, which may be open, or up to the next space.
const VALUE: &str = r#"(\\"(?:[^"\\])*(?:\\")?|"(?:[^"\\]|\\.)*"?|'[^']*'?|\S+)"#;

static FORMED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| FORMS.iter().filter_map(|form| Regex::new(form).ok()).collect());

/// `NAME=value`, `NAME: value`, `"name": "value"`, and `--name value`.
static NAMED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let name = name();
    let pair = format!(r#"({name}(?:\\?["'])?\s*(?:=>|:=|==|=|:)\s*){VALUE}"#);
    let option = format!(r"(--(?:{name}|(?:[A-Za-z0-9\-]*-)?pass)\s+){VALUE}");
    [pair, option].iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});

/// The same for names of which only the last word tells.
static LAST_NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = format!(
        r"\b(?<name>(?:[A-Za-z0-9_.\-]*[_.\-])?(?i:{LAST_WORDS})|[A-Za-z0-9_.\-]*[A-Za-z0-9]_(?i:key))(?:_?[0-9]+)?"
    );
    Regex::new(&format!(r#"({name}(?<is>(?:\\?["'])?\s*(?:=>|:=|==|=|:)\s*))(?<value>{VALUE})"#))
        .ok()
});

/// A password that was not in quotes, already masked. More of its words may follow.
static PHRASE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = "password|passwd|passphrase|passcode|pwd|pass";
    let upper = words.to_ascii_uppercase();
    Regex::new(&format!(r"(?:(?i:{words})=|(?:{upper}):\s+)\*\*\*")).ok()
});

/// The id of an access key of AWS.
static AWS_ID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:AKIA|ASIA)[A-Z0-9]{12,}").ok());

#[cfg(test)]
thread_local! {
    /// Bytes that were searched by patterns. It takes about a microsecond for each.
    pub(crate) static MASKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Replaces what looks like a secret by `***`. The lines stay as many as they are.
pub(crate) fn masked(text: &str) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    mask_keys(&mut lines.iter_mut().collect::<Vec<_>>());
    let lines: Vec<String> = lines.iter().map(|line| masked_line(line)).collect();
    lines.join("\n")
}

/// One line; a PEM block over several lines is found by [`mask_keys`].
pub(crate) fn masked_line(line: &str) -> String {
    #[cfg(test)]
    MASKED.set(MASKED.get() + line.len());
    let mut line = masked_beside_id(line);
    for form in FORMED.iter() {
        if form.is_match(&line) {
            let kept = |found: &Captures<'_>| {
                let kept = found.get(1).map_or("", |kept| kept.as_str());
                let at = if found.get(0).is_some_and(|all| all.as_str().ends_with('@')) {
                    "@"
                } else {
                    ""
                };
                format!("{kept}{MASK}{at}")
            };
            line = form.replace_all(&line, kept).into_owned();
        }
    }
    for pair in NAMED.iter() {
        if pair.is_match(&line) {
            line = pair.replace_all(&line, masked_pair).into_owned();
        }
    }
    if let Some(pair) = LAST_NAMED.as_ref().filter(|pair| pair.is_match(&line)) {
        line = pair.replace_all(&line, masked_last_pair).into_owned();
    }
    match &*PHRASE {
        Some(phrase) => without_other_words(phrase, line),
        None => line,
    }
}

/// The beginning of a title or a name that GitHub tells, long enough for all that is shown of it. What a title begins with
/// is no name of a secret: `token: renew it earlier`.
pub(crate) fn masked_title(title: &str) -> String {
    const MOST: usize = 500;
    let title = title.get(..title.floor_char_boundary(MOST)).unwrap_or_default();
    let is_topic = |topic: &str| topic.chars().all(|c| c.is_ascii_lowercase());
    match title.split_once(": ") {
        Some((topic, text)) if is_topic(topic) && text.trim().contains(' ') => {
            format!("{topic}: {}", masked_line(text))
        }
        _ => masked_line(title),
    }
}

/// What stands in a line with the id of AWS's access key: the secret of 40 characters, and the session's token. The
/// command line writes them without names.
fn masked_beside_id(line: &str) -> String {
    let is_there = |id: &Regex| id.is_match(line);
    if !AWS_ID.as_ref().is_some_and(is_there) {
        return line.to_owned();
    }
    let is_of_word = |c: char| is_base64(c) && c != '=';
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(begin) = rest.find(is_of_word) {
        let (before, from) = rest.split_at(begin);
        let (word, after) = from.split_at(from.find(|c| !is_of_word(c)).unwrap_or(from.len()));
        let is_hash = word.chars().all(|c| c.is_ascii_hexdigit());
        let is_secret = !is_hash && (word.len() == AWS_SECRET || word.len() >= PEM_LINE);
        out.push_str(before);
        out.push_str(if is_secret { MASK } else { word });
        rest = after;
    }
    out + rest
}

/// Takes away the words that follow a password, as far as an option, a name with a value, or a sign of the shell.
fn without_other_words(phrase: &Regex, line: String) -> String {
    if !phrase.is_match(&line) {
        return line;
    }
    let (mut out, mut from) = (String::with_capacity(line.len()), 0);
    while let Some(found) = phrase.find_at(&line, from) {
        out.push_str(line.get(from..found.end()).unwrap_or_default());
        from = found.end();
        while let Some(word) = line.get(from..).and_then(next_word) {
            from += word.len();
        }
    }
    out + line.get(from..).unwrap_or_default()
}

/// The next word with the space before it, if it may belong to a password.
fn next_word(text: &str) -> Option<&str> {
    let word = text.trim_start();
    let space = text.len() - word.len();
    let length = word.find(char::is_whitespace).unwrap_or(word.len());
    let is_other = |c: char| matches!(c, '-' | '&' | '|' | ';' | '<' | '>' | '"' | '\'' | '(');
    let word = word.get(..length).filter(|word| !word.is_empty() && !word.starts_with(is_other))?;
    if space == 0 || word.contains('=') || word.ends_with(':') {
        return None;
    }
    text.get(..space + length)
}

/// [`masked_pair`] for a name of which the last word tells, if the value may be a secret.
fn masked_last_pair(pair: &Captures<'_>) -> String {
    let part = |name| pair.name(name).map_or("", |part| part.as_str());
    let (name, is, value) = (part("name"), part("is"), part("value"));
    let whole = || pair.get(0).map_or("", |whole| whole.as_str()).to_owned();
    let lower = name.to_ascii_lowercase();
    if let Some(kind) = lower.strip_suffix("_key") {
        let kind = kind.rsplit(['_', '.', '-']).next().unwrap_or_default();
        return if ORDINARY_KEYS.contains(&kind) { whole() } else { masked_value(pair, value) };
    }
    // `pass: 12`, `PASS: TestLogin`, `auth: failed`, `auth::login`
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|c| kind(&c));
    let has_letter = has(u8::is_ascii_alphabetic);
    let is_quoted = is.contains(['"', '\'']) || value.starts_with(['"', '\'']);
    let may_be_secret = match name {
        "pass" => has_letter,
        "PASS" | "Pass" => is.contains('"'),
        _ => is_quoted || (value.len() >= 6 && has_letter && has(u8::is_ascii_digit)),
    };
    let is_bare = !name.contains(['_', '.', '-']) && is.contains(':') && !is.contains('=');
    let is_ordinary = is_bare && (value.starts_with(':') || !may_be_secret);
    if is_ordinary { whole() } else { masked_value(pair, value) }
}

/// A pair without its value. Quotes stay, and so does what says that there is no value.
fn masked_pair(pair: &Captures<'_>) -> String {
    masked_value(pair, pair.get(2).map_or("", |value| value.as_str()))
}

/// The first group of a pair, and its value masked.
fn masked_value(pair: &Captures<'_>, value: &str) -> String {
    let name = pair.get(1).map_or("", |name| name.as_str());
    let bare = value.trim_matches(|c: char| {
        matches!(c, '"' | '\'' | '\\' | ',' | ';' | '{' | '}' | '(' | ')' | '[' | ']')
    });
    if matches!(bare, "" | "null" | "none" | "None" | "nil" | "true" | "false" | "undefined") {
        return format!("{name}{value}");
    }
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| value.starts_with(quote));
    let quote = quote.unwrap_or_default();
    let closes = value.len() > quote.len() && value.ends_with(quote);
    format!("{name}{quote}{MASK}{}", if closes { quote } else { "" })
}

#[cfg(test)]
mod tests;
