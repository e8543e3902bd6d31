//! What a run waits for: approvals, concurrency groups, runners; and a large matrix.

use super::*;

async fn passes(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn run_of(github: &Github) -> (String, u64) {
    let id = dispatch(github, "c").1["workflow_run_id"].as_u64().unwrap();
    (format!("{RUNS}/{id}"), id)
}

fn in_a_group(scenario: Scenario) -> Scenario {
    let mut scenario = scenario;
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().concurrency("deploy/production");
    scenario
}

const GROUP: &str = "/repos/acme/shop/actions/concurrency_groups/deploy/production";

#[tokio::test(start_paused = true)]
async fn runs_of_a_group_go_on_one_after_the_other() {
    let github = standin(in_a_group(Scenario::default()));
    let runs = [run_of(&github), run_of(&github), run_of(&github)];
    let status = |index: usize| get(&github, &runs[index].0)["status"].clone();
    passes(1).await;
    assert_eq!([status(0), status(1), status(2)], ["queued", "pending", "pending"]);
    let groups = get(&github, &format!("{}/concurrency_groups", runs[2].0));
    assert_eq!(groups["total_count"], 1);
    let group = &groups["concurrency_groups"][0];
    assert_eq!(group["group_name"], "deploy/production");
    let member = &group["group_members"][0];
    assert_eq!((&member["run_id"], &member["position"]), (&json!(runs[2].1), &json!(2)));
    assert_eq!(member["status"], "pending");
    let ahead = get(&github, &format!("{GROUP}?ahead_of_run={}", runs[1].1));
    let ids: Vec<_> =
        ahead["group_members"].as_array().unwrap().iter().map(|m| &m["run_id"]).collect();
    assert_eq!(ids, [runs[0].1, runs[1].1], "up to the run itself");
    assert_eq!(get(&github, GROUP)["total_count"], 3);
    assert_eq!(get(&github, &format!("{GROUP}?ahead_of_run=1"))["status"], "422");
    passes(7).await;
    assert_eq!([status(0), status(1), status(2)], ["completed", "queued", "pending"]);
    let first = get(&github, &format!("{}/concurrency_groups", runs[0].0));
    assert_eq!(first["concurrency_groups"][0]["group_members"], json!([]));
    passes(20).await;
    assert_eq!(get(&github, &runs[2].0)["conclusion"], "success");
    assert_eq!(get(&github, GROUP)["status"], "404", "nothing is in it");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_makes_way() {
    let stuck = Scenario { timetable: Timetable::stuck(), ..Scenario::default() };
    let github = standin(in_a_group(stuck));
    let runs = [run_of(&github), run_of(&github), run_of(&github)];
    let status = |index: usize| get(&github, &runs[index].0)["status"].clone();
    passes(600).await;
    assert_eq!([status(0), status(1), status(2)], ["in_progress", "pending", "pending"]);
    github.cancel(runs[1].1);
    passes(3).await;
    assert_eq!([status(0), status(1), status(2)], ["in_progress", "completed", "pending"]);
    github.cancel(runs[0].1);
    passes(3).await;
    assert_eq!([status(0), status(2)], ["completed", "queued"]);
    github.delete_run(runs[0].1);
    assert_eq!(github.rerun(runs[1].1, "grace", None), 2);
    assert_eq!(status(1), "pending", "it waits again");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_approved_or_rejected() {
    let gate = Gate {
        reviewers: vec!["grace".into(), "octo-org/ops".into()],
        ..Gate::approval("production")
    };
    let waiting =
        Scenario { timetable: Timetable::waiting(), gates: vec![gate], ..Scenario::default() };
    let github = standin(waiting);
    let (approved, rejected) = (run_of(&github), run_of(&github));
    passes(5).await;
    let pending = get(&github, &format!("{}/pending_deployments", approved.0));
    let reviewers = &pending[0]["reviewers"];
    assert_eq!(reviewers[0]["reviewer"]["login"], "grace");
    assert_eq!(
        (&reviewers[1]["type"], &reviewers[1]["reviewer"]["slug"]),
        (&json!("Team"), &json!("ops"))
    );
    assert_eq!(reviewers[1]["reviewer"]["html_url"], "https://github.com/orgs/octo-org/teams/ops");
    assert_eq!(get(&github, &format!("{}/approvals", approved.0)), json!([]));
    github.review(approved.1, "grace", true, "Go.");
    github.review(rejected.1, "linus", false, "No.");
    let run = get(&github, &rejected.0);
    assert_eq!((&run["status"], &run["conclusion"]), (&json!("completed"), &json!("failure")));
    let job = &get(&github, &format!("{}/jobs", rejected.0))["jobs"][0];
    assert_eq!((&job["conclusion"], &job["steps"]), (&json!("failure"), &json!([])));
    let review = &get(&github, &format!("{}/approvals", rejected.0))[0];
    assert_eq!((&review["state"], &review["user"]["login"]), (&json!("rejected"), &json!("linus")));
    assert_eq!(
        (&review["comment"], &review["environments"][0]["name"]),
        (&json!("No."), &json!("production"))
    );
    assert_eq!(get(&github, &approved.0)["status"], "queued");
    passes(8).await;
    assert_eq!(get(&github, &approved.0)["conclusion"], "success");
    assert_eq!(get(&github, &format!("{}/approvals", approved.0))[0]["state"], "approved");
}

#[tokio::test(start_paused = true)]
async fn a_job_can_lack_a_runner() {
    let github = standin(Scenario::named("no-runner").unwrap());
    let (path, _) = run_of(&github);
    passes(600).await;
    let job = &get(&github, &format!("{path}/jobs"))["jobs"][0];
    assert_eq!((&job["status"], &job["runner_id"]), (&json!("queued"), &Value::Null));
    assert_eq!((&job["labels"], &job["steps"]), (&json!(["self-hosted", "gpu"]), &json!([])));
    let file = get(&github, "/repos/acme/shop/contents/.github/workflows/client-deploy.yml");
    assert_eq!(file["status"], Value::Null, "{file}");
}

#[tokio::test(start_paused = true)]
async fn a_matrix_is_many_jobs() {
    let github = standin(Scenario::named("matrix").unwrap());
    let (path, _) = run_of(&github);
    let jobs = |page: u64| get(&github, &format!("{path}/jobs?per_page=100&page={page}"));
    let all = || -> Vec<Value> {
        (1..=4).flat_map(|page| jobs(page)["jobs"].as_array().unwrap().clone()).collect()
    };
    let count = |status: &str| all().iter().filter(|job| job["status"] == status).count();
    passes(32).await;
    assert_eq!((jobs(1)["total_count"].clone(), all().len()), (json!(301), 301));
    let ids: std::collections::HashSet<u64> =
        all().iter().map(|job| job["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), 301);
    // The one of the timetable, and twenty of the matrix.
    assert_eq!((count("in_progress"), count("completed"), count("queued")), (21, 140, 140));
    passes(60).await;
    assert_eq!(count("completed"), 301);
}

#[tokio::test(start_paused = true)]
async fn a_run_with_an_environment_is_a_deployment() {
    let mut scenario = Scenario::default();
    scenario.workflow_mut("client-deploy.yml").environment = Some("production".to_owned());
    let github = standin(scenario);
    let (path, _) = run_of(&github);
    passes(1).await;
    let list = "/repos/acme/shop/deployments";
    let deployment = get(&github, list)[0].clone();
    let run = get(&github, &path);
    assert_eq!(
        (&deployment["sha"], &deployment["environment"]),
        (&run["head_sha"], &json!("production"))
    );
    let statuses = format!("{list}/{}/statuses", deployment["id"]);
    assert_eq!(get(&github, &statuses)[0]["state"], "queued");
    passes(10).await;
    assert_eq!(get(&github, &statuses)[0]["state"], "success");
    let count = |query: &str| get(&github, &format!("{list}?{query}")).as_array().unwrap().len();
    assert_eq!((count("environment=production&ref=main"), count("environment=staging")), (1, 0));
    assert_eq!(get(&github, &format!("{list}/7/statuses"))["status"], "404");
    github.update(|scenario| scenario.denied = vec![Permission::Deployments]);
    assert_eq!(get(&github, list)["status"], "403");
}
