//! Whether another run of the agent may have changed what is live since the verified run.
//!
//! Most weigh nothing: they ended before. One that was started later is a doubt, however it ended, because it may
//! have failed after its upload. Only one that never began to work is none.

use std::cmp::Reverse;

use futures_util::future::join_all;

use super::listing::{Listing, began, is_later};
use super::look::{Look, has_started};
use crate::github::jobs::Jobs;
use crate::github::{GithubError, Run};

/// How many runs are looked at closely, each with a request or two.
const CLOSELY: usize = 20;

/// What the other runs of the agent mean for the verified one.
#[derive(Debug)]
pub(crate) enum Others {
    /// None can have changed what is live.
    Settled,
    /// This one may have.
    Doubt(Box<Run>, Relation),
    /// It could not be told; the reason in safe Markdown, a sentence.
    Unknown(String),
}

/// How the other run lies to the verified one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It was started later.
    Newer,
    /// It was started before, and worked at the same time or still does.
    Alongside,
}

/// What one run means, as far as the list tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Nothing,
    Doubt(Relation),
    /// A doubt if one of its jobs began.
    IfStarted,
    /// A doubt if its last step ended after the verified run's first step began.
    IfOverlapping,
}

/// Weighs another run against the verified one.
fn weigh(other: &Run, ours: &Run) -> Weight {
    let later = is_later(other, ours);
    if !other.is_completed() {
        let idle = ["queued", "requested", "pending", "waiting"];
        return match other.status.as_deref() {
            _ if later => Weight::Doubt(Relation::Newer),
            // It changes nothing before it goes on.
            Some(status) if idle.contains(&status) => Weight::Nothing,
            _ => Weight::Doubt(Relation::Alongside),
        };
    }
    if later {
        // The attempts before this one are not in the list. Those of a run from before are no news.
        let alone = other.run_attempt.unwrap_or(1) <= 1
            || other.created_at.zip(began(ours)).is_some_and(|(created, began)| created <= began);
        return match other.conclusion.as_deref() {
            Some("skipped") if alone => Weight::Nothing,
            Some("cancelled") if alone => Weight::IfStarted,
            _ => Weight::Doubt(Relation::Newer),
        };
    }
    // When it last changed; that it ended so late is not certain.
    let ended_later = other.updated_at.zip(began(ours)).is_some_and(|(ended, began)| ended > began);
    if ended_later && other.conclusion.as_deref() != Some("skipped") {
        Weight::IfOverlapping
    } else {
        Weight::Nothing
    }
}

/// Whether the other run's last step may have ended after our first step began. What is not known is a doubt.
fn may_overlap(other: &Jobs, ours: &Jobs) -> bool {
    if !other.is_whole || !ours.is_whole {
        return true;
    }
    let steps =
        |jobs: &Jobs| jobs.jobs.iter().flat_map(|job| job.steps.clone()).collect::<Vec<_>>();
    let end = steps(other).iter().filter_map(|step| step.completed_at).max();
    let begin = steps(ours).iter().filter_map(|step| step.started_at).min();
    end.zip(begin).is_none_or(|(end, begin)| end > begin)
}

async fn overlaps(look: Look<'_>, other: &Run, ours: &Run) -> Result<bool, GithubError> {
    let jobs = |run| look.jobs(run, |jobs| jobs.is_empty());
    let (jobs, ours) = tokio::join!(jobs(other), jobs(ours));
    let jobs = jobs?;
    // A run that was cancelled in the queue, or whose file is not valid, has no steps.
    let may_be_idle = matches!(other.conclusion.as_deref(), Some("cancelled" | "startup_failure"));
    if may_be_idle && jobs.is_whole && !has_started(&jobs.jobs) {
        return Ok(false);
    }
    Ok(may_overlap(&jobs, &ours?))
}

async fn is_doubt(
    look: Look<'_>,
    other: &Run,
    ours: &Run,
    weight: Weight,
) -> Result<bool, GithubError> {
    match weight {
        Weight::Nothing => Ok(false),
        Weight::Doubt(_) => Ok(true),
        Weight::IfStarted => look.had_started(other).await,
        Weight::IfOverlapping => overlaps(look, other, ours).await,
    }
}

/// Looks for a doubt. `read` says whether the newest page of the list could be read.
pub(crate) async fn others(
    look: Look<'_>,
    listing: &mut Listing<'_>,
    read: Result<(), GithubError>,
    ours: &Run,
) -> Others {
    if let Err(error) = read {
        return unknown(look, &error);
    }
    loop {
        let weighed = listing.deploys().filter(|other| other.id != ours.id);
        let mut doubts: Vec<_> = weighed
            .map(|other| (other, weigh(other, ours)))
            .filter(|(_, weight)| *weight != Weight::Nothing)
            .collect();
        // Of several the last one is told.
        doubts.sort_by_key(|(run, _)| Reverse((began(run), run.id)));
        let certain = doubts.iter().find_map(|(run, weight)| match weight {
            Weight::Doubt(relation) => Some(((*run).clone(), *relation)),
            _ => None,
        });
        if let Some((run, relation)) = certain {
            return Others::Doubt(Box::new(run), relation);
        }
        // A run without a time ends nothing.
        let is_older = |run: &Run| {
            run.created_at.zip(ours.created_at).is_some_and(|(created, ours)| created < ours)
        };
        let is_before = |run: &&Run| run.id != ours.id && is_older(run);
        if listing.has_ended() || listing.runs().iter().any(|run| is_before(&run)) {
            let found = closely(look, &doubts, ours).await;
            return match (found, listing.unreadable()) {
                (Others::Settled, 1) => Others::Unknown("1 run could not be read.".to_owned()),
                (Others::Settled, count) if count > 0 => {
                    Others::Unknown(format!("{count} runs could not be read."))
                }
                (found, _) => found,
            };
        }
        if listing.is_enough() {
            let count = listing.runs().len();
            return Others::Unknown(format!("More than {count} runs are newer."));
        }
        if let Err(error) = listing.more().await {
            return unknown(look, &error);
        }
    }
}

/// Looks at the jobs of runs of which the list does not tell enough.
async fn closely(look: Look<'_>, unclear: &[(&Run, Weight)], ours: &Run) -> Others {
    // What is beyond: newer runs are a doubt, older ones ended long before.
    if let Some((run, _)) = unclear.iter().skip(CLOSELY).find(|(_, w)| *w == Weight::IfStarted) {
        return Others::Doubt(Box::new((*run).clone()), Relation::Newer);
    }
    let close = unclear.get(..CLOSELY).unwrap_or(unclear);
    let asked = close.iter().map(|(run, weight)| is_doubt(look, run, ours, *weight));
    let mut failed = None;
    for ((run, weight), answer) in close.iter().zip(join_all(asked).await) {
        let relation = match weight {
            Weight::IfOverlapping => Relation::Alongside,
            _ => Relation::Newer,
        };
        match answer {
            Ok(false) => {}
            Ok(true) => return Others::Doubt(Box::new((*run).clone()), relation),
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Others::Settled, |error| unknown(look, &error))
}

fn unknown(look: Look<'_>, error: &GithubError) -> Others {
    Others::Unknown(look.explain(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    /// Run 41 was started at 10:00 and ended at 10:05.
    fn ours() -> Run {
        run(json!({"id": 41, "run_attempt": 1, "created_at": at("10:00"), "status": "completed",
                   "conclusion": "success", "updated_at": at("10:05")}))
    }

    fn at(time: &str) -> String {
        format!("2026-11-22T{time}:00Z")
    }

    fn run(run: Value) -> Run {
        serde_json::from_value(run).unwrap()
    }

    const NEWER: Weight = Weight::Doubt(Relation::Newer);
    const ALONGSIDE: Weight = Weight::Doubt(Relation::Alongside);

    #[rstest]
    #[case("completed", Some("success"), NEWER)]
    #[case("completed", Some("failure"), NEWER)]
    #[case("completed", Some("timed_out"), NEWER)]
    #[case("completed", Some("startup_failure"), NEWER)]
    #[case("completed", Some("action_required"), NEWER)]
    #[case("completed", Some("something_new"), NEWER)]
    #[case("completed", None, NEWER)]
    #[case("completed", Some("cancelled"), Weight::IfStarted)]
    #[case("completed", Some("skipped"), Weight::Nothing)]
    #[case("in_progress", None, NEWER)]
    #[case("queued", None, NEWER)]
    #[case("waiting", None, NEWER)]
    #[case("something_new", None, NEWER)]
    fn a_run_that_was_started_later_is_a_doubt(
        #[case] status: &str,
        #[case] conclusion: Option<&str>,
        #[case] expected: Weight,
    ) {
        let other = run(json!({"id": 42, "run_attempt": 1, "created_at": at("11:00"),
                               "status": status, "conclusion": conclusion}));
        assert_eq!(weigh(&other, &ours()), expected);
    }

    #[rstest]
    #[case::in_progress("in_progress", None, "09:59", ALONGSIDE)]
    #[case::unknown_status("something_new", None, "09:59", ALONGSIDE)]
    #[case::waits_for_an_approval("waiting", None, "09:59", Weight::Nothing)]
    #[case::queued("queued", None, "09:59", Weight::Nothing)]
    #[case::ended_before("completed", Some("success"), "09:59", Weight::Nothing)]
    #[case::ended_as_ours_began("completed", Some("failure"), "10:00", Weight::Nothing)]
    #[case::changed_later("completed", Some("success"), "10:01", Weight::IfOverlapping)]
    #[case::skipped("completed", Some("skipped"), "10:01", Weight::Nothing)]
    fn a_run_that_was_started_before_is_a_doubt_only_while_it_works(
        #[case] status: &str,
        #[case] conclusion: Option<&str>,
        #[case] updated: &str,
        #[case] expected: Weight,
    ) {
        let other = run(json!({"id": 40, "created_at": at("09:50"), "updated_at": at(updated),
                               "status": status, "conclusion": conclusion}));
        assert_eq!(weigh(&other, &ours()), expected);
    }

    /// Numbers and ids do not tell which run was the last to be started.
    #[rstest]
    #[case::of_an_older_run(40, "09:00", "10:30", "success", NEWER)]
    #[case::of_an_older_run_that_failed(40, "09:00", "10:30", "failure", NEWER)]
    #[case::cancelled_in_the_queue(40, "09:00", "10:30", "cancelled", Weight::IfStarted)]
    #[case::of_a_newer_run_cancelled(42, "10:10", "10:30", "cancelled", NEWER)]
    #[case::of_a_newer_run_skipped(42, "10:10", "10:30", "skipped", NEWER)]
    fn a_rerun_counts_from_its_latest_attempt(
        #[case] id: u64,
        #[case] created: &str,
        #[case] started: &str,
        #[case] conclusion: &str,
        #[case] expected: Weight,
    ) {
        let other = run(json!({"id": id, "run_attempt": 2, "created_at": at(created),
            "run_started_at": at(started), "status": "completed", "conclusion": conclusion}));
        assert_eq!(weigh(&other, &ours()), expected);
    }

    #[test]
    fn a_rerun_of_ours_replaces_a_run_that_was_created_between() {
        let ours = run(json!({"id": 41, "run_attempt": 2, "created_at": at("10:00"),
            "run_started_at": at("12:00"), "status": "completed", "conclusion": "success"}));
        let between = |updated: &str| {
            run(json!({"id": 42, "created_at": at("11:00"), "updated_at": at(updated),
                       "status": "completed", "conclusion": "success"}))
        };
        assert_eq!(weigh(&between("11:05"), &ours), Weight::Nothing);
        assert_eq!(weigh(&between("12:05"), &ours), Weight::IfOverlapping);
    }

    #[test]
    fn without_times_the_id_tells() {
        let other = |id| run(json!({"id": id, "status": "completed", "conclusion": "success"}));
        assert_eq!(weigh(&other(42), &ours()), NEWER);
        assert_eq!(weigh(&other(40), &ours()), Weight::Nothing);
    }

    #[rstest]
    #[case::queued_behind("10:02", "10:02", false)]
    #[case::at_the_same_time("10:03", "10:02", true)]
    fn two_runs_overlap_when_their_steps_do(
        #[case] other_ended: &str,
        #[case] ours_began: &str,
        #[case] expected: bool,
    ) {
        let other = jobs(json!({"name": "Upload", "completed_at": at(other_ended)}));
        let ours = jobs(json!({"name": "Upload", "started_at": at(ours_began)}));
        assert_eq!(may_overlap(&other, &ours), expected);
    }

    fn jobs(step: Value) -> Jobs {
        let jobs = json!([{"name": "deploy", "conclusion": "success", "steps": [step]}]);
        Jobs { jobs: serde_json::from_value(jobs).unwrap(), is_whole: true }
    }

    #[test]
    fn jobs_that_are_not_known_are_a_doubt() {
        let before = jobs(json!({"completed_at": at("10:02")}));
        let ours = jobs(json!({"started_at": at("10:03")}));
        assert!(!may_overlap(&before, &ours));
        let none = Jobs { jobs: Vec::new(), is_whole: true };
        let untimed = jobs(json!({"name": "Upload"}));
        for unknown in [none, untimed] {
            assert!(may_overlap(&unknown, &ours) && may_overlap(&before, &unknown));
        }
        assert!(may_overlap(&Jobs { is_whole: false, ..before.clone() }, &ours));
        assert!(may_overlap(&before, &Jobs { is_whole: false, ..ours }));
    }
}
