//! The `[[watch]]`es of `agents.toml`.

use toml::Spanned;

use super::fault::{Fault, checked, entries, fault, unique};
use super::raw::{RawId, RawWatch};
use super::watch::Watch;
use super::workflow::{ref_pattern, repository, workflow_file};
use crate::config;

/// <https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run>
const CONCLUSIONS: [&str; 9] = [
    "success",
    "failure",
    "cancelled",
    "timed_out",
    "startup_failure",
    "action_required",
    "neutral",
    "skipped",
    "stale",
];

/// Checks one watch.
pub(super) fn watch(raw: &RawWatch) -> Result<Watch, Fault> {
    let files = entries(raw.workflows.as_ref(), "workflows", "to watch every workflow")?;
    let branches = entries(raw.branches.as_ref(), "branches", "to watch every branch and tag")?;
    let why = "to watch every event but those of pull requests";
    let events = entries(raw.events.as_ref(), "events", why)?;
    let only = entries(raw.only.as_ref(), "only", "to tell of every run, from its beginning")?;
    for (key, list) in
        [("workflows", files), ("branches", branches), ("events", events), ("only", only)]
    {
        unique(key, list.iter())?;
    }
    let is_event = |s: &str| {
        !s.is_empty() && s.len() <= 50 && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    let event = |one| checked(one, "events", "names of GitHub's events, like push", is_event);
    let ending = |one| {
        let shape = format!("outcomes of GitHub's: {}", CONCLUSIONS.join(", "));
        checked(one, "only", &shape, |s| CONCLUSIONS.contains(&s))
    };
    Ok(Watch {
        repository: repository(raw.repository.as_ref())?,
        workflows: files
            .iter()
            .map(|file| workflow_file(file, "workflows"))
            .collect::<Result<_, _>>()?,
        branches: branches
            .iter()
            .map(|name| ref_pattern(name, "branches"))
            .collect::<Result<_, _>>()?,
        events: events.iter().map(event).collect::<Result<_, _>>()?,
        only: only.iter().map(ending).collect::<Result<_, _>>()?,
        channel: id(&raw.channel, "channel", "a channel")?,
        ping: raw.ping.as_ref().map(|role| id(role, "ping", "a role")).transpose()?,
    })
}

fn id(given: &Spanned<RawId>, key: &str, of: &str) -> Result<u64, Fault> {
    let id = match given.as_ref() {
        RawId::Text(text) => config::id(text),
        RawId::Number(number) => config::id(&number.to_string()),
    };
    id.ok_or_else(|| fault(given, format!("{key} must be the id of {of}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::{RefPattern, file};
    use rstest::rstest;

    /// Its lines begin at line 8.
    fn parsed(lines: &str) -> Result<Watch, String> {
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
        "missing field `channel`",
        "channel = \"1190000000000000003\"\n"
    )]
    #[case::unknown_key("ping =", "pings =", 14, "unknown field `pings`", "")]
    #[case::channel_name(
        "\"1190000000000000003\"",
        "\"#deploys\"",
        8,
        "channel must be the id of a channel",
        ""
    )]
    #[case::zero("\"1190000000000000003\"", "0", 8, "channel must be the id of a channel", "")]
    #[case::role_name("\"77\"", "\"@deployers\"", 14, "ping must be the id of a role", "")]
    #[case::repository("octo-org/api", "octo-org", 9, "repository must be owner/name", "")]
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
    #[case::twice("\"schedule\"", "\"push\"", 12, "events \"push\" is given twice", "")]
    #[case::outcome(
        "timed_out",
        "red",
        13,
        "only \"red\" must be outcomes of GitHub's: success, failure",
        ""
    )]
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
        assert!(error.starts_with(&format!("x.toml: line {line}: ")), "{error}");
        assert!(error.contains(what), "{error}");
    }
}
