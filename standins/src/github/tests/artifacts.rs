//! Artifacts and the links to their archives.

use super::*;

const DIAGNOSE: &str = "/repos/acme/shop/actions/workflows/diagnose-dispatch.yml";

/// A completed diagnose run's id.
async fn diagnosed(github: &Github) -> u64 {
    let body = json!({"ref": "main", "inputs": {"correlation_id": "c"}});
    let (answer, _) = ask(github, &request("POST", &format!("{DIAGNOSE}/dispatches"), body));
    assert_eq!(answer.status, 204);
    let id = github.dispatches().last().unwrap().run_id;
    assert_eq!(get(github, &format!("{RUNS}/{id}/artifacts"))["total_count"], 0);
    tokio::time::advance(Duration::from_secs(7)).await;
    id
}

/// Where an artifact's archive is, as a request without credentials.
fn link(github: &Github, artifact: &Value) -> Received {
    let path = artifact["archive_download_url"].as_str().unwrap();
    let path = path.strip_prefix("http://github.test").unwrap();
    let (answer, _) = ask(github, &request("GET", path, Value::Null));
    assert_eq!(answer.status, 302);
    let location = header(&answer, "location").unwrap();
    let mut request =
        request("GET", location.strip_prefix("http://github.test").unwrap(), Value::Null);
    request.headers.clear();
    request
}

#[tokio::test(start_paused = true)]
async fn a_completed_run_s_summary_can_be_downloaded_for_a_minute() {
    let github = standin(Scenario::default());
    let id = diagnosed(&github).await;
    let list = get(&github, &format!("{RUNS}/{id}/artifacts?name=diagnose-summary"));
    assert_eq!(list["total_count"], 1);
    assert_eq!(get(&github, &format!("{RUNS}/{id}/artifacts?name=x"))["total_count"], 0);
    let artifact = &list["artifacts"][0];
    assert_eq!(artifact["workflow_run"]["id"], id);
    let mut download = link(&github, artifact);
    let used = || get(&github, "/rate_limit")["rate"]["used"].clone();
    let before = used();
    let (answer, _) = ask(&github, &download);
    let workflow = Scenario::default().workflow("diagnose-dispatch.yml").unwrap().clone();
    assert_eq!((answer.status, &answer.body), (200, &workflow.artifacts[0].zip));
    assert_eq!(header(&answer, "content-type"), Some("application/zip"));
    assert_eq!(header(&answer, "x-ratelimit-used"), None);
    assert_eq!(used(), before, "a download is no request to the API");
    download.headers.insert("authorization", "Bearer ghs_standin_token".parse().unwrap());
    assert_eq!(ask(&github, &download).0.status, 400);
    download.headers.clear();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(ask(&github, &download).0.status, 403);
    github.fault(Fault::new(On::Download, What::Truncated));
    let fresh = link(&github, artifact);
    assert!(matches!(github.shared.take(&fresh).0, Outcome::Truncated(_)));
}

#[tokio::test(start_paused = true)]
async fn an_expired_artifact_is_listed_and_gone() {
    let github = standin(Scenario::named("expired-artifact").unwrap());
    let id = diagnosed(&github).await;
    let artifact = get(&github, &format!("{RUNS}/{id}/artifacts"))["artifacts"][0].clone();
    assert_eq!(artifact["expired"], true);
    let path = format!("/repos/acme/shop/actions/artifacts/{}/zip", artifact["id"]);
    let (answer, body) = ask(&github, &request("GET", &path, Value::Null));
    assert_eq!((answer.status, &body["message"]), (410, &json!("Artifact has expired")));
}

#[tokio::test(start_paused = true)]
async fn a_workflow_can_leave_anything() {
    let mut scenario = Scenario::default();
    let odd = Artifact::not_a_zip("odd");
    scenario.add_workflow(
        Workflow::new("diagnose-dispatch.yml", "D")
            .input("correlation_id", true)
            .artifact(odd.clone()),
    );
    let github = standin(scenario);
    let id = diagnosed(&github).await;
    let list = get(&github, &format!("{RUNS}/{id}/artifacts"));
    assert_eq!(list["artifacts"][0]["name"], "odd");
    let (answer, _) = ask(&github, &link(&github, &list["artifacts"][0]));
    assert_eq!(answer.body, odd.zip);
}
