//! Renders the parts of Discord's Markdown that the bot uses for a terminal.

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
    match line.strip_prefix("-# ") {
        Some(small) => paint.dim(&inline(small, paint.fainter(), name)),
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
    let (id, after) = text.strip_prefix("<@")?.split_once('>')?;
    let known = name(id).unwrap_or_else(|| id.to_owned());
    Some((paint.cyan(&format!("@{known}")), after))
}
