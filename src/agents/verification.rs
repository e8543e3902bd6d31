//! The declaration of a `verify` agent: which deploys, which of their steps, and which requests to check.

use http::HeaderName;
use serde::Deserialize;
use toml::Spanned;

use super::fault::{COMMAND_NAME, Fault, checked, fault, fits, is_command_name};

/// Limit for checks. Each sends one or two requests and adds a line to the message.
const MAX_CHECKS: usize = 12;
const MAX_STEPS: usize = 6;

/// What to check after a deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The id of the deploy agent whose runs are verified.
    pub verifies: String,
    /// The name of the second command, which takes a run's id.
    pub run_command: Option<String>,
    /// Steps whose durations are shown.
    pub steps: Vec<StepPattern>,
    /// The requests to check.
    pub checks: Vec<Check>,
}

/// A step of the deploy's workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPattern {
    /// Its name in messages.
    pub label: String,
    /// Text that the step's name must contain, ignoring case.
    pub pattern: String,
}

/// A request and its expected answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub target: Target,
    /// Path below the target's base URL. It starts with a slash.
    pub path: String,
    /// The expected status.
    pub status: u16,
    /// A required header.
    pub header: Option<HeaderCheck>,
    /// Text that the body must contain.
    pub body: Option<String>,
}

/// A required header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderCheck {
    pub name: HeaderName,
    /// The value must contain one of these texts, ignoring case. Empty: any value.
    pub contains: Vec<String>,
}

/// The site that a deploy publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `FRONTEND_BASE_URL`.
    Frontend,
    /// `VITE_API_BASE`.
    Api,
}

impl Target {
    /// Its name in messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Frontend => "Frontend",
            Self::Api => "API",
        }
    }

    /// The setting with its base URL.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Frontend => "FRONTEND_BASE_URL",
            Self::Api => "VITE_API_BASE",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStep {
    label: Spanned<String>,
    pattern: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCheck {
    target: Spanned<String>,
    path: Spanned<String>,
    status: Option<Spanned<u16>>,
    header: Option<Spanned<String>>,
    #[serde(default)]
    header_contains: Vec<Spanned<String>>,
    body: Option<Spanned<String>>,
}

impl RawStep {
    pub(super) fn at(&self) -> usize {
        self.label.span().start
    }
}

impl RawCheck {
    pub(super) fn at(&self) -> usize {
        self.target.span().start
    }
}

pub(super) fn verification(
    verifies: &Spanned<String>,
    run_command: Option<&Spanned<String>>,
    steps: &[RawStep],
    checks: &[RawCheck],
) -> Result<Verification, Fault> {
    if let Some(extra) = checks.get(MAX_CHECKS) {
        return Err(fault(&extra.target, format!("at most {MAX_CHECKS} checks are possible")));
    }
    if let Some(extra) = steps.get(MAX_STEPS) {
        return Err(fault(&extra.label, format!("at most {MAX_STEPS} steps are possible")));
    }
    let command = |name| checked(name, "run_command", COMMAND_NAME, is_command_name);
    Ok(Verification {
        verifies: verifies.as_ref().clone(),
        run_command: run_command.map(command).transpose()?,
        steps: steps.iter().map(step).collect::<Result<_, _>>()?,
        checks: checks.iter().map(check).collect::<Result<_, _>>()?,
    })
}

fn step(raw: &RawStep) -> Result<StepPattern, Fault> {
    Ok(StepPattern {
        label: checked(&raw.label, "label", "1 to 40 characters", |s| fits(s, 40))?,
        pattern: checked(&raw.pattern, "pattern", "1 to 100 characters", |s| fits(s, 100))?,
    })
}

fn check(raw: &RawCheck) -> Result<Check, Fault> {
    let target = match raw.target.as_ref().as_str() {
        "frontend" => Target::Frontend,
        "api" => Target::Api,
        other => {
            return Err(fault(
                &raw.target,
                format!("target {other:?} is neither frontend nor api"),
            ));
        }
    };
    let status = match &raw.status {
        Some(status) if !(200..600).contains(status.as_ref()) => {
            return Err(fault(status, "status must be 200 to 599"));
        }
        Some(status) => *status.as_ref(),
        None => 200,
    };
    let header = match (&raw.header, raw.header_contains.first()) {
        (Some(header), _) => Some(header_check(header, &raw.header_contains)?),
        (None, Some(text)) => return Err(fault(text, "header_contains needs a header")),
        (None, None) => None,
    };
    let text = |body| checked(body, "body", "1 to 200 characters", |s| fits(s, 200));
    let path = checked(&raw.path, "path", "a path like /health, without ..", is_path)?;
    Ok(Check { target, path, status, header, body: raw.body.as_ref().map(text).transpose()? })
}

fn header_check(
    name: &Spanned<String>,
    contains: &[Spanned<String>],
) -> Result<HeaderCheck, Fault> {
    let parsed = HeaderName::try_from(name.as_ref());
    let text = |text| checked(text, "header_contains", "1 to 100 characters", |s| fits(s, 100));
    Ok(HeaderCheck {
        name: parsed.map_err(|_| fault(name, "header must be a header's name"))?,
        contains: contains.iter().map(text).collect::<Result<_, _>>()?,
    })
}

/// Whether this is a path, with an optional query, of plain characters and without `..`.
fn is_path(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.~%?=&".contains(&b);
    let path = text.split('?').next().unwrap_or_default();
    text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 200
        && text.bytes().all(plain)
        && !path.split('/').any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use crate::agents::{Kind, file};
    use rstest::rstest;

    const GOOD: &str = r#"
[[agent]]
id = "deploy_api"
name = "API deploy"
description = "Deploys the API"
command = "deploy-api"
kind = "deploy"
workflow = "api.yml"

[[agent]]
id = "verifier"
name = "Verifier"
description = "Verifies"
command = "verify"
kind = "verify"
verifies = "deploy_api"
run_command = "verify-run"

[[agent.steps]]
label = "Build"
pattern = "build"

[[agent.checks]]
target = "api"
path = "/health?deep=1"
status = 204
header = "Cache-Control"
header_contains = ["no-store"]
body = "ok"
"#;

    #[test]
    fn every_key_of_a_verification_is_parsed() {
        let registry = file::parse("x.toml", GOOD).unwrap();
        let Kind::Verify(verification) = &registry.by_command("verify").unwrap().kind else {
            panic!("not of kind verify")
        };
        insta::assert_snapshot!(format!("{verification:?}"), @r#"Verification { verifies: "deploy_api", run_command: Some("verify-run"), steps: [StepPattern { label: "Build", pattern: "build" }], checks: [Check { target: Api, path: "/health?deep=1", status: 204, header: Some(HeaderCheck { name: "cache-control", contains: ["no-store"] }), body: Some("ok") }] }"#);
    }

    #[rstest]
    #[case::nobody("\"deploy_api\"\nrun", "\"nobody\"\nrun", 16, "no agent of kind deploy")]
    #[case::itself("\"deploy_api\"\nrun", "\"verifier\"\nrun", 16, "no agent of kind deploy")]
    #[case::missing("verifies = \"deploy_api\"\n", "", 15, "needs verifies")]
    #[case::taken("\"verify-run\"", "\"deploy-api\"", 17, "is given twice")]
    #[case::command("\"verify-run\"", "\"Verify\"", 17, "run_command \"Verify\" must be")]
    #[case::target("\"api\"\npath", "\"db\"\npath", 24, "neither frontend nor api")]
    #[case::climbs("/health?deep=1", "/a/../b", 25, "path \"/a/../b\" must be")]
    #[case::elsewhere("/health?deep=1", "//evil.test", 25, "must be a path")]
    #[case::status("204", "99", 26, "200 to 599")]
    #[case::header("\"Cache-Control\"", "\"a b\"", 27, "a header's name")]
    #[case::no_header("header = \"Cache-Control\"\n", "", 27, "needs a header")]
    #[case::misplaced(
        "workflow = \"api.yml\"",
        "workflow = \"api.yml\"\nverifies = \"x\"",
        9,
        "takes no verifies"
    )]
    fn a_mistake_is_reported_with_its_line(
        #[case] right: &str,
        #[case] wrong: &str,
        #[case] line: usize,
        #[case] what: &str,
    ) {
        assert!(GOOD.contains(right), "{right}");
        let error = file::parse("x.toml", &GOOD.replacen(right, wrong, 1)).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}")) && error.contains(what), "{error}");
    }
}
