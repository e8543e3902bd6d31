//! Redirects from the old name of a repository to its id.
//!
//! <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>

use super::{answers::Site, renamed::Renamed, scenario::Scenario, wire::error_body};
use crate::server::{Answer, Received};
use serde_json::json;

/// The redirect for a request that uses the old name.
pub(super) fn redirect(scenario: &Scenario, api: &str, request: &Received) -> Option<Answer> {
    let renamed = scenario.renamed.as_ref()?;
    let rest = below(&request.path, &format!("/repos/{}", renamed.from))?;
    let base = renamed.elsewhere.as_deref().unwrap_or(api);
    let mut location = format!("{base}/repositories/{}{rest}", id(renamed, scenario, api));
    if !request.query.is_empty() {
        let mut query = form_urlencoded::Serializer::new(String::new());
        location = format!("{location}?{}", query.extend_pairs(&request.query).finish());
    }
    let mut body = error_body(renamed.status, "Moved Permanently");
    body["url"] = json!(location);
    Some(Answer::json(renamed.status, &body).header("location", location))
}

/// The same request by the new name, for one that uses the id.
pub(super) fn by_name(scenario: &Scenario, api: &str, request: &Received) -> Option<Received> {
    let renamed = scenario.renamed.as_ref()?;
    let id = id(renamed, scenario, api);
    let rest = below(&request.path, &format!("/repositories/{id}"))?;
    Some(Received { path: format!("/repos/{}{rest}", renamed.to), ..request.clone() })
}

fn id(renamed: &Renamed, scenario: &Scenario, api: &str) -> u64 {
    Site::new(scenario, api, &renamed.to).repository_id()
}

/// What follows `base` in the path: nothing, or a part below it.
fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}
