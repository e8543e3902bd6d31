//! Re-runs, cancels, and the logs of jobs.

use super::*;
use crate::{
    endpoint::Endpoint,
    github::{Hook, Job},
};

fn post(github: &Github, path: &str) -> (u16, Value) {
    let (answer, body) = ask(github, &request("POST", path, Value::Null));
    (answer.status, body)
}

async fn passes(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn run_of(github: &Github) -> (String, u64) {
    let id = dispatch(github, "c").1["workflow_run_id"].as_u64().unwrap();
    (format!("{RUNS}/{id}"), id)
}

fn two_jobs(scenario: Scenario) -> Scenario {
    let mut scenario = scenario;
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().job_before("test", &[("Set up job", 1), ("Lint", 4)]);
    scenario
}

#[tokio::test(start_paused = true)]
async fn a_re_run_is_another_attempt_of_the_same_run() {
    let reruns = vec![Timetable { running: Duration::from_secs(20), ..Timetable::default() }];
    let github = standin(Scenario { reruns, ..Scenario::named("failure").unwrap() });
    let (path, id) = run_of(&github);
    assert_eq!(post(&github, &format!("{path}/rerun")).0, 403, "it is running");
    passes(10).await;
    let first = get(&github, &path);
    let first_jobs = get(&github, &format!("{path}/jobs"));
    assert_eq!(post(&github, &format!("{path}/rerun")), (201, json!({})));
    let second = get(&github, &path);
    assert_eq!((&second["id"], &second["run_attempt"]), (&json!(id), &json!(2)));
    assert_eq!((&second["status"], &second["conclusion"]), (&json!("queued"), &Value::Null));
    assert_eq!(second["created_at"], first["created_at"]);
    assert_ne!(second["run_started_at"], first["run_started_at"]);
    assert_eq!(second["head_sha"], first["head_sha"]);
    let url = format!("http://github.test{path}/attempts/1");
    assert_eq!(
        (&first["previous_attempt_url"], &second["previous_attempt_url"]),
        (&Value::Null, &json!(url))
    );
    passes(10).await;
    assert_eq!(get(&github, &path)["status"], "in_progress");
    assert_eq!(get(&github, &format!("{path}/attempts/1")), first);
    assert_eq!(get(&github, &format!("{path}/attempts/2")), get(&github, &path));
    assert_eq!(get(&github, &format!("{path}/attempts/1/jobs")), first_jobs);
    let jobs = get(&github, &format!("{path}/jobs"));
    assert_ne!(jobs["jobs"][0]["id"], first_jobs["jobs"][0]["id"]);
    assert_eq!(jobs["jobs"][0]["run_attempt"], 2);
    passes(20).await;
    assert_eq!(get(&github, &path)["conclusion"], "success");
    for attempt in ["0", "3", "x"] {
        assert_eq!(get(&github, &format!("{path}/attempts/{attempt}"))["status"], "404");
    }
    let body = json!({"enable_debug_logging": "yes"});
    assert_eq!(ask(&github, &request("POST", &format!("{path}/rerun"), body)).0.status, 422);
}

#[tokio::test(start_paused = true)]
async fn somebody_else_can_start_it_again_and_hooks_hear_of_that() {
    let github = standin(Scenario::named("failure").unwrap());
    let handler = |_| -> crate::server::BoxFuture<'static, http::Response<bytes::Bytes>> {
        Box::pin(async { http::Response::new(bytes::Bytes::new()) })
    };
    let hook = Hook::new(Endpoint::Direct(Arc::new(handler)), "acme/shop", "s");
    github.add_hook(Hook { events: vec!["workflow_run".into()], ..hook });
    let (path, id) = run_of(&github);
    passes(10).await;
    let before = github.deliveries().len();
    assert_eq!(github.rerun(id, "grace", Some(Timetable::default())), 2);
    passes(10).await;
    let run = get(&github, &path);
    let logins = (&run["actor"]["login"], &run["triggering_actor"]["login"]);
    assert_eq!(logins, (&json!("deckhand-bot"), &json!("grace")));
    let told: Vec<_> = github.deliveries().split_off(before);
    let told: Vec<_> =
        told.iter().map(|one| (one.what.action.as_str(), one.what.attempt)).collect();
    assert_eq!(told, [("requested", 2), ("in_progress", 2), ("completed", 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_started_again_only_so_often_so_long_and_if_something_failed() {
    let github = standin(Scenario::default());
    let (path, id) = run_of(&github);
    passes(10).await;
    assert_eq!(post(&github, &format!("{path}/rerun-failed-jobs")).0, 403);
    for attempt in 2..=51 {
        assert_eq!(github.rerun(id, "grace", None), attempt);
        passes(10).await;
    }
    assert_eq!(post(&github, &format!("{path}/rerun")).0, 403, "51 attempts are enough");
    let old = NewRun { created: TimeDelta::days(-31), ..NewRun::default() };
    let old = github.add_run(old);
    assert_eq!(post(&github, &format!("{RUNS}/{old}/rerun")).0, 403);
    assert_eq!(post(&github, &format!("{RUNS}/1/rerun")).0, 404);
}

#[tokio::test(start_paused = true)]
async fn failed_jobs_alone_are_run_again() {
    let reruns = vec![Timetable::default()];
    let github = standin(two_jobs(Scenario { reruns, ..Scenario::named("failure").unwrap() }));
    let (path, _) = run_of(&github);
    passes(10).await;
    let first = get(&github, &format!("{path}/jobs"));
    assert_eq!(post(&github, &format!("{path}/rerun-failed-jobs")).0, 201);
    passes(10).await;
    let jobs = get(&github, &format!("{path}/jobs"));
    assert_eq!(jobs["total_count"], 2);
    let job = |all: &Value, index: usize, field: &str| all["jobs"][index][field].clone();
    assert_eq!(job(&jobs, 0, "completed_at"), job(&first, 0, "completed_at"), "it was kept");
    assert_eq!((job(&jobs, 0, "name"), job(&jobs, 0, "run_attempt")), (json!("test"), json!(2)));
    assert_eq!(job(&jobs, 1, "conclusion"), "success");
    assert_eq!(job(&first, 1, "conclusion"), "failure");
    assert_eq!(get(&github, &path)["conclusion"], "success");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_a_request_that_takes_a_moment() {
    let github = standin(two_jobs(Scenario::default()));
    let (path, _) = run_of(&github);
    passes(4).await;
    assert_eq!(post(&github, &format!("{path}/cancel")), (202, json!({})));
    assert_eq!(get(&github, &path)["status"], "in_progress");
    passes(2).await;
    assert_eq!(get(&github, &path)["conclusion"], "cancelled");
    let jobs = get(&github, &format!("{path}/jobs"))["jobs"].clone();
    assert_eq!(
        (&jobs[0]["conclusion"], &jobs[1]["conclusion"]),
        (&json!("success"), &json!("cancelled"))
    );
    let steps = jobs[1]["steps"].as_array().unwrap();
    let ends: Vec<_> = steps.iter().map(|step| step["conclusion"].as_str().unwrap()).collect();
    let expected = ["success", "success", "success", "success", "cancelled", "skipped", "success"];
    assert_eq!(ends, expected);
    assert_eq!(post(&github, &format!("{path}/cancel")).0, 409);
    assert_eq!(post(&github, &format!("{path}/force-cancel")).0, 409);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stuck_hangs_in_a_step_until_it_is_cancelled() {
    let github = standin(Scenario::named("stuck").unwrap());
    let (path, id) = run_of(&github);
    let steps = || {
        let jobs = get(&github, &format!("{path}/jobs"));
        let steps = jobs["jobs"][0]["steps"].as_array().unwrap().clone();
        let of = |step: &Value| match &step["conclusion"] {
            Value::Null => step["status"].as_str().unwrap().to_owned(),
            ended => ended.as_str().unwrap().to_owned(),
        };
        (jobs["jobs"][0]["status"].clone(), steps.iter().map(of).collect::<Vec<_>>())
    };
    let hanging = ["success", "success", "success", "in_progress", "queued", "queued", "queued"];
    for _ in 0..2 {
        passes(600).await;
        assert_eq!(steps(), (json!("in_progress"), hanging.map(str::to_owned).to_vec()));
    }
    github.cancel(id);
    passes(600).await;
    let cut = ["success", "success", "success", "cancelled", "skipped", "skipped", "success"];
    assert_eq!(steps(), (json!("completed"), cut.map(str::to_owned).to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_in_spite_of_a_cancel_can_be_forced() {
    let stuck = Timetable::stuck();
    let github = standin(Scenario { cancel_takes: None, timetable: stuck, ..Scenario::default() });
    let (path, id) = run_of(&github);
    assert_eq!(post(&github, &format!("{path}/cancel")).0, 202);
    passes(600).await;
    assert_eq!(get(&github, &path)["status"], "in_progress");
    assert_eq!(post(&github, &format!("{path}/force-cancel")).0, 202);
    assert_eq!(get(&github, &path)["conclusion"], "cancelled");
    github.update(|scenario| scenario.cancel_takes = Some(Duration::ZERO));
    github.rerun(id, "grace", None);
    assert_eq!(get(&github, &path)["status"], "queued", "the next attempt is not cancelled");
    github.cancel(id);
    assert_eq!(get(&github, &path)["conclusion"], "cancelled");
    let jobs = get(&github, &format!("{path}/jobs"));
    assert_eq!(jobs["jobs"][0]["conclusion"], "cancelled");
    github.delete_run(id);
    assert_eq!(get(&github, &path)["status"], "404");
}

#[tokio::test(start_paused = true)]
async fn a_job_s_log_comes_late_by_a_link_that_needs_no_token() {
    let mut scenario = Scenario::named("failure").unwrap();
    scenario.logs_lag = Duration::from_secs(5);
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().prints("Build", "error TS2304: Cannot find name 'x'.");
    let github = standin(scenario);
    let (path, _) = run_of(&github);
    passes(3).await;
    let job = get(&github, &format!("{path}/jobs"))["jobs"][0]["id"].clone();
    let job = format!("/repos/acme/shop/actions/jobs/{job}");
    assert_eq!(get(&github, &job)["status"], "in_progress");
    let logs = request("GET", &format!("{job}/logs"), Value::Null);
    passes(8).await;
    assert_eq!(ask(&github, &logs).0.status, 404, "it is late");
    passes(1).await;
    let (answer, _) = ask(&github, &logs);
    assert_eq!(answer.status, 302);
    let link = header(&answer, "location").unwrap().replace("http://github.test", "");
    let mut download = request("GET", &link, Value::Null);
    assert_eq!(ask(&github, &download).0.status, 400, "the token is refused there");
    download.headers.remove("authorization");
    let (answer, _) = ask(&github, &download);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(header(&answer, "content-type"), Some("text/plain; charset=utf-8"));
    let lines: Vec<_> = text.trim_start_matches('\u{feff}').lines().collect();
    assert!(lines.iter().any(|line| line.ends_with("Z error TS2304: Cannot find name 'x'.")));
    assert!(
        lines.last().unwrap().ends_with("##[group]Run Complete job")
            || lines.last().unwrap().ends_with("##[endgroup]")
    );
    assert!(text.contains("Z ##[error]Process completed with exit code 1.\n"));
    assert!(!text.contains("S3 sync"), "a skipped step logs nothing");
    let time = lines[0].split_once(' ').unwrap().0;
    assert_eq!((time.len(), time.parse::<chrono::DateTime<chrono::Utc>>().is_ok()), (28, true));
    passes(60).await;
    assert_eq!(ask(&github, &download).0.status, 403, "the link lives for a minute");
    assert_eq!(get(&github, "/repos/acme/shop/actions/jobs/7/logs")["status"], "404");
    let cancelled = standin(Scenario::named("cancelled").unwrap());
    let (path, _) = run_of(&cancelled);
    passes(600).await;
    let job = get(&cancelled, &format!("{path}/jobs"))["jobs"][0]["id"].clone();
    let logs = get(&cancelled, &format!("/repos/acme/shop/actions/jobs/{job}/logs"));
    assert_eq!(logs["status"], "404");
}

#[tokio::test(start_paused = true)]
async fn filtered_lists_lag_and_the_whole_list_is_right() {
    let github = standin(Scenario { filters_lag: Duration::from_secs(60), ..Scenario::default() });
    let (path, id) = run_of(&github);
    let filtered = format!("{FILE}/runs?event=workflow_dispatch");
    let count = |path: &str| get(&github, path)["total_count"].clone();
    assert_eq!((count(&filtered), count(RUNS)), (json!(0), json!(1)));
    assert_eq!(get(&github, &path)["id"], id);
    passes(61).await;
    assert_eq!((count(&filtered), count(RUNS)), (json!(1), json!(1)));
}

#[tokio::test(start_paused = true)]
async fn a_twin_can_be_listed_before_ours() {
    let timetable = Timetable { listed: Duration::from_secs(7), ..Timetable::default() };
    let github = standin(Scenario { timetable, twins: 1, ..Scenario::default() });
    run_of(&github);
    let filtered = format!("{RUNS}?event=workflow_dispatch");
    let foreign = |path: &str| {
        let runs = get(&github, path)["workflow_runs"].as_array().unwrap().len();
        (runs, get(&github, RUNS)["total_count"].as_u64().unwrap())
    };
    assert_eq!(foreign(&filtered), (1, 2));
    passes(7).await;
    assert_eq!(foreign(&filtered), (2, 2));
}

#[test]
fn a_job_before_the_last_is_part_of_the_workflow() {
    let workflow = Workflow::new("w.yml", "W").job_before("lint", &[("a", 2), ("b", 3)]);
    let Job { name, steps, shares } = &workflow.before[0];
    assert_eq!((name.as_str(), steps.len(), shares.as_slice()), ("lint", 2, &[2, 3][..]));
}

#[tokio::test(start_paused = true)]
async fn a_timetable_can_plan_the_next_attempt() {
    let seconds = Duration::from_secs;
    let timetable = Timetable::path(&[
        (seconds(0), "queued", None),
        (seconds(2), "in_progress", None),
        (seconds(7), "completed", Some("failure")),
        (seconds(60), "queued", None),
        (seconds(61), "completed", Some("cancelled")),
    ]);
    let github = standin(Scenario { timetable, ..Scenario::default() });
    let (path, id) = run_of(&github);
    passes(59).await;
    let first = get(&github, &path);
    assert_eq!((&first["run_attempt"], &first["conclusion"]), (&json!(1), &json!("failure")));
    assert_eq!(get(&github, &format!("{path}/attempts/2"))["status"], "404", "it did not begin");
    passes(1).await;
    let second = get(&github, &path);
    assert_eq!((&second["run_attempt"], &second["status"]), (&json!(2), &json!("queued")));
    assert_ne!(second["run_started_at"], first["run_started_at"]);
    assert_eq!(get(&github, &format!("{path}/attempts/1")), first);
    passes(1).await;
    assert_eq!(get(&github, &path)["conclusion"], "cancelled");
    let jobs = get(&github, &format!("{path}/jobs?filter=all"))["jobs"].clone();
    let job = |index: usize, field: &str| jobs[index][field].clone();
    assert_eq!((job(0, "run_attempt"), job(0, "runner_id")), (json!(2), Value::Null));
    assert_eq!((job(0, "steps"), job(0, "conclusion")), (json!([]), json!("cancelled")));
    assert_eq!((job(1, "run_attempt"), job(1, "conclusion")), (json!(1), json!("failure")));
    assert_eq!(github.rerun(id, "grace", Some(Timetable::default())), 3);
    assert_eq!(get(&github, &path)["status"], "queued");
    github.update(|scenario| scenario.lists_all_attempts = false);
    let some = get(&github, &format!("{path}/jobs?filter=all"));
    assert_eq!((&some["total_count"], &some["jobs"][0]["run_attempt"]), (&json!(1), &json!(3)));
}
