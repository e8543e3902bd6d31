//! The icon and the words for a run's state, the same in every message.

use super::gates::Gate;
use super::queue::Place;
use super::run::Run;
use crate::text::{duration, escape, ordinal, time};

/// Icon and words for a run that has not ended. `None`: started, but not seen yet.
pub(crate) fn running(run: Option<&Run>) -> (&'static str, String) {
    match run.and_then(|run| run.status.as_deref()) {
        None => ("🔵", "started".to_owned()),
        Some("queued" | "requested") => ("🔵", "queued".to_owned()),
        Some("pending") => ("🔵", in_line(run.and_then(|run| run.gates.place.as_ref()))),
        Some("in_progress") => ("🔵", "in progress".to_owned()),
        Some("waiting") => ("🟠", waiting(run.map_or(&[][..], |run| run.gates.known.as_slice()))),
        Some("action_required") => ("🟠", "waiting for approval".to_owned()),
        Some(other) => ("🔵", escape::code(other, 40)),
    }
}

/// The most environments that are named.
const NAMED: usize = 3;

/// The most characters of a reviewer's name.
const REVIEWER: usize = 60;

/// What a run with the status `waiting` waits for. A wait timer is no approval: nobody can end it earlier.
fn waiting(gates: &[Gate]) -> String {
    let each = |gate: &Gate| {
        let name = format!("**{}**", named(&gate.environment, "an environment", 60));
        let by = by(&gate.reviewers);
        let ends = gate.opens_at.map(|at| format!(", which ends by itself {}", time::distance(at)));
        let ends = ends.unwrap_or_default();
        match (gate.approval, gate.timer) {
            (true, true) => format!("approval of {name}{by} and its wait timer{ends}"),
            (true, false) => format!("approval of {name}{by}"),
            (false, true) => format!("the wait timer of {name}{ends}"),
            (false, false) => format!("a protection rule of {name}"),
        }
    };
    let mut parts: Vec<String> = gates.iter().take(NAMED).map(each).collect();
    if gates.len() > NAMED {
        parts.push(format!("{} more environments", gates.len() - NAMED));
    }
    if parts.is_empty() {
        return "waiting for approval or a wait timer".to_owned();
    }
    format!("waiting for {}", parts.join("; "))
}

/// Who may approve, after " by ".
pub(crate) fn by(reviewers: &[String]) -> String {
    let names: Vec<String> =
        reviewers.iter().map(|name| named(name, "somebody", REVIEWER)).collect();
    if names.is_empty() { String::new() } else { format!(" by {}", names.join(", ")) }
}

fn named(name: &str, other: &str, max: usize) -> String {
    let name = escape::plain(name.trim(), max);
    if name.is_empty() { other.to_owned() } else { name }
}

/// That a run waits for a concurrency group, and behind which other run.
fn in_line(place: Option<&Place>) -> String {
    let Some(Place { group, position, ahead }) = place else {
        return "waiting for a concurrency group".to_owned();
    };
    let position = position.map(|position| format!(", {} in line", ordinal::ordinal(position)));
    let ahead = ahead.as_ref().map(|ahead| {
        let number = ahead.number.map(|number| format!("#{number}"));
        let label = format!("Run {}", number.unwrap_or_else(|| ahead.run_id.to_string()));
        format!(", behind {}", escape::link(&label, ahead.url.as_deref().unwrap_or_default()))
    });
    let group = escape::code(group, 60);
    let (position, ahead) = (position.unwrap_or_default(), ahead.unwrap_or_default());
    format!("waiting for concurrency group {group}{position}{ahead}")
}

/// Icon and words for a conclusion. An unknown one is shown as it is.
pub(crate) fn conclusion(conclusion: Option<&str>) -> (&'static str, String) {
    let (icon, words) = match conclusion {
        Some("success") => ("🟢", "succeeded"),
        Some("failure") => ("🔴", "failed"),
        Some("timed_out") => ("🔴", "timed out on GitHub"),
        Some("startup_failure") => ("🔴", "could not start"),
        Some("cancelled") => ("⚪", "was cancelled"),
        Some("skipped") => ("⚪", "was skipped"),
        Some("neutral") => ("⚪", "ended neutral"),
        Some("stale") => ("⚪", "went stale"),
        Some("action_required") => ("🟠", "is waiting for approval"),
        Some(other) => return ("⚪", format!("ended as {}", escape::code(other, 40))),
        None => ("⚪", "ended without a conclusion"),
    };
    (icon, words.to_owned())
}

/// How long a completed run took, or how long a running one has run so far.
pub(crate) fn took(run: &Run) -> Option<String> {
    run.duration().map(duration::compact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::queue::Ahead;
    use chrono::DateTime;
    use rstest::rstest;

    fn gate(environment: &str, approval: bool, timer: Option<i64>) -> Gate {
        let opens_at = timer.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let (environment, timer) = (environment.to_owned(), timer.is_some());
        Gate { environment, approval, timer, opens_at, reviewers: Vec::new() }
    }

    fn by(reviewers: &[&str]) -> Gate {
        let reviewers = reviewers.iter().map(|name| (*name).to_owned()).collect();
        Gate { reviewers, ..gate("prod", true, None) }
    }

    #[rstest]
    #[case::unknown(&[], "waiting for approval or a wait timer")]
    #[case::approval(&[gate("prod", true, None)], "waiting for approval of **prod**")]
    #[case::timer(&[gate("prod", false, Some(7))], "waiting for the wait timer of **prod**, which ends by itself <t:7:R>")]
    #[case::timer_not_started(
        &[Gate { opens_at: None, ..gate("prod", false, Some(7)) }],
        "waiting for the wait timer of **prod**"
    )]
    #[case::both(
        &[gate("prod", true, Some(7))],
        "waiting for approval of **prod** and its wait timer, which ends by itself <t:7:R>"
    )]
    #[case::other_rule(&[gate("prod", false, None)], "waiting for a protection rule of **prod**")]
    #[case::hostile(&[gate("`<@1>", true, None)], "waiting for approval of **\\`<\u{200b}@\u{200b}1>**")]
    #[case::nameless(&[gate(" ", true, None)], "waiting for approval of **an environment**")]
    #[case::reviewers(&[by(&["octocat", "octo-org/ops"])], "waiting for approval of **prod** by octocat, octo-org/ops")]
    #[case::a_timer_too(
        &[Gate { timer: true, ..by(&["octocat"]) }],
        "waiting for approval of **prod** by octocat and its wait timer"
    )]
    #[case::hostile_reviewer(
        &[by(&["@here", "a_b", ""])],
        "waiting for approval of **prod** by @\u{200b}here, a\\_b, somebody"
    )]
    #[case::many(
        &["a", "b", "c", "d", "e"].map(|name| gate(name, true, None)),
        "waiting for approval of **a**; approval of **b**; approval of **c**; 2 more environments"
    )]
    fn what_a_run_waits_for_is_named(#[case] gates: &[Gate], #[case] expected: &str) {
        assert_eq!(waiting(gates), expected);
    }

    fn place(position: Option<u64>, ahead: Option<(u64, Option<u64>, &str)>) -> Option<Place> {
        let ahead = ahead.map(|(run_id, number, url)| Ahead {
            run_id,
            number,
            url: (!url.is_empty()).then(|| url.to_owned()),
        });
        Some(Place { group: "production".to_owned(), position, ahead })
    }

    #[rstest]
    #[case::unknown(None, "waiting for a concurrency group")]
    #[case::alone(place(None, None), "waiting for concurrency group `production`")]
    #[case::whole(
        place(Some(2), Some((7, Some(41), "https://github.com/o/r/actions/runs/7"))),
        "waiting for concurrency group `production`, 2nd in line, behind [Run #41](<https://github.com/o/r/actions/runs/7>)"
    )]
    #[case::without_its_number(
        place(Some(1), Some((7, None, "https://github.com/o/r/actions/runs/7"))),
        "waiting for concurrency group `production`, 1st in line, behind [Run 7](<https://github.com/o/r/actions/runs/7>)"
    )]
    #[case::without_a_page(place(Some(3), Some((7, Some(41), ""))), "waiting for concurrency group `production`, 3rd in line, behind Run #41")]
    #[case::odd_page(place(None, Some((7, None, "javascript:x"))), "waiting for concurrency group `production`, behind Run 7")]
    fn the_place_in_a_concurrency_group_is_named(
        #[case] place: Option<Place>,
        #[case] expected: &str,
    ) {
        let run = serde_json::json!({"id": 8, "status": "pending"});
        let mut run: Run = serde_json::from_value(run).unwrap();
        run.gates.place = place;
        assert_eq!(running(Some(&run)), ("🔵", expected.to_owned()));
    }

    #[test]
    fn a_group_s_name_cannot_break_out() {
        let mut place = place(None, None);
        place.as_mut().unwrap().group = "`@everyone` **x**".repeat(30);
        let words = in_line(place.as_ref());
        assert_eq!(words.matches('`').count(), 2);
        assert!(words.chars().count() < 120);
    }
}
