//! Renders the parts of Discord's Markdown that the bot uses for a terminal.

use chrono::{DateTime, Utc};

/// The style of text.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Paint {
    /// For files and pipes: no escape sequences at all.
    Plain,
    /// For terminals: colours and hyperlinks.
    Colour,
    /// For terminals, dimmed.
    Faint,
}

impl Paint {
    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", "22", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", "22", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", "39", text)
    }

    /// The bar at the left of a card, in this colour.
    pub(crate) fn bar(self, colour: u64) -> String {
        let [.., red, green, blue] = colour.to_be_bytes();
        match self {
            Self::Plain => "▌ ".to_owned(),
            Self::Colour | Self::Faint => format!("\x1b[38;2;{red};{green};{blue}m▌\x1b[39m "),
        }
    }

    fn yellow(self, text: &str) -> String {
        self.with("33", "39", text)
    }

    fn cyan(self, text: &str) -> String {
        self.with("36", "39", text)
    }

    /// The dimmed variant.
    pub(crate) fn fainter(self) -> Self {
        match self {
            Self::Plain => Self::Plain,
            Self::Colour | Self::Faint => Self::Faint,
        }
    }

    /// A hyperlink. Only its label is visible, as on Discord.
    fn link(self, label: &str, url: &str) -> String {
        let label = self.with("4", "24", label);
        match self {
            Self::Plain => format!("{label} ({url})"),
            Self::Colour | Self::Faint => {
                format!("\x1b]8;;{url}\x1b\\{label}\x1b]8;;\x1b\\")
            }
        }
    }

    fn with(self, on: &str, off: &str, text: &str) -> String {
        match self {
            Self::Colour => format!("\x1b[{on}m{text}\x1b[{off}m"),
            Self::Plain | Self::Faint => text.to_owned(),
        }
    }
}

/// Renders one line of a message. `name` maps user ids to names.
pub(crate) fn line(line: &str, paint: Paint, name: &dyn Fn(&str) -> Option<String>) -> String {
    if let Some(small) = line.strip_prefix("-# ") {
        return paint.dim(&inline(small, paint.fainter(), name));
    }
    let heading = ["# ", "## ", "### "].iter().find_map(|mark| line.strip_prefix(mark));
    match heading {
        Some(heading) => paint.bold(&inline(heading, paint, name)),
        None => inline(line, paint, name),
    }
}

fn inline(text: &str, paint: Paint, name: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((shown, after)) = special(rest, paint, name) {
            out.push_str(&shown);
            rest = after;
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// If a text starts with Markdown, renders that part. Returns it with the rest of the text.
fn special<'a>(
    text: &'a str,
    paint: Paint,
    name: &dyn Fn(&str) -> Option<String>,
) -> Option<(String, &'a str)> {
    if let Some(rest) = text.strip_prefix('\\') {
        let escaped = rest.chars().next().filter(char::is_ascii_punctuation)?;
        return Some((escaped.to_string(), rest.get(1..)?));
    }
    if let Some(rest) = text.strip_prefix("**") {
        let (inside, after) = rest.split_once("**")?;
        return Some((paint.bold(&inline(inside, paint, name)), after));
    }
    if let Some(rest) = text.strip_prefix('`') {
        let (inside, after) = rest.split_once('`')?;
        return Some((paint.yellow(&format!("`{inside}`")), after));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (label, rest) = rest.split_once("](<")?;
        let (url, after) = rest.split_once(">)")?;
        let label = inline(label, paint.fainter(), name);
        return Some((paint.link(&label, url), after));
    }
    if let Some(rest) = text.strip_prefix("<t:") {
        let (time, after) = rest.split_once('>')?;
        let (seconds, style) = time.split_once(':').unwrap_or((time, "f"));
        return Some((moment(seconds.parse().ok()?, style, Utc::now())?, after));
    }
    let (id, after) = text.strip_prefix("<@")?.split_once('>')?;
    let known = name(id).unwrap_or_else(|| id.to_owned());
    Some((paint.cyan(&format!("@{known}")), after))
}

/// A time as Discord shows it. A relative one is that of the moment when it is printed.
fn moment(seconds: i64, style: &str, now: DateTime<Utc>) -> Option<String> {
    let time = DateTime::from_timestamp(seconds, 0)?;
    let format = match style {
        "t" => "%H:%M",
        "T" => "%H:%M:%S",
        "d" | "D" => "%-d %B %Y",
        "R" => {
            let away = (time - now).num_seconds();
            let (count, unit) = match away.unsigned_abs() {
                seconds @ ..60 => (seconds, "second"),
                seconds @ ..3600 => (seconds / 60, "minute"),
                seconds @ ..86_400 => (seconds / 3600, "hour"),
                seconds => (seconds / 86_400, "day"),
            };
            let s = if count == 1 { "" } else { "s" };
            let span = format!("{count} {unit}{s}");
            return Some(if away > 0 { format!("in {span}") } else { format!("{span} ago") });
        }
        _ => "%-d %B %Y %H:%M",
    };
    Some(time.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_times() {
        let now = DateTime::from_timestamp(1_795_341_600, 0).unwrap();
        let shown = |away: i64, style| moment(now.timestamp() + away, style, now).unwrap();
        assert_eq!(shown(-12, "R"), "12 seconds ago");
        assert_eq!(shown(61, "R"), "in 1 minute");
        assert_eq!(shown(-7200, "R"), "2 hours ago");
        assert_eq!(shown(0, "T"), now.format("%H:%M:%S").to_string());
        assert_eq!(shown(0, "f"), now.format("%-d %B %Y %H:%M").to_string());
        let text = |text: &str| line(text, Paint::Plain, &|_| None);
        assert_eq!(text("<t:0:T> **x** <t:soon>"), "00:00:00 x <t:soon>");
        assert_eq!(text("### Deploy <@7>"), "Deploy @7");
    }
}
