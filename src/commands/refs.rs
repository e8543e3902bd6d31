//! Suggests branches and tags for the option `ref`.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::agents::{Agent, RefPattern, Workflow};
use crate::bot::Completion;
use crate::discord::reply::Suggestion;
use crate::github::git_ref::short;
use crate::text::natural::newest_first;

/// Timeout for asking GitHub for branches and tags.
const SUGGESTED_WITHIN: Duration = Duration::from_millis(1_500);

/// The most characters of a choice. What is longer can be typed, but not chosen.
const LONGEST: usize = 100;

/// Suggests all plain names of the agent, and the refs on GitHub that match a pattern of it.
pub(crate) async fn complete(completion: Completion) -> Vec<Suggestion> {
    let Completion { context, agent, typed, .. } = completion;
    let typed = short(typed.trim());
    let Some(workflow) = agent.as_ref().and_then(Agent::workflow) else { return Vec::new() };
    let repository = workflow.repository.as_ref().unwrap_or(context.github.default_repository());
    let plain = workflow.allowed_refs.iter().filter_map(RefPattern::exact);
    let mut names: BTreeSet<String> = plain.map(str::to_owned).collect();
    // Each by itself: if GitHub is slow, what it has told, and the plain names, are suggested.
    let github = &context.github;
    let asked = asked(workflow, typed).into_iter().map(|prefix| async move {
        timeout(SUGGESTED_WITHIN, github.matching_refs(repository, prefix)).await
    });
    for found in join_all(asked).await {
        match found {
            Ok(Ok(found)) => {
                names.extend(found.into_iter().filter(|name| workflow.allows_ref(name)));
            }
            Ok(Err(error)) => tracing::warn!(%error, "branches and tags could not be suggested"),
            Err(_) => tracing::warn!("branches and tags could not be suggested in time"),
        }
    }
    in_order(names, typed).into_iter().map(Suggestion::from).collect()
}

/// The beginnings of names to ask GitHub for: those of the patterns, since what was typed may be anywhere in a name, and
/// what was typed, since a list of all may be too long to come in time.
fn asked<'a>(workflow: &'a Workflow, typed: &'a str) -> BTreeSet<&'a str> {
    let prefixes = || workflow.allowed_refs.iter().filter_map(RefPattern::prefix);
    let is_longer = |prefix: &str| typed.len() > prefix.len() && typed.starts_with(prefix);
    let narrower = prefixes().any(is_longer).then_some(typed);
    prefixes().chain(narrower).collect()
}

/// The names that contain what was typed, in any case: first those that begin with it, each in natural order.
fn in_order(names: BTreeSet<String>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let place = |name: &str| name.to_lowercase().find(&typed);
    let mut fitting: Vec<(bool, String)> = names
        .into_iter()
        .filter(|name| name.encode_utf16().count() <= LONGEST)
        .filter_map(|name| Some((place(&name)? > 0, name)))
        .collect();
    fitting.sort_by(|(inside, one), (other_inside, other)| {
        inside.cmp(other_inside).then_with(|| newest_first(one, other))
    });
    fitting.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::file;
    use rstest::rstest;

    const NAMES: [&str; 9] = [
        "main",
        "release/2024.9",
        "release/2024.40",
        "v1.9.0",
        "v1.10.0",
        "v1.10.0-rc.1",
        "Hotfix/2024",
        "maintenance",
        "release/main",
    ];

    #[rstest]
    #[case::all("", &["Hotfix/2024", "main", "maintenance", "release/2024.40", "release/2024.9", "release/main",
                      "v1.10.0", "v1.10.0-rc.1", "v1.9.0"])]
    #[case::beginnings_first("main", &["main", "maintenance", "release/main"])]
    #[case::inside("2024", &["Hotfix/2024", "release/2024.40", "release/2024.9"])]
    #[case::any_case("HOT", &["Hotfix/2024"])]
    #[case::tags("1.1", &["v1.10.0", "v1.10.0-rc.1"])]
    #[case::nothing("y", &[])]
    fn what_was_typed_is_found_anywhere(#[case] typed: &str, #[case] expected: &[&str]) {
        let names = NAMES.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(in_order(names, typed), expected);
    }

    #[test]
    fn a_name_that_cannot_be_chosen_is_not_suggested() {
        let names = [100, 101].map(|length| "x".repeat(length)).into();
        assert_eq!(in_order(names, "x"), ["x".repeat(100)]);
    }

    #[rstest]
    #[case("*", "rel", &["", "rel"])]
    #[case("*", "", &[""])]
    #[case("release/*", "2024", &["release/"])]
    #[case("release/*", "release/20", &["release/", "release/20"])]
    fn github_is_asked_for_all_and_for_what_was_typed(
        #[case] pattern: &str,
        #[case] typed: &str,
        #[case] expected: &[&str],
    ) {
        let text = format!(
            "[[agent]]\nid = \"a\"\nname = \"A\"\ndescription = \"A\"\ncommand = \"a\"\nkind = \"deploy\"\n\
             workflow = \"a.yml\"\nallowed_refs = [\"{pattern}\"]\n"
        );
        let registry = file::parse("x.toml", &text).unwrap();
        let workflow = registry.agents()[0].workflow().unwrap();
        assert_eq!(asked(workflow, typed), expected.iter().copied().collect());
    }
}
