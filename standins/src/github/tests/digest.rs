//! What a digest and a look at the steps read.

use super::*;

/// Follows `next` links from a path on; the answers' bodies.
fn pages(github: &Github, path: &str) -> Vec<Value> {
    let mut next = Some(path.to_owned());
    let mut bodies = Vec::new();
    while let Some(path) = next {
        let (answer, body) = ask(github, &request("GET", &path, Value::Null));
        bodies.push(body);
        let link = header(&answer, "link").unwrap_or_default();
        let found = link.split(", ").find(|link| link.ends_with("rel=\"next\""));
        next = found.map(|link| {
            let url = link.trim_start_matches('<').split('>').next().unwrap();
            url.strip_prefix("http://github.test").unwrap().to_owned()
        });
    }
    bodies
}

fn all(bodies: &[Value]) -> Vec<Value> {
    let runs = bodies.iter().map(|body| body["workflow_runs"].as_array().unwrap().clone());
    runs.collect::<Vec<_>>().concat()
}

#[tokio::test(start_paused = true)]
async fn a_window_of_1500_runs_is_read_in_two_halves() {
    let github = standin(Scenario::default());
    let now = github.shared.clock.now();
    let week = TimeDelta::days(7);
    let begun = std::time::Instant::now();
    let ids = github.add_runs(NewRun::history(1500, week));
    assert_eq!((ids.len(), github.runs().len()), (1500, 1500));
    let path = |from: TimeDelta, to: TimeDelta| {
        let (from, to) = (wire::stamp(now - from), wire::stamp(now - to));
        format!("{FILE}/runs?created={from}..{to}&per_page=100")
    };
    let whole = pages(&github, &path(week, TimeDelta::zero()));
    assert_eq!(whole[0]["total_count"], 1500);
    assert_eq!(all(&whole).len(), 1000, "a search ends there");
    let half = week / 2;
    let newer = all(&pages(&github, &path(half, TimeDelta::zero())));
    let older = all(&pages(&github, &path(week, half + TimeDelta::seconds(1))));
    assert_eq!(newer.len() + older.len(), 1500);
    let mut seen: Vec<u64> =
        newer.iter().chain(&older).map(|run| run["id"].as_u64().unwrap()).collect();
    assert!(newer.iter().chain(&older).all(|run| run["status"] == "completed"));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ids);
    let failed = newer.iter().chain(&older).filter(|run| run["conclusion"] == "failure").count();
    assert_eq!(failed, 150);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_page_is_answered_304_and_costs_nothing() {
    let github = standin(Scenario::default());
    github.add_runs(NewRun::history(250, TimeDelta::days(1)));
    let path = format!("{FILE}/runs?per_page=100&page=2");
    let mut again = request("GET", &path, Value::Null);
    let (first, body) = ask(&github, &again);
    assert_eq!(body["workflow_runs"].as_array().unwrap().len(), 100);
    again.headers.insert("if-none-match", header(&first, "etag").unwrap().parse().unwrap());
    let (same, _) = ask(&github, &again);
    let used = |answer: &Answer| header(answer, "x-ratelimit-used").unwrap().to_owned();
    assert_eq!((same.status, used(&same)), (304, used(&first)));
    github.add_run(NewRun::default());
    assert_eq!(ask(&github, &again).0.status, 200, "what moved to the page changed it");
}

#[tokio::test(start_paused = true)]
async fn a_run_says_when_it_started_ended_and_was_committed() {
    let github = standin(Scenario::default());
    let now = github.shared.clock.now();
    let id = github.add_run(NewRun {
        created: TimeDelta::hours(-2),
        committed: TimeDelta::minutes(45),
        sha: Some("0123456789abcdef0123456789abcdef01234567".into()),
        timetable: Timetable { running: Duration::from_secs(600), ..Timetable::default() },
        ..NewRun::default()
    });
    let run = get(&github, &format!("{RUNS}/{id}"));
    let created = now - TimeDelta::hours(2);
    assert_eq!(run["created_at"], wire::stamp(created));
    assert_eq!(run["run_started_at"], run["created_at"]);
    assert_eq!(run["updated_at"], wire::stamp(created + TimeDelta::seconds(602)));
    let commit = &run["head_commit"];
    assert_eq!(commit["timestamp"], wire::stamp(created - TimeDelta::minutes(45)));
    assert_eq!((&commit["id"], &run["head_sha"]), (&run["head_sha"], &commit["id"]));
    let found = get(&github, &format!("{RUNS}?head_sha=0123456789abcdef0123456789abcdef01234567"));
    assert_eq!(found["total_count"], 1);
    dispatch(&github, "c");
    let dispatched = get(&github, RUNS)["workflow_runs"][0]["head_commit"]["timestamp"].clone();
    assert_eq!(dispatched, wire::stamp(now - TimeDelta::minutes(10)));
}

#[tokio::test(start_paused = true)]
async fn steps_have_durations_of_their_own() {
    let github = standin(Scenario::default());
    let timetable = Timetable { running: Duration::from_secs(200), ..Timetable::default() };
    let seconds = |steps: &Value, name: &str| {
        let mut steps = steps.as_array().unwrap().iter();
        let step = steps.find(|step| step["name"] == name).unwrap();
        let at = |field: &str| {
            let text = step[field].as_str().unwrap();
            chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp()
        };
        at("completed_at") - at("started_at")
    };
    let jobs = |timetable: Timetable| {
        let created = TimeDelta::hours(-1);
        let id = github.add_run(NewRun { created, timetable, ..NewRun::default() });
        get(&github, &format!("{RUNS}/{id}/jobs"))["jobs"][0].clone()
    };
    let done = jobs(timetable.clone());
    for (name, took) in [("Build", 80), ("S3 sync", 30), ("CloudFront invalidation", 20)] {
        assert_eq!(seconds(&done["steps"], name), took, "{name}");
    }
    let last = &done["steps"][6];
    assert_eq!(
        (&last["name"], &last["completed_at"]),
        (&json!("Complete job"), &done["completed_at"])
    );
    let fails = Timetable { conclusion: "failure".into(), fails_at: "S3 sync".into(), ..timetable };
    let failed = jobs(fails);
    let sync = &failed["steps"][4];
    assert_eq!((&sync["name"], &sync["conclusion"]), (&json!("S3 sync"), &json!("failure")));
    assert_eq!(failed["steps"][5]["conclusion"], "skipped");
    assert_eq!(seconds(&failed["steps"], "CloudFront invalidation"), 0);
}

#[tokio::test]
async fn a_scenario_s_history_is_there_from_the_start() {
    let scenario = Scenario::named("busy-week").unwrap();
    let github = Github::start(Clock::start(), Gauge::new(), scenario).await;
    assert_eq!(github.runs().len(), 400);
    github.update(|scenario| *scenario = Scenario::named("success").unwrap());
    assert_eq!(github.runs().len(), 400);
}
