//! What a delivery tells. Parsing is lenient: GitHub adds fields, values and events.
//!
//! <https://docs.github.com/webhooks/webhook-events-and-payloads>

use std::collections::HashMap;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::signature::Verified;
use crate::github::jobs::Job;
use crate::github::run::lenient;
use crate::github::{Repository, Run};

/// What a delivery tells, as far as we want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A hook was made, or somebody tests it.
    Ping {
        /// `None`: it is not of a repository, but of an App or an organisation.
        repository: Option<Repository>,
    },
    /// Something happened to a run.
    Run(RunHint),
    /// Something happened to a job of a run.
    Job(RunHint),
    /// Anything else.
    Other,
}

/// What a delivery says of a run. It may be late, doubled or out of order: only GitHub's API tells how a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHint {
    /// The run's repository.
    pub repository: Repository,
    /// The run's id.
    pub run_id: u64,
    /// Which attempt of it.
    pub attempt: Option<u64>,
    /// `requested`, `queued`, `waiting`, `in_progress`, `completed`, …
    pub action: Option<String>,
    /// Whether it tells of the run itself, not only of its jobs.
    pub of_run: bool,
    /// The run as it was then. `None` for a job.
    pub run: Option<Run>,
    /// Its jobs as they were then, the oldest first. Empty for a run.
    pub jobs: Vec<Job>,
}

impl Delivery {
    /// The repository that it is about.
    pub fn repository(&self) -> Option<&Repository> {
        match self {
            Self::Ping { repository } => repository.as_ref(),
            Self::Run(hint) | Self::Job(hint) => Some(&hint.repository),
            Self::Other => None,
        }
    }
}

/// Why a signed body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotJson {
    /// The body, or the form's field, is no JSON.
    #[error("the body is not JSON")]
    Body,
    /// It is a form that has no such field.
    #[error("the form has no field `payload`")]
    NoPayload,
}

/// The top level of a payload; the fields are not parsed yet. If one is there twice, the last one counts.
type Fields<'a> = HashMap<String, &'a RawValue>;

/// Reads a delivery.
pub(crate) fn read(headers: &HeaderMap, body: &Verified) -> Result<Delivery, NotJson> {
    if is_form(headers) {
        let payload = payload(body.bytes()).ok_or(NotJson::NoPayload)?;
        return of_event(event(headers), &payload);
    }
    of_event(event(headers), str::from_utf8(body.bytes()).map_err(|_| NotJson::Body)?)
}

/// The event that `X-GitHub-Event` names.
fn event(headers: &HeaderMap) -> &str {
    headers.get("x-github-event").and_then(|event| event.to_str().ok()).unwrap_or_default()
}

/// Whether the body is a form. Whatever else it is called, it is read as JSON.
fn is_form(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The JSON in a form.
fn payload(form: &[u8]) -> Option<String> {
    let mut fields = form_urlencoded::parse(form);
    fields.find(|(name, _)| name == "payload").map(|(_, value)| value.into_owned())
}

fn of_event(event: &str, text: &str) -> Result<Delivery, NotJson> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|_| NotJson::Body)?;
    let read = match event {
        "ping" | "workflow_run" | "workflow_job" => serde_json::from_str(text).ok(),
        _ => return Ok(Delivery::Other),
    };
    let fields: Fields<'_> = read.unwrap_or_default();
    if event == "ping" {
        return Ok(Delivery::Ping { repository: repository(&fields) });
    }
    let hint = if event == "workflow_run" {
        of_run(&fields).map(Delivery::Run)
    } else {
        of_job(&fields).map(Delivery::Job)
    };
    Ok(hint.unwrap_or_else(|| {
        tracing::debug!(event, "a delivery lacks its repository or the id of its run");
        Delivery::Other
    }))
}

/// A field of the type that it should have.
fn field<T: DeserializeOwned>(fields: &Fields<'_>, name: &str) -> Option<T> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

fn repository(fields: &Fields<'_>) -> Option<Repository> {
    #[derive(Deserialize)]
    struct Named {
        full_name: String,
    }
    field::<Named>(fields, "repository")?.full_name.parse().ok()
}

fn of_run(fields: &Fields<'_>) -> Option<RunHint> {
    #[derive(Deserialize)]
    struct Named {
        id: u64,
        #[serde(default, deserialize_with = "lenient")]
        run_attempt: Option<u64>,
    }
    let Named { id, run_attempt } = field(fields, "workflow_run")?;
    #[derive(Deserialize)]
    struct Workflow {
        #[serde(default, deserialize_with = "lenient")]
        path: Option<String>,
    }
    let hint = hint(fields, id, run_attempt)?;
    let mut run: Option<Run> = field(fields, "workflow_run");
    if let Some(run) = run.as_mut().filter(|run| run.path.is_none()) {
        run.path = field::<Workflow>(fields, "workflow").and_then(|workflow| workflow.path);
    }
    Some(RunHint { of_run: true, run, ..hint })
}

fn of_job(fields: &Fields<'_>) -> Option<RunHint> {
    #[derive(Deserialize)]
    struct OfRun {
        run_id: u64,
        #[serde(default, deserialize_with = "lenient")]
        run_attempt: Option<u64>,
    }
    let OfRun { run_id, run_attempt } = field(fields, "workflow_job")?;
    let hint = hint(fields, run_id, run_attempt)?;
    Some(RunHint { jobs: field(fields, "workflow_job").into_iter().collect(), ..hint })
}

/// What both kinds of events tell.
fn hint(fields: &Fields<'_>, run_id: u64, attempt: Option<u64>) -> Option<RunHint> {
    let (repository, action) = (repository(fields)?, field(fields, "action"));
    Some(RunHint {
        repository,
        run_id,
        attempt,
        action,
        of_run: false,
        run: None,
        jobs: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
