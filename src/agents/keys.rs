//! Which keys the tables of `agents.toml` have, and what is told of a key that they have not.

use super::fault::Faults;

/// A kind of table in the file.
#[derive(Debug)]
pub(super) struct Section {
    /// How it begins, as in `[[agent]]`. Empty: the file itself.
    pub(super) header: &'static str,
    /// Its keys.
    pub(super) keys: &'static [&'static str],
}

pub(super) static FILE: Section = Section { header: "", keys: &["agent", "watch"] };

pub(super) static AGENT: Section = Section {
    header: "[[agent]]",
    keys: &[
        "id",
        "name",
        "description",
        "command",
        "kind",
        "workflow",
        "repository",
        "ref",
        "allowed_refs",
        "inputs",
        "fixed",
        "wait",
        "reported",
        "environment",
        "sha_input",
        "verifies",
        "run_command",
        "steps",
        "checks",
        "allowed_users",
        "allowed_roles",
    ],
};

pub(super) static INPUT: Section = Section {
    header: "[[agent.inputs]]",
    keys: &[
        "option",
        "input",
        "kind",
        "description",
        "required",
        "choices",
        "pattern",
        "max_length",
        "min",
        "max",
    ],
};

pub(super) static STEP: Section =
    Section { header: "[[agent.steps]]", keys: &["label", "pattern"] };

pub(super) static CHECK: Section = Section {
    header: "[[agent.checks]]",
    keys: &["target", "url", "path", "status", "header", "header_contains", "body"],
};

pub(super) static WATCH: Section = Section {
    header: "[[watch]]",
    keys: &["repository", "workflows", "branches", "events", "only", "channel", "ping"],
};

static ALL: [&Section; 5] = [&AGENT, &INPUT, &STEP, &CHECK, &WATCH];

/// Tables of an agent, as they must be written.
const OF_AN_AGENT: [(&str, &str); 4] = [
    ("inputs", "[[agent.inputs]]"),
    ("steps", "[[agent.steps]]"),
    ("checks", "[[agent.checks]]"),
    ("fixed", "[agent.fixed]"),
];

/// What others call a key.
const OTHER_WORDS: [(&str, &str); 6] = [
    ("type", "kind"),
    ("options", "choices"),
    ("branch", "ref"),
    ("repo", "repository"),
    ("file", "workflow"),
    ("default_ref", "ref"),
];

/// How alike two words are that are taken for the same: clap's limit for a mistyped argument is 0.7.
const ALIKE: f64 = 0.85;

/// Notes a key that this kind of table has not. Returns the key that was probably meant.
pub(super) fn unknown(
    faults: &Faults<'_>,
    section: &Section,
    key: &str,
    at: usize,
) -> Option<&'static str> {
    let shown = shown(key);
    let is_file = section.header.is_empty();
    let place = if is_file { String::new() } else { format!(" in {}", section.header) };
    if is_file && let Some((_, header)) = OF_AN_AGENT.iter().find(|(name, _)| *name == key) {
        faults
            .add(at, format!("`{shown}` belongs to an agent: write {header}, below its [[agent]]"));
        return None;
    }
    let has_it = |other: &&&Section| other.header != section.header && other.keys.contains(&key);
    if let Some(other) = ALL.iter().find(has_it) {
        let what = if is_file {
            format!("`{shown}` is a key of {}: put it below a line {}", other.header, other.header)
        } else {
            let cure = if other.header == AGENT.header {
                format!("move it up, above the first {}", section.header)
            } else {
                format!("put it below a line {}", other.header)
            };
            format!("`{shown}` is no key of {}, but of {}: {cure}", section.header, other.header)
        };
        faults.add(at, what);
        return None;
    }
    let meant = alike(key, section.keys);
    let cure = match meant {
        Some(meant) if is_file => format!(": did you mean `[[{meant}]]`?"),
        Some(meant) => format!(": did you mean `{meant}`?"),
        None if is_file => ": the file has [[agent]] and [[watch]] only".to_owned(),
        None => "; docs/agents.md lists the keys".to_owned(),
    };
    faults.add(at, format!("unknown key `{shown}`{place}{cure}"));
    meant
}

/// Which of these words was probably meant.
pub(super) fn alike(word: &str, words: &'static [&'static str]) -> Option<&'static str> {
    let plain = word.to_lowercase().replace(['-', ' '], "_");
    if let Some((_, meant)) = OTHER_WORDS.iter().find(|(other, _)| *other == plain)
        && words.contains(meant)
    {
        return Some(meant);
    }
    let score = |known: &&'static str| {
        let is_part = plain.len() >= 3 && (known.contains(&plain) || plain.contains(*known));
        let alike = strsim::jaro_winkler(&plain, known);
        if is_part { alike.max(ALIKE) } else { alike }
    };
    let scored = words.iter().map(|known| (score(known), *known));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(score, _)| *score >= ALIKE).map(|(_, known)| known)
}

/// A key from the file, for a message.
pub(super) fn shown(key: &str) -> String {
    crate::text::escape::clipped(key, 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("allowed_ref", Some("allowed_refs"))]
    #[case("Allowed-Roles", Some("allowed_roles"))]
    #[case("roles", Some("allowed_roles"))]
    #[case("repo", Some("repository"))]
    #[case("commands", Some("command"))]
    #[case("environments", Some("environment"))]
    #[case("branch", Some("ref"))]
    #[case("type", Some("kind"))]
    #[case("desc", Some("description"))]
    #[case("waits", Some("wait"))]
    #[case("colour", None)]
    #[case("timeout", None)]
    #[case("", None)]
    fn a_mistyped_key_is_recognised(#[case] key: &str, #[case] meant: Option<&str>) {
        assert_eq!(alike(key, AGENT.keys), meant);
    }
}
