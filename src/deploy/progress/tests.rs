use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_341_600 + second, 0).unwrap()
}

fn jobs(all: Value) -> Vec<Job> {
    serde_json::from_value(all).unwrap()
}

fn job(id: u64, name: &str, status: &str, conclusion: Option<&str>) -> Value {
    json!({"id": id, "name": name, "status": status, "conclusion": conclusion, "run_attempt": 1,
           "created_at": at(0), "steps": [], "labels": ["ubuntu-latest"]})
}

fn one(value: Value) -> Job {
    serde_json::from_value(value).unwrap()
}

fn run(status: &str) -> Run {
    serde_json::from_value(json!({"id": 1, "status": status, "run_started_at": at(0)})).unwrap()
}

/// Three jobs: one done, one at work, one to come.
fn three() -> Progress {
    let mut at_work = job(2, "deploy", "in_progress", None);
    at_work["steps"] = json!([
        {"name": "Check out", "status": "completed", "conclusion": "success"},
        {"name": "S3 sync", "status": "in_progress"},
        {"name": "Complete job", "status": "queued"},
    ]);
    let all = json!([
        job(1, "test", "completed", Some("success")),
        at_work,
        job(3, "tell", "queued", None)
    ]);
    Progress::of(1, &jobs(all), at(30))
}

#[test]
fn the_jobs_are_counted_and_the_one_at_work_is_named() {
    let progress = three();
    assert_eq!(progress.words(), "1 of 3 jobs · **deploy** › S3 sync");
    assert_eq!(progress.bar(), "▰▰▰▱▱▱▱▱▱▱");
    assert_eq!((progress.total, progress.done, progress.failed), (3, 1, 0));
    assert_eq!((progress.attempt, progress.at, progress.no_runner), (1, at(30), None));
}

#[rstest]
#[case::none(json!([]), "", "▱▱▱▱▱▱▱▱▱▱")]
#[case::one(json!([job(1, "a", "queued", None)]), "0 of 1 job", "▱▱▱▱▱▱▱▱▱▱")]
#[case::skipped(json!([job(1, "a", "completed", Some("skipped"))]), "1 of 1 job", "▰▰▰▰▰▰▰▰▰▰")]
#[case::failed(
    json!([job(1, "a", "completed", Some("failure")), job(2, "b", "completed", Some("timed_out")),
           job(3, "c", "completed", Some("cancelled"))]),
    "3 of 3 jobs, 2 failed",
    "▰▰▰▰▰▰▰▰▰▰"
)]
#[case::almost(
    Value::from_iter((0..100).map(|n| job(n, "a", if n > 0 { "completed" } else { "waiting" }, None))),
    "99 of 100 jobs",
    "▰▰▰▰▰▰▰▰▰▱"
)]
#[case::without_steps(json!([{"id": 1, "name": "a", "status": "in_progress"}]), "0 of 1 job · **a**", "▱▱▱▱▱▱▱▱▱▱")]
#[case::several(
    Value::from_iter((0..5).map(|n| job(n, &format!("a ({n})"), "in_progress", None))),
    "0 of 5 jobs · **a (0)** and 4 more",
    "▱▱▱▱▱▱▱▱▱▱"
)]
#[case::nameless(json!([{"status": "in_progress", "steps": [{"status": "in_progress"}]}]),
    "0 of 1 job · **a job without a name** › a step without a name", "▱▱▱▱▱▱▱▱▱▱")]
#[case::odd(json!([{"id": "x", "name": 5, "status": ["queued"], "conclusion": {}}]), "0 of 1 job", "▱▱▱▱▱▱▱▱▱▱")]
#[case::hostile(
    json!([job(1, "**@everyone** <@1>\n# x", "in_progress", None)]),
    "0 of 1 job · **\\*\\*@\u{200b}everyone\\*\\* <\u{200b}@\u{200b}1> # x**",
    "▱▱▱▱▱▱▱▱▱▱"
)]
fn every_list_of_jobs_has_words_and_a_bar(
    #[case] all: Value,
    #[case] words: &str,
    #[case] bar: &str,
) {
    let progress = Progress::of(1, &jobs(all), at(0));
    assert_eq!((progress.words().as_str(), progress.bar().as_str()), (words, bar));
}

#[test]
fn a_matrix_of_300_jobs_stays_small() {
    let status = |n: u64| if n < 120 { "completed" } else { "in_progress" };
    let name = "x".repeat(5000);
    let all = (0..300).map(|n| job(n + 1, &name, status(n), None));
    let progress = Progress::of(1, &jobs(Value::from_iter(all)), at(0));
    assert_eq!((progress.total, progress.done, progress.running), (300, 120, 180));
    assert_eq!(progress.bar(), "▰▰▰▰▱▱▱▱▱▱");
    let stored = serde_json::to_string(&progress).unwrap();
    assert!(stored.len() < 1000, "{}", stored.len());
    assert!(progress.words().chars().count() < 150);
    // Webhooks change no numbers then.
    let told = progress.with_job(&one(job(200, "x", "completed", Some("success"))), at(1));
    assert_eq!(told, progress);
}

#[test]
fn a_hundred_jobs_are_followed_and_still_small() {
    let all = (0..100).map(|n| job(27_000_000_000 + n, "build", "queued", None));
    let mut progress = Progress::of(1, &jobs(Value::from_iter(all)), at(0));
    for n in 0..40 {
        let ended = one(job(27_000_000_000 + n, "build", "completed", Some("success")));
        progress = progress.with_job(&ended, at(1)).with_job(&ended, at(2));
    }
    assert_eq!((progress.done, progress.total), (40, 100));
    let stored = serde_json::to_string(&progress).unwrap();
    assert!(stored.len() < 3000, "{}", stored.len());
    assert_eq!(serde_json::from_str::<Progress>(&stored).unwrap(), progress);
    // One more is too many, so only a read counts them again.
    let more = progress.with_job(&one(job(5, "build", "in_progress", None)), at(3));
    assert_eq!((more.done, more.total), (40, 100));
    let more = more.with_job(&one(job(27_000_000_050, "build", "completed", None)), at(3));
    assert_eq!((more.done, more.total), (40, 100));
}

#[test]
fn a_record_of_before_is_read() {
    let stored = json!({"attempt": 2, "at": at(0), "total": 3, "done": 1, "job": "deploy"});
    let progress: Progress = serde_json::from_value(stored).unwrap();
    assert_eq!(progress.words(), "1 of 3 jobs · **deploy**");
}

#[test]
fn webhooks_tell_of_one_job_each() {
    let progress = three();
    let progress = progress.with_job(&one(job(2, "deploy", "completed", Some("success"))), at(40));
    assert_eq!((progress.words().as_str(), progress.at), ("2 of 3 jobs", at(40)));
    let progress = progress.with_job(&one(job(3, "tell", "in_progress", None)), at(41));
    assert_eq!(progress.words(), "2 of 3 jobs · **tell**");
    let progress = progress.with_job(&one(job(4, "clean up", "queued", None)), at(42));
    assert_eq!(progress.words(), "2 of 4 jobs · **tell**");
    let progress = progress.with_job(&one(job(3, "tell", "completed", Some("failure"))), at(43));
    assert_eq!(progress.words(), "3 of 4 jobs, 1 failed");
}

#[rstest]
#[case::again(job(1, "test", "completed", Some("success")))]
#[case::late(job(1, "test", "in_progress", None))]
#[case::later_still(job(2, "deploy", "queued", None))]
#[case::without_an_id(json!({"name": "x", "status": "in_progress"}))]
#[case::of_an_earlier_attempt(json!({"id": 9, "status": "in_progress", "run_attempt": 0}))]
fn a_webhook_that_tells_nothing_new_changes_nothing(#[case] told: Value) {
    assert_eq!(three().with_job(&one(told), at(50)), three());
}

#[test]
fn the_next_job_at_work_takes_the_place_of_one_that_ended() {
    let all = (1..=5).map(|n| job(n, &format!("j{n}"), "in_progress", None));
    let mut progress = Progress::of(1, &jobs(Value::from_iter(all)), at(0));
    let mut words = Vec::new();
    for n in 1..=5 {
        progress = progress.with_job(&one(job(n, "x", "completed", Some("success"))), at(1));
        words.push(progress.words());
    }
    let expected = [
        "1 of 5 jobs · **j2** and 3 more",
        "2 of 5 jobs · **j3** and 2 more",
        // No more names were kept.
        "3 of 5 jobs",
        "4 of 5 jobs",
        "5 of 5 jobs",
    ];
    assert_eq!(words, expected);
}

#[test]
fn the_next_attempt_begins_anew() {
    let mut again = job(12, "deploy", "in_progress", None);
    again["run_attempt"] = json!(2);
    let progress = three().with_job(&one(again), at(50));
    assert_eq!((progress.attempt, progress.words().as_str()), (2, "0 of 1 job · **deploy**"));
    let first = Progress::told(None, 1, &one(job(1, "test", "in_progress", None)), at(5));
    assert_eq!((first.attempt, first.words().as_str()), (1, "0 of 1 job · **test**"));
    // What a webhook tells is not all there is.
    assert!(Progress::is_due(Some(&first), &run("in_progress"), at(5)));
}

#[test]
fn a_runner_that_does_not_come_is_missed_after_two_minutes() {
    let mut lacking = job(7, "deploy", "queued", None);
    lacking["labels"] = json!(["self-hosted", "g`pu"]);
    let all = json!([job(1, "test", "completed", Some("success")), lacking]);
    let after = |seconds| Progress::of(1, &jobs(all.clone()), at(seconds)).no_runner;
    assert_eq!(after(119), None);
    let words = "no runner yet for **deploy** (`self-hosted`, `gˋpu`), queued <t:1795341600:R>";
    assert_eq!(after(120).unwrap().words(), words);
    let progress = Progress::of(1, &jobs(all), at(300));
    assert!(progress.no_runner.is_some());
    let begun = progress.with_job(&one(job(7, "deploy", "in_progress", None)), at(301));
    assert_eq!(begun.no_runner, None);
    // Nobody knows since when.
    let mut timeless = job(7, "deploy", "queued", None);
    timeless["created_at"] = Value::Null;
    assert_eq!(Progress::of(1, &jobs(json!([timeless])), at(300)).no_runner, None);
}

#[test]
fn several_jobs_without_a_runner_are_one_line() {
    let all = (0..300).map(|n| {
        let mut job = job(n, "build", "queued", None);
        job["created_at"] = json!(at(-i64::try_from(n).unwrap()));
        job["labels"] = json!(vec!["x".repeat(200); 20]);
        job
    });
    let progress = Progress::of(1, &jobs(Value::from_iter(all)), at(120));
    let lacking = progress.no_runner.unwrap();
    assert_eq!((lacking.job_id, lacking.since, lacking.others), (Some(299), at(-299), 299));
    assert!(lacking.words().contains(" and 299 more jobs, queued"), "{}", lacking.words());
    assert!(lacking.words().len() < 400);
}

#[test]
fn a_job_that_waited_for_an_approval_has_not_been_in_the_queue_that_long() {
    let waiting = Progress::of(1, &jobs(json!([job(7, "deploy", "waiting", None)])), at(600));
    assert_eq!(waiting.no_runner, None);
    let queued = Progress::of(1, &jobs(json!([job(7, "deploy", "queued", None)])), at(620));
    assert!(queued.no_runner.is_some());
    let queued = queued.after(Some(&waiting));
    assert_eq!(queued.no_runner, None);
    let later = Progress::of(1, &jobs(json!([job(7, "deploy", "queued", None)])), at(740));
    assert!(later.after(Some(&queued)).no_runner.is_some());
}

/// When the jobs are read while a run is looked at every three seconds.
fn reads(seconds: i64, status: &str, all: &Value) -> Vec<i64> {
    let mut known: Option<Progress> = None;
    let mut read = Vec::new();
    for second in (0..seconds).step_by(3) {
        if Progress::is_due(known.as_ref(), &run(status), at(second)) {
            let now = Progress::of(1, &jobs(all.clone()), at(second));
            known = Some(now.after(known.as_ref()));
            read.push(second);
        }
    }
    read
}

#[test]
fn the_jobs_are_read_ever_more_rarely() {
    let going = json!([job(1, "a", "in_progress", None), job(2, "b", "queued", None)]);
    assert_eq!(reads(180, "in_progress", &going), [0, 21, 81]);
    assert_eq!(reads(460, "in_progress", &going), [0, 21, 81, 201, 321, 441]);
    let idle = json!([job(1, "a", "queued", None)]);
    assert_eq!(reads(40, "in_progress", &idle), [0, 12, 24, 36]);
    assert_eq!(reads(400, "queued", &idle), [120, 240, 360]);
    assert!(reads(400, "waiting", &idle).is_empty());
    // GitHub shows none, whatever the run says.
    assert_eq!(reads(180, "in_progress", &json!([])), [0, 21, 81]);
}

#[test]
fn a_job_that_begins_is_seen_at_once_and_a_failed_read_is_not_repeated_at_once() {
    let idle = Progress::of(1, &jobs(json!([job(1, "a", "queued", None)])), at(120));
    assert!(!Progress::is_due(Some(&idle), &run("in_progress"), at(129)));
    assert!(Progress::is_due(Some(&idle), &run("in_progress"), at(130)));
    let failed = Progress::unread(None, 1, at(0));
    assert_eq!(failed.words(), "");
    assert!(!Progress::is_due(Some(&failed), &run("in_progress"), at(19)));
    assert!(Progress::is_due(Some(&failed), &run("in_progress"), at(20)));
    let failed = Progress::unread(Some(&three()), 1, at(90));
    assert_eq!((failed.words(), failed.at), (three().words(), at(90)));
    let mut again = run("in_progress");
    again.run_attempt = Some(2);
    assert!(Progress::is_due(Some(&three()), &again, at(31)), "nothing is known of that attempt");
    assert!(!Progress::is_due(None, &run("completed"), at(0)));
}
