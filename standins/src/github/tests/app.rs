//! The GitHub App in place of a token.

use super::*;

fn with(token: &str, method: &str, path: &str, body: Value) -> Received {
    let mut request = request(method, path, body);
    request.headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

fn jwt(github: &Github) -> String {
    let now = github.shared.clock.now().timestamp();
    crate::github::jwt::sign(
        &json!({"iat": now - 60, "exp": now + 540, "iss": github.app_client_id()}),
    )
}

fn token(github: &Github, body: Value) -> (u16, Value) {
    let path = format!("/app/installations/{}/access_tokens", github.installation_id());
    let (answer, body) = ask(github, &with(&jwt(github), "POST", &path, body));
    (answer.status, body)
}

#[tokio::test(start_paused = true)]
async fn an_app_dispatches_as_its_bot() {
    let github = standin(Scenario::default());
    let as_app = |path: &str| ask(&github, &with(&jwt(&github), "GET", path, Value::Null)).1;
    assert_eq!(as_app("/app")["slug"], "deckhand");
    let installation = as_app("/repos/acme/shop/installation");
    assert_eq!(installation["id"], github.installation_id());
    assert_eq!(installation["permissions"]["actions_variables"], "write");
    let (status, issued) = token(&github, Value::Null);
    let token = issued["token"].as_str().unwrap();
    assert_eq!((status, token.len(), github.tokens_issued()), (201, 524, 1));
    let body = json!({"ref": "main", "inputs": {"correlation_id": "c", "requester": "ada"}});
    let (answer, _) = ask(&github, &with(token, "POST", &format!("{FILE}/dispatches"), body));
    assert_eq!(answer.status, 204);
    let run = get(&github, RUNS)["workflow_runs"][0].clone();
    assert_eq!(
        (&run["actor"]["login"], &run["actor"]["type"]),
        (&json!("deckhand[bot]"), &json!("Bot"))
    );
    let (answer, user) = ask(&github, &with(token, "GET", "/user", Value::Null));
    assert_eq!(
        (answer.status, &user["message"]),
        (403, &json!("Resource not accessible by integration"))
    );
    assert!(github.requests().last().unwrap().authorized);
}

#[tokio::test(start_paused = true)]
async fn an_installation_token_ends_after_an_hour() {
    let github = standin(Scenario::default());
    let issued = token(&github, Value::Null).1;
    let token = issued["token"].as_str().unwrap().to_owned();
    let ends =
        chrono::DateTime::parse_from_rfc3339(issued["expires_at"].as_str().unwrap()).unwrap();
    let lives = ends.to_utc() - github.shared.clock.now();
    assert!((3598..=3600).contains(&lives.num_seconds()));
    let status = || ask(&github, &with(&token, "GET", RUNS, Value::Null)).0.status;
    assert_eq!(status(), 200);
    tokio::time::advance(Duration::from_secs(3599)).await;
    assert_eq!(status(), 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(status(), 401);
    assert!(!github.requests().last().unwrap().authorized);
}

#[test]
fn who_may_ask_for_what() {
    let github = standin(Scenario { denied: vec![Permission::Secrets], ..Scenario::default() });
    let status =
        |token: &str, path: &str| ask(&github, &with(token, "GET", path, Value::Null)).0.status;
    let personal = "ghs_standin_token";
    assert_eq!(status(personal, "/app"), 401);
    assert_eq!(status(personal, "/repos/acme/shop/installation"), 401);
    assert_eq!(status(&jwt(&github), RUNS), 401);
    assert_eq!(status("ghs_unknown", RUNS), 401);
    assert_eq!(token(&github, json!({"permissions": {"secrets": "read"}})).0, 422);
    let (status_, narrow) = token(&github, json!({"permissions": {"actions": "read"}}));
    assert_eq!(
        (status_, &narrow["permissions"]),
        (201, &json!({"actions": "read", "metadata": "read"}))
    );
    let narrow = narrow["token"].as_str().unwrap();
    assert_eq!(status(narrow, RUNS), 200);
    assert_eq!(status(narrow, "/repos/acme/shop/branches"), 403);
    github.update(|scenario| scenario.installed = false);
    assert_eq!(token(&github, Value::Null).0, 404);
    assert_eq!(status(&jwt(&github), "/repos/acme/shop/installation"), 404);
    assert_eq!(status(narrow, RUNS), 401);
    assert_eq!(status(&jwt(&github), "/app"), 200);
}
