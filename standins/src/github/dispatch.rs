//! Checks a workflow dispatch, with GitHub's error messages.

use super::{scenario::Scenario, wire::Refusal, workflow::Workflow};
use serde_json::{Map, Value};

/// The first API version whose dispatch always answers with the run's details.
pub(crate) const ALWAYS_DETAILS: &str = "2026-03-10";

/// A dispatch that GitHub would take.
#[derive(Debug, PartialEq)]
pub(crate) struct Accepted {
    pub git_ref: String,
    pub inputs: Map<String, Value>,
    pub details: bool,
}

/// Checks a dispatch's body.
pub(crate) fn check(
    scenario: &Scenario,
    workflow: &Workflow,
    version: Option<&str>,
    body: &[u8],
) -> Result<Accepted, Refusal> {
    let invalid = |why: String| (422, format!("Invalid request.\n\n{why}"));
    let not_permitted = |key: &str| format!("\"{key}\" is not a permitted key.");
    let body: Value =
        serde_json::from_slice(body).map_err(|_| (400, "Problems parsing JSON".to_owned()))?;
    let Value::Object(body) = body else {
        return Err((400, "Body should be a JSON object".to_owned()));
    };
    let always = version == Some(ALWAYS_DETAILS);
    for key in body.keys() {
        match key.as_str() {
            "ref" | "inputs" => {}
            "return_run_details" => {
                if let Some(status) = scenario.enterprise_server {
                    return Err((status, invalid(not_permitted(key)).1));
                }
                if always {
                    return Err(invalid(not_permitted(key)));
                }
            }
            _ => return Err(invalid(not_permitted(key))),
        }
    }
    let git_ref = match body.get("ref") {
        None => return Err(invalid("\"ref\" wasn't supplied.".to_owned())),
        Some(Value::String(git_ref)) => git_ref.clone(),
        Some(other) => {
            return Err(invalid(format!("For 'properties/ref', {other} is not a string.")));
        }
    };
    let inputs = match body.get("inputs") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(inputs)) => inputs.clone(),
        Some(other) => {
            let why = format!("For 'properties/inputs', {other} is not an object.");
            return Err(invalid(why));
        }
    };
    if inputs.len() > 25 {
        let why =
            format!("No more than 25 properties are allowed; {} were supplied.", inputs.len());
        return Err(invalid(why));
    }
    if let Some((name, value)) =
        inputs.iter().find(|(_, value)| value.is_object() || value.is_array() || value.is_null())
    {
        return Err(invalid(format!("For 'properties/{name}', {value} is not a string.")));
    }
    let details = match body.get("return_run_details") {
        None => always,
        Some(Value::Bool(details)) => *details,
        Some(other) => {
            let why = format!("For 'properties/return_run_details', {other} is not a boolean.");
            return Err(invalid(why));
        }
    };
    let bare = git_ref.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
    if !scenario.has_ref(bare) {
        return Err((422, format!("No ref found for: {git_ref}")));
    }
    if workflow.state != "active" {
        let why = "Cannot trigger a 'workflow_dispatch' on a disabled workflow";
        return Err((422, why.to_owned()));
    }
    if !workflow.dispatchable {
        let why = "Workflow does not have 'workflow_dispatch' trigger";
        return Err((422, why.to_owned()));
    }
    check_inputs(workflow, &inputs)?;
    Ok(Accepted { git_ref: bare.to_owned(), inputs, details: details && scenario.run_details })
}

fn check_inputs(workflow: &Workflow, inputs: &Map<String, Value>) -> Result<(), Refusal> {
    let known = |name: &str| workflow.inputs.iter().any(|input| input.name == name);
    let unexpected: Vec<&String> = inputs.keys().filter(|name| !known(name)).collect();
    if !unexpected.is_empty() {
        return Err((422, format!("Unexpected inputs provided: {unexpected:?}")));
    }
    for input in &workflow.inputs {
        let value = match inputs.get(&input.name) {
            Some(value) if value.as_str() != Some("") => value,
            _ if input.required => {
                return Err((422, format!("Required input '{}' not provided", input.name)));
            }
            _ => continue,
        };
        let text = value.as_str().unwrap_or_default();
        if !input.options.is_empty() && !input.options.iter().any(|option| option == text) {
            return Err((
                422,
                format!(
                    "Provided value '{text}' for input '{}' not in the list of allowed values",
                    input.name
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn try_with(
        scenario: &Scenario,
        version: Option<&str>,
        body: Value,
    ) -> Result<Accepted, Refusal> {
        let workflow = scenario.workflow("client-deploy.yml").unwrap();
        check(scenario, workflow, version, body.to_string().as_bytes())
    }

    fn good() -> Value {
        json!({"ref": "main", "inputs": {"correlation_id": "c", "requester": "ada"}})
    }

    #[test]
    fn what_github_refuses_and_how() {
        let scenario = Scenario::default();
        let many: Map<String, Value> = (0..26).map(|n| (format!("i{n}"), json!("x"))).collect();
        for (change, status, message) in [
            (json!({"reff": "x"}), 422, "Invalid request.\n\n\"reff\" is not a permitted key."),
            (
                json!({"ref": 1}),
                422,
                "Invalid request.\n\nFor 'properties/ref', 1 is not a string.",
            ),
            (json!({"ref": "nope"}), 422, "No ref found for: nope"),
            (
                json!({"inputs": {"correlation_id": "c", "requester": "a", "x": "1"}}),
                422,
                "Unexpected inputs provided: [\"x\"]",
            ),
            (
                json!({"inputs": {"requester": "a"}}),
                422,
                "Required input 'correlation_id' not provided",
            ),
            (
                json!({"inputs": many}),
                422,
                "Invalid request.\n\nNo more than 25 properties are allowed; 26 were supplied.",
            ),
            (
                json!({"inputs": {"requester": ["a"]}}),
                422,
                "Invalid request.\n\nFor 'properties/requester', [\"a\"] is not a string.",
            ),
        ] {
            let mut body = good();
            body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            assert_eq!(try_with(&scenario, None, body), Err((status, message.to_owned())));
        }
        let without_ref = try_with(&scenario, None, json!({}));
        assert_eq!(without_ref, Err((422, "Invalid request.\n\n\"ref\" wasn't supplied.".into())));
    }

    #[test]
    fn a_workflow_without_the_trigger_is_refused() {
        let mut scenario = Scenario::default();
        scenario.workflows[0].dispatchable = false;
        let refusal = try_with(&scenario, None, good()).unwrap_err();
        assert_eq!(refusal.1, "Workflow does not have 'workflow_dispatch' trigger");
    }

    #[test]
    fn details_are_given_when_asked_for_or_by_the_newer_version() {
        let mut asking = good();
        asking["return_run_details"] = json!(true);
        let mut scenario = Scenario::default();
        assert!(!try_with(&scenario, None, good()).unwrap().details);
        assert!(try_with(&scenario, None, asking.clone()).unwrap().details);
        assert!(try_with(&scenario, Some(ALWAYS_DETAILS), good()).unwrap().details);
        assert_eq!(try_with(&scenario, Some(ALWAYS_DETAILS), asking.clone()).unwrap_err().0, 422);
        scenario.run_details = false;
        assert!(!try_with(&scenario, None, asking.clone()).unwrap().details);
        scenario.enterprise_server = Some(400);
        assert_eq!(try_with(&scenario, None, asking).unwrap_err().0, 400);
        assert!(try_with(&scenario, None, good()).is_ok());
    }
}
