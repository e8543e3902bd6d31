//! The repository: variables, secrets, branches, tags, files and what a token may do with them.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use dryoc::classic::crypto_box::crypto_box_seal;

const VARIABLES: &str = "/repos/acme/shop/actions/variables";
const SECRETS: &str = "/repos/acme/shop/actions/secrets";

fn send(github: &Github, method: &str, path: &str, body: Value) -> (u16, Value) {
    let (answer, body) = ask(github, &request(method, path, body));
    (answer.status, body)
}

#[test]
fn a_variable_is_created_changed_and_read() {
    let github = standin(Scenario::default());
    let one = format!("{VARIABLES}/frontend_base_url");
    assert_eq!(send(&github, "GET", &one, Value::Null).0, 404);
    assert_eq!(send(&github, "PATCH", &one, json!({"value": "x"})).0, 404);
    let new = json!({"name": "FRONTEND_BASE_URL", "value": "https://a.example"});
    assert_eq!(send(&github, "POST", VARIABLES, new.clone()), (201, json!({})));
    assert_eq!(send(&github, "POST", VARIABLES, new).0, 409);
    assert_eq!(send(&github, "PATCH", &one, json!({"value": "https://b.example"})).0, 204);
    assert_eq!(github.variable("FRONTEND_BASE_URL").as_deref(), Some("https://b.example"));
    assert_eq!(send(&github, "GET", &one, Value::Null).1["name"], "FRONTEND_BASE_URL");
    github.set_variable("OTHER", "1");
    assert_eq!(get(&github, VARIABLES)["total_count"], 2);
    for wrong in [
        json!({"name": "1X", "value": "x"}),
        json!({"name": "GITHUB_X", "value": "x"}),
        json!({"name": "X"}),
        json!({"name": "X", "value": 1}),
        json!({"name": "X", "value": "x".repeat(48 * 1024 + 1)}),
    ] {
        assert_eq!(send(&github, "POST", VARIABLES, wrong.clone()).0, 422, "{wrong}");
    }
}

#[test]
fn a_secret_arrives_sealed_and_is_opened() {
    let github = standin(Scenario::default());
    let key = || get(&github, &format!("{SECRETS}/public-key"));
    let seal = |value: &str, key: &Value| {
        let public: [u8; 32] =
            STANDARD.decode(key["key"].as_str().unwrap()).unwrap().try_into().unwrap();
        let mut sealed = vec![0; value.len() + 48];
        crypto_box_seal(&mut sealed, value.as_bytes(), &public).unwrap();
        json!({"encrypted_value": STANDARD.encode(sealed), "key_id": key["key_id"]})
    };
    let first = key();
    let put = |body: Value| send(&github, "PUT", &format!("{SECRETS}/Api_Base"), body);
    assert_eq!(put(seal("one", &first)), (201, json!({})));
    assert_eq!(put(seal("two", &first)).0, 204);
    assert_eq!(github.secret("API_BASE").as_deref(), Some("two"));
    let listed = get(&github, SECRETS);
    assert_eq!(listed["secrets"][0]["name"], "API_BASE");
    assert!(listed["secrets"][0].get("value").is_none());
    github.rotate_secrets_key();
    assert_eq!(put(seal("three", &first)).0, 422, "sealed for a key that is gone");
    let mut mixed = seal("three", &first);
    mixed["key_id"] = key()["key_id"].clone();
    let (status, body) = put(mixed);
    assert_eq!((status, body["message"].as_str().unwrap().contains("Improperly")), (422, true));
    assert_eq!(put(json!({"encrypted_value": "x"})).0, 422);
    assert_eq!(github.secret("API_BASE").as_deref(), Some("two"));
    assert_eq!(put(seal("three", &key())).0, 204);
}

#[test]
fn branches_and_tags_are_listed_and_found_by_how_they_begin() {
    let mut scenario = Scenario::default();
    scenario.refs.extend((0..30).map(|number| format!("feature/{number:02}")));
    let github = standin(scenario);
    let path = "/repos/acme/shop";
    let branches = format!("{path}/branches?per_page=20");
    let (answer, body) = ask(&github, &request("GET", &branches, Value::Null));
    assert_eq!(body.as_array().unwrap().len(), 20);
    assert!(header(&answer, "link").unwrap().contains("page=2>; rel=\"last\""));
    let names = |path: &str, field: &str| -> Vec<String> {
        let body = get(&github, path);
        let items = body.as_array().unwrap().iter();
        items.map(|item| item[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&format!("{path}/tags"), "name"), ["v1.0.0"]);
    let matching = |prefix: &str| names(&format!("{path}/git/matching-refs/{prefix}"), "ref");
    assert_eq!(matching("heads/rel"), ["refs/heads/release/1.0"]);
    assert_eq!(matching("heads/release/"), ["refs/heads/release/1.0"]);
    assert_eq!(matching("heads/v1"), [""; 0]);
    assert_eq!(matching("tags/v1"), ["refs/tags/v1.0.0"]);
    assert_eq!(matching("heads/feature/").len(), 30);
    assert_eq!(matching("tags/").len(), 1);
}

#[test]
fn a_doctor_sees_workflows_and_their_files() {
    let mut scenario = Scenario::default();
    scenario.workflow_mut("client-deploy.yml").state = "disabled_manually".into();
    let github = standin(scenario);
    let workflow = get(&github, FILE);
    assert_eq!(workflow["state"], "disabled_manually");
    let path = format!("/repos/acme/shop/contents/{}", workflow["path"].as_str().unwrap());
    let file = get(&github, &path);
    let text = STANDARD.decode(file["content"].as_str().unwrap().replace('\n', "")).unwrap();
    let mut raw = request("GET", &path, Value::Null);
    raw.headers.insert("accept", "application/vnd.github.raw+json".parse().unwrap());
    let (answer, _) = ask(&github, &raw);
    assert_eq!(answer.body, text);
    assert!(String::from_utf8(text).unwrap().contains("inputs.correlation_id"));
    assert_eq!(get(&github, &format!("{path}?ref=nope"))["status"], "404");
    assert_eq!(get(&github, "/repos/acme/shop/contents/README.md")["status"], "404");
    let mut newer = request("GET", "/rate_limit", Value::Null);
    newer.headers.insert("x-github-api-version", "2026-03-10".parse().unwrap());
    let body = ask(&github, &newer).1;
    assert!(body["rate"].is_null() && body["resources"]["core"]["limit"] == 5000);
}

#[test]
fn what_a_token_may_not_do_says_which_permission_it_lacks() {
    let github = standin(Scenario::named("denied").unwrap());
    let accepted = |method: &str, path: &str| {
        let (answer, body) = ask(&github, &request(method, path, Value::Null));
        let accepted = header(&answer, "x-accepted-github-permissions").unwrap().to_owned();
        (answer.status, accepted, body["message"].as_str().unwrap_or_default().to_owned())
    };
    let message = "Resource not accessible by personal access token";
    for (method, path, permission) in [
        ("POST", format!("{FILE}/dispatches"), "actions=write"),
        ("GET", VARIABLES.to_owned(), "actions_variables=read"),
        ("PUT", format!("{SECRETS}/X"), "secrets=write"),
        ("GET", "/repos/acme/shop/branches".to_owned(), "contents=read"),
    ] {
        assert_eq!(accepted(method, &path), (403, permission.to_owned(), message.to_owned()));
    }
    assert_eq!(accepted("GET", RUNS).0, 200);
    assert_eq!(accepted("GET", "/repos/acme/shop").0, 200);
    github.fault(Fault::forbidden().on(On::RunList));
    assert_eq!(accepted("GET", RUNS), (403, "actions=read".into(), message.into()));
    github.fault(Fault::forbidden().on(On::Secrets).always());
    assert_eq!(accepted("GET", &format!("{SECRETS}/public-key")).1, "secrets=read");
}
