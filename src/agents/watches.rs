//! The `[[watch]]`es of `agents.toml`.

use super::table::{Table, Text, unique};
use super::watch::Watch;
use super::workflow::{ref_pattern, repository, workflow_file};
use crate::github::run::CONCLUSIONS;

/// Checks one watch.
pub(super) fn watch(table: &Table<'_>) -> Option<Watch> {
    let files = list(table, "workflows", "to watch every workflow");
    let branches = list(table, "branches", "to watch every branch and tag");
    let events = list(table, "events", "to watch every event but those of pull requests");
    let only = list(table, "only", "to tell of every run, from its beginning");
    let event = |text: &Text<'_>| {
        text.checked("names of GitHub's events, like push", |s| {
            !s.is_empty() && s.len() <= 50 && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        })
    };
    if !table.has("channel") {
        table.lacks("channel", ", the id of the channel that is told");
    }
    Some(Watch {
        repository: repository(table),
        workflows: files.iter().filter_map(workflow_file).collect(),
        branches: branches.iter().filter_map(ref_pattern).collect(),
        events: events.iter().filter_map(event).collect(),
        only: only.iter().filter_map(|text| text.one_of(&CONCLUSIONS).map(str::to_owned)).collect(),
        ping: table.id("ping", "a role"),
        channel: table.id("channel", "a channel")?,
    })
}

fn list<'a>(table: &Table<'a>, key: &'static str, why: &str) -> Vec<Text<'a>> {
    let texts = table.texts(key, why);
    unique(key, texts.iter());
    texts
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::agents::{RefPattern, file};
    use rstest::rstest;

    /// Its lines begin at line 8.
    pub(in crate::agents) fn parsed(lines: &str) -> Result<Watch, String> {
        let agent = "[[agent]]\nid = \"a\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"a\"\nkind = \"status\"\n";
        let text = format!("{agent}[[watch]]\n{lines}\n");
        let registry = file::parse("x.toml", &text).map_err(|error| error.to_string())?;
        Ok(registry.watches()[0].clone())
    }

    const ALL: &str = r#"channel = "1190000000000000003"
repository = "octo-org/api"
workflows = ["ci.yml", "nightly.yaml"]
branches = ["main", "refs/heads/release/*"]
events = ["push", "schedule"]
only = ["failure", "timed_out"]
ping = "77""#;

    #[test]
    fn every_key_of_a_watch_is_parsed() {
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let watch = Watch {
            repository: Some("octo-org/api".parse().unwrap()),
            workflows: names(["ci.yml", "nightly.yaml"]),
            branches: names(["main", "release/*"]).into_iter().map(RefPattern).collect(),
            events: names(["push", "schedule"]),
            only: names(["failure", "timed_out"]),
            channel: 1_190_000_000_000_000_003,
            ping: Some(77),
        };
        assert_eq!(parsed(ALL), Ok(watch));
    }

    #[test]
    fn only_the_channel_must_be_given_as_a_text_or_a_number() {
        let watch = Watch {
            repository: None,
            workflows: Vec::new(),
            branches: Vec::new(),
            events: Vec::new(),
            only: Vec::new(),
            channel: 5,
            ping: None,
        };
        assert_eq!(parsed("channel = \"5\""), Ok(watch.clone()));
        assert_eq!(parsed("channel = 5"), Ok(watch));
    }

    #[rstest]
    #[case::no_channel(
        "ping = \"77\"",
        "ping = \"77\"\n",
        7,
        "[[watch]] needs the key `channel`",
        "channel = \"1190000000000000003\"\n"
    )]
    #[case::unknown_key(
        "ping =",
        "pings =",
        14,
        "unknown key `pings` in [[watch]]: did you mean `ping`?",
        ""
    )]
    #[case::channel_name(
        "\"1190000000000000003\"",
        "\"#deploys\"",
        8,
        "channel must be the id of a channel",
        ""
    )]
    #[case::zero("\"1190000000000000003\"", "0", 8, "channel must be the id of a channel", "")]
    #[case::role_name("\"77\"", "\"@deployers\"", 14, "ping must be the id of a role", "")]
    #[case::repository(
        "octo-org/api",
        "octo-org",
        9,
        "repository \"octo-org\" must be owner/name",
        ""
    )]
    #[case::workflow(
        "nightly.yaml",
        ".github/workflows/nightly.yaml",
        10,
        "workflows \".github",
        ""
    )]
    #[case::no_workflows(
        "[\"ci.yml\", \"nightly.yaml\"]",
        "[]",
        10,
        "workflows is empty; leave it out to watch every",
        ""
    )]
    #[case::branch("release/*", "*/x", 11, "branches \"refs/heads/*/x\" must be", "")]
    #[case::event("\"schedule\"", "\"Push\"", 12, "events \"Push\" must be", "")]
    #[case::twice(
        "\"schedule\"",
        "\"push\"",
        12,
        "events \"push\" is given twice, first in line 12",
        ""
    )]
    #[case::outcome("timed_out", "red", 13, "only \"red\" is not one of success, failure", "")]
    #[case::no_outcome("[\"failure\", \"timed_out\"]", "[]", 13, "only is empty; leave it out", "")]
    fn a_mistake_in_a_watch_is_reported_with_its_line(
        #[case] right: &str,
        #[case] wrong: &str,
        #[case] line: usize,
        #[case] what: &str,
        #[case] without: &str,
    ) {
        assert!(ALL.contains(right), "{right}");
        let text = ALL.replacen(right, wrong, 1).replacen(without, "", 1);
        let error = parsed(&text).unwrap_err();
        assert!(error.starts_with(&format!("x.toml:{line}: ")), "{error}");
        assert!(error.contains(what), "{error}");
    }
}
