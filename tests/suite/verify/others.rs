//! Other runs of the agent, which may have replaced the verified one.

use std::time::Duration;

use super::*;

async fn run(world: &World, id: u64) -> String {
    content(&world.types("ada", &format!("/verify-run run_id:{id}")).await)
}

fn seconds(steps: &[(u64, &str, Option<&str>)]) -> Timetable {
    let step = |&(at, status, conclusion)| (Duration::from_secs(at), status, conclusion);
    Timetable::path(&steps.iter().map(step).collect::<Vec<_>>())
}

/// Cancelled while it was in the queue.
fn never_began() -> Timetable {
    seconds(&[(0, "queued", None), (2, "completed", Some("cancelled"))])
}

#[rstest]
#[case::success(Timetable::default(), "succeeded")]
#[case::failed_after_its_upload(Timetable::ending("failure"), "failed")]
#[case::cancelled_in_the_middle(Timetable::ending("cancelled"), "was cancelled")]
#[case::timed_out(Timetable::ending("timed_out"), "timed out on GitHub")]
#[case::unknown_conclusion(Timetable::ending("pondered"), "ended as `pondered`")]
#[case::running(Timetable::stuck(), "in progress")]
#[case::waiting(Timetable::waiting(), "waiting for approval or a wait timer")]
#[tokio::test(start_paused = true)]
async fn a_run_with_a_newer_one_is_not_called_live(
    #[case] timetable: Timetable,
    #[case] words: &str,
) {
    let (world, _site) = live(Scenario::default()).await;
    let id = world.github.runs()[0].id;
    deployed(&world, 60, timetable);
    let told = run(&world, id).await;
    let expected = format!(
        "⚠️ **Client deploy**: run #42 is newer ({words}). What is live passes its checks, but may \
         not be of this run."
    );
    assert!(told.starts_with(&expected), "{told}");
}

#[rstest]
#[case::cancelled_in_the_queue(never_began())]
#[case::skipped(seconds(&[(0, "queued", None), (1, "completed", Some("skipped"))]))]
#[tokio::test(start_paused = true)]
async fn a_run_that_never_began_is_no_doubt_and_not_the_latest(#[case] timetable: Timetable) {
    let (world, _site) = live(Scenario::default()).await;
    let id = world.github.runs()[0].id;
    deployed(&world, 60, timetable.clone());
    deployed(&world, 50, timetable);
    for told in [latest(&world).await, run(&world, id).await] {
        assert!(told.starts_with("✅ **Client deploy** is live"), "{told}");
        assert!(told.contains("[Run #41]"), "{told}");
    }
}

/// A release branch can be verified, and what is no deploy of the agent is neither the latest nor a doubt.
#[tokio::test(start_paused = true)]
async fn latest_and_newer_mean_deploys_of_the_agent() {
    let (world, _site) = live(Scenario::default()).await;
    let newer = |new: NewRun| {
        let timetable = Timetable::ending("failure");
        world.github.add_run(NewRun { created: TimeDelta::minutes(-5), timetable, ..new });
    };
    let event = |event: &str| NewRun { event: event.to_owned(), ..NewRun::default() };
    for name in ["pull_request", "pull_request_target", "merge_group"] {
        newer(event(name));
    }
    newer(NewRun { branch: "feature/x".to_owned(), ..event("push") });
    newer(NewRun { workflow: "diagnose-dispatch.yml".to_owned(), ..NewRun::default() });
    let told = latest(&world).await;
    assert!(
        told.starts_with("✅ **Client deploy** is live") && told.contains("[Run #41]"),
        "{told}"
    );
    newer(NewRun { branch: "release/1.0".to_owned(), ..NewRun::default() });
    let told = latest(&world).await;
    assert!(told.starts_with("⚠️ **Client deploy**: the run failed."), "{told}");
    let release = NewRun { branch: "release/1.0".to_owned(), ..event("push") };
    world.github.add_run(NewRun { created: TimeDelta::minutes(-1), ..release });
    let told = latest(&world).await;
    assert!(told.starts_with("✅ **Client deploy** is live"), "{told}");
    deployed(&world, 0, Timetable::stuck());
    let told = latest(&world).await;
    assert!(told.contains("is newer (queued)"), "{told}");
}

/// A re-run keeps its id and its number, and replaces what came after it.
#[rstest]
#[case::of_an_older_run(600, "⚠️ **Client deploy**: run #42 is newer (failed)")]
#[case::cancelled_in_the_queue(601, "✅ **Client deploy** is live")]
#[tokio::test(start_paused = true)]
async fn a_rerun_of_an_older_run_is_newer(#[case] minutes: i64, #[case] expected: &str) {
    let (world, _site) = live(Scenario::default()).await;
    let id = world.github.runs()[0].id;
    let mut steps = vec![
        (0, "queued", None),
        (2, "in_progress", None),
        (60, "completed", Some("success")),
        // Nine hours later: an hour ago.
        (9 * 3600, "queued", None),
    ];
    if minutes == 600 {
        steps.push((9 * 3600 + 5, "in_progress", None));
        steps.push((9 * 3600 + 60, "completed", Some("failure")));
    } else {
        steps.push((9 * 3600 + 60, "completed", Some("cancelled")));
    }
    deployed(&world, minutes, seconds(&steps));
    let told = run(&world, id).await;
    assert!(told.starts_with(expected), "{told}");
}

/// Without a concurrency group the one that was started first may upload last.
#[rstest]
#[case::still_runs(
    &[(0, "queued", None), (2, "in_progress", None)],
    "run #42 is older and still runs (in progress)"
)]
#[case::ended_later(
    &[(0, "queued", None), (2, "in_progress", None), (700, "completed", Some("success"))],
    "run #42 ran at the same time (succeeded)"
)]
#[tokio::test(start_paused = true)]
async fn a_run_at_the_same_time_is_a_doubt(
    #[case] steps: &[(u64, &str, Option<&str>)],
    #[case] expected: &str,
) {
    let (world, _site) = live(Scenario::default()).await;
    let id = world.github.runs()[0].id;
    deployed(&world, 130, seconds(steps));
    let told = run(&world, id).await;
    assert!(told.starts_with(&format!("⚠️ **Client deploy**: {expected}.")), "{told}");
}

/// A deploy that queues behind another begins when that has ended, though it was created before.
#[tokio::test(start_paused = true)]
async fn a_run_in_the_queue_does_not_overlap() {
    let (world, _site) = with_site(Scenario::default(), |site| {
        vec![("FRONTEND_BASE_URL", site.url()), ("VITE_API_BASE", site.url())]
    })
    .await;
    let first =
        [(0, "queued", None), (2, "in_progress", None), (300, "completed", Some("success"))];
    deployed(&world, 130, seconds(&first));
    let behind =
        [(0, "pending", None), (250, "in_progress", None), (400, "completed", Some("success"))];
    deployed(&world, 129, seconds(&behind));
    let told = latest(&world).await;
    assert!(
        told.starts_with("✅ **Client deploy** is live") && told.contains("[Run #42]"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn if_newer_runs_cannot_be_read_that_is_said() {
    let faults = vec![Fault::forbidden().on(On::RunList).always()];
    let (world, _site) = live(Scenario { faults, ..Scenario::default() }).await;
    let told = run(&world, world.github.runs()[0].id).await;
    let expected =
        "⚠️ **Client deploy**: newer runs are not known. An admin of the bot must mend it.";
    assert!(told.starts_with(expected), "{told}");
    assert!(told.contains("What is live passes its checks, but may not be of this run."), "{told}");
}

#[tokio::test(start_paused = true)]
async fn if_a_newer_runs_jobs_cannot_be_read_that_is_said() {
    let faults = vec![Fault::status(502, "Server Error").on(On::Jobs).always()];
    let (world, _site) = live(Scenario { faults, ..Scenario::default() }).await;
    deployed(&world, 60, never_began());
    let told = run(&world, world.github.runs()[0].id).await;
    assert!(told.starts_with("⚠️ **Client deploy**: newer runs are not known."), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_large_page_that_fails_is_read_as_a_small_one() {
    let faults = vec![Fault::status(502, "Server Error").on(On::RunList)];
    let (world, _site) = live(Scenario { faults, ..Scenario::default() }).await;
    let told = latest(&world).await;
    assert!(told.starts_with("✅ **Client deploy** is live"), "{told}");
}

/// Hundreds of runs of pull requests lie before the deploy.
#[tokio::test(start_paused = true)]
async fn a_deploy_far_down_the_list_is_found() {
    let (world, _site) = live(Scenario::default()).await;
    for minute in 1..120 {
        world.github.add_run(NewRun {
            event: "pull_request".to_owned(),
            created: TimeDelta::minutes(-minute),
            ..NewRun::default()
        });
    }
    let told = latest(&world).await;
    assert!(
        told.starts_with("✅ **Client deploy** is live") && told.contains("[Run #41]"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn failed_checks_do_not_hide_a_newer_run() {
    let (world, site) = live(Scenario::default()).await;
    site.set("/health", Page::failing(500));
    deployed(&world, 1, Timetable::stuck());
    let told = latest(&world).await;
    assert!(told.starts_with("❌ **Client deploy**: 1 of 4 checks failed\n"), "{told}");
    assert!(told.contains("\n⚠️ Also: run #42 is newer (in progress).\n"), "{told}");
}
