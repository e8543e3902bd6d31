//! The declaration of a `verify` agent: which deploys, which of their steps, and which requests to check.

use http::HeaderName;
use serde::Deserialize;
use toml::Spanned;

use super::fault::{COMMAND_NAME, Fault, checked, entries, fault, fits, is_command_name};
use crate::net::url_guard::UrlPolicy;

/// Limit for checks. Each sends one or two requests and adds a line to the message.
const MAX_CHECKS: usize = 12;
const MAX_STEPS: usize = 6;

/// In a check's body: the commit of the run, all 40 digits.
const SHA: &str = "{sha}";

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
    /// What it asks, in words and in hints.
    pub target: Target,
    /// Its own URL. `None`: the target's setting.
    pub url: Option<OwnUrl>,
    /// Path below the URL. It starts with a slash, or is empty if the check has a URL of its own.
    pub path: String,
    /// The expected status.
    pub status: u16,
    /// A required header.
    pub header: Option<HeaderCheck>,
    /// Text that the body must contain.
    pub body: Option<BodyText>,
}

/// The URL of a check, as far as it can be judged without the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnUrl {
    pub url: String,
    /// Its position in the file, in bytes.
    pub(super) at: usize,
}

/// Text that a body must contain. It may hold `{sha}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyText(String);

impl BodyText {
    /// Whether it holds `{sha}`.
    pub fn names_commit(&self) -> bool {
        self.0.contains(SHA)
    }

    /// The text for a run of this commit. `None`: it holds `{sha}`, and the commit is not known.
    pub fn of(&self, commit: Option<&str>) -> Option<String> {
        if self.names_commit() { Some(self.0.replace(SHA, commit?)) } else { Some(self.0.clone()) }
    }
}

/// A required header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderCheck {
    pub name: HeaderName,
    /// The value must contain one of these texts, ignoring case. Empty: any value.
    pub contains: Vec<String>,
}

/// The part of a site that a check asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `FRONTEND_BASE_URL`.
    Frontend,
    /// `VITE_API_BASE`.
    Api,
    /// The check has a URL and does not say what is there.
    Page,
}

impl Target {
    /// Its name in messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Frontend => "Frontend",
            Self::Api => "API",
            Self::Page => "Page",
        }
    }

    /// The setting with its base URL; the variable of the repository has the same name.
    pub fn setting(self) -> Option<&'static str> {
        match self {
            Self::Frontend => Some("FRONTEND_BASE_URL"),
            Self::Api => Some("VITE_API_BASE"),
            Self::Page => None,
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
    target: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    status: Option<Spanned<u16>>,
    header: Option<Spanned<String>>,
    header_contains: Option<Spanned<Vec<Spanned<String>>>>,
    body: Option<Spanned<String>>,
}

impl RawStep {
    pub(super) fn at(&self) -> usize {
        self.label.span().start
    }
}

pub(super) fn verification(
    verifies: &Spanned<String>,
    run_command: Option<&Spanned<String>>,
    steps: &[RawStep],
    checks: &[Spanned<RawCheck>],
) -> Result<Verification, Fault> {
    if let Some(extra) = checks.get(MAX_CHECKS) {
        return Err(fault(extra, format!("at most {MAX_CHECKS} checks are possible")));
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

fn check(raw: &Spanned<RawCheck>) -> Result<Check, Fault> {
    let whole = raw;
    let raw = raw.as_ref();
    let target = match &raw.target {
        Some(name) => target(name)?,
        None if raw.url.is_some() => Target::Page,
        None => return Err(fault(whole, "a check needs a target (frontend or api), or a url")),
    };
    let is_path = |path| checked(path, "path", "a path like /health, without ..", is_path);
    let path = match &raw.path {
        Some(path) => is_path(path)?,
        None if raw.url.is_some() => String::new(),
        None => return Err(fault(whole, "a check needs a path, or a url")),
    };
    let url = raw.url.as_ref().map(|url| own_url(url, &path)).transpose()?;
    let status = match &raw.status {
        Some(status) if !(200..600).contains(status.as_ref()) => {
            return Err(fault(status, "status must be 200 to 599"));
        }
        Some(status) => *status.as_ref(),
        None => 200,
    };
    let contains = entries(raw.header_contains.as_ref(), "header_contains", "to take any value")?;
    let header = match (&raw.header, contains.first()) {
        (Some(header), _) => Some(header_check(header, contains)?),
        (None, Some(text)) => return Err(fault(text, "header_contains needs a header")),
        (None, None) => None,
    };
    let body = raw.body.as_ref().map(body).transpose()?;
    Ok(Check { target, url, path, status, header, body })
}

fn target(name: &Spanned<String>) -> Result<Target, Fault> {
    match name.as_ref().as_str() {
        "frontend" => Ok(Target::Frontend),
        "api" => Ok(Target::Api),
        other => Err(fault(name, format!("target {other:?} is neither frontend nor api"))),
    }
}

/// Checks a check's URL as far as the file alone tells. `ALLOWED_DOMAINS` and `SAFE_LOCAL` come later.
fn own_url(raw: &Spanned<String>, path: &str) -> Result<OwnUrl, Fault> {
    let text = raw.as_ref();
    // Not shown in the error: it may hold a password.
    let refused = |why: &str| fault(raw, format!("url is refused: {why}"));
    if text.contains(['{', '}']) {
        return Err(refused("it takes no placeholder; {sha} goes into body"));
    }
    if text.contains('#') {
        return Err(refused("it must not contain a fragment (#…)"));
    }
    if text.contains('?') && !path.is_empty() {
        return Err(refused("with a path beside it, it must not contain a query (?…)"));
    }
    let every = UrlPolicy { safe_local: true, ..UrlPolicy::default() };
    let url = every.check_whole(text).map_err(|why| refused(&why.to_string()))?;
    Ok(OwnUrl { url: url.as_str().to_owned(), at: raw.span().start })
}

fn body(raw: &Spanned<String>) -> Result<BodyText, Fault> {
    let text = checked(raw, "body", "1 to 200 characters", |s| fits(s, 200))?;
    // Anything else in braces is text; JSON is full of it.
    let in_braces = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let is_slip = |word: &str| word != "sha" && word.len() <= 20 && is_like_sha(word);
    match in_braces.map(|(word, _)| word).find(|word| is_slip(word)) {
        Some(word) => {
            Err(fault(raw, format!("body: {{{word}}} is not known, the commit is {SHA}")))
        }
        None => Ok(BodyText(text)),
    }
}

/// Whether this was probably meant as `sha`: `SHA`, ` sha `, `short_sha`, `github.sha`.
fn is_like_sha(word: &str) -> bool {
    let word = word.trim().to_ascii_lowercase();
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    plain && word.split(['_', '.', '-']).any(|part| part == "sha")
}

fn header_check(
    name: &Spanned<String>,
    contains: &[Spanned<String>],
) -> Result<HeaderCheck, Fault> {
    let parsed = HeaderName::try_from(name.as_ref());
    let is_text = |s: &str| fits(s, 100) && !s.contains(SHA);
    let shape = "1 to 100 characters, without {sha}";
    let text = |text| checked(text, "header_contains", shape, is_text);
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
    use super::BodyText;
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

[[agent.checks]]
url = "https://staging.example.com/base/"
target = "frontend"
path = "/version.json"
body = "{sha}"

[[agent.checks]]
url = "https://status.example.com/api?deep=1"
"#;

    #[test]
    fn every_key_of_a_verification_is_parsed() {
        let registry = file::parse("x.toml", GOOD).unwrap();
        let Kind::Verify(verification) = &registry.by_command("verify").unwrap().kind else {
            panic!("not of kind verify")
        };
        insta::assert_snapshot!(format!("{verification:?}"), @r#"Verification { verifies: "deploy_api", run_command: Some("verify-run"), steps: [StepPattern { label: "Build", pattern: "build" }], checks: [Check { target: Api, url: None, path: "/health?deep=1", status: 204, header: Some(HeaderCheck { name: "cache-control", contains: ["no-store"] }), body: Some(BodyText("ok")) }, Check { target: Frontend, url: Some(OwnUrl { url: "https://staging.example.com/base/", at: 510 }), path: "/version.json", status: 200, header: None, body: Some(BodyText("{sha}")) }, Check { target: Page, url: Some(OwnUrl { url: "https://status.example.com/api?deep=1", at: 628 }), path: "", status: 200, header: None, body: None }] }"#);
    }

    #[rstest]
    #[case::nobody("\"deploy_api\"\nrun", "\"nobody\"\nrun", 16, "no agent of kind deploy")]
    #[case::itself("\"deploy_api\"\nrun", "\"verifier\"\nrun", 16, "no agent of kind deploy")]
    #[case::missing("verifies = \"deploy_api\"\n", "", 15, "needs verifies")]
    #[case::command("\"verify-run\"", "\"Verify\"", 17, "run_command \"Verify\" must be")]
    #[case::target("\"api\"\npath", "\"db\"\npath", 24, "neither frontend nor api")]
    #[case::climbs("/health?deep=1", "/a/../b", 25, "path \"/a/../b\" must be")]
    #[case::elsewhere("/health?deep=1", "//evil.test", 25, "must be a path")]
    #[case::status("204", "99", 26, "200 to 599")]
    #[case::header("\"Cache-Control\"", "\"a b\"", 27, "a header's name")]
    #[case::no_header("header = \"Cache-Control\"\n", "", 27, "needs a header")]
    #[case::no_texts("[\"no-store\"]", "[]", 28, "header_contains is empty; leave it out")]
    #[case::neither_target_nor_url(
        "target = \"api\"\n",
        "",
        23,
        "needs a target (frontend or api), or a url"
    )]
    #[case::neither_path_nor_url("path = \"/health?deep=1\"\n", "", 23, "needs a path, or a url")]
    #[case::sha_in_a_header("\"no-store\"", "\"{sha}\"", 28, "without {sha}")]
    #[case::capitals("\"{sha}\"", "\"{SHA}\"", 35, "{SHA} is not known, the commit is {sha}")]
    #[case::spaces("\"{sha}\"", "'\"sha\": \"{ sha }\"'", 35, "the commit is {sha}")]
    #[case::short("\"{sha}\"", "\"{short_sha}\"", 35, "the commit is {sha}")]
    #[case::expression("\"{sha}\"", "\"${{ github.sha }}\"", 35, "the commit is {sha}")]
    #[case::query_and_path("/base/\"", "/?a=b\"", 32, "must not contain a query")]
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

    /// Line 38 is the URL of a check without a path.
    #[rstest]
    #[case::placeholder("https://{sha}.example.com", "{sha} goes into body")]
    #[case::in_the_path("https://app.example.com/{sha}", "{sha} goes into body")]
    #[case::fragment("https://app.example.com/#a", "a fragment")]
    #[case::http("http://app.example.com", "https://")]
    #[case::words("app.example.com", "not a URL")]
    #[case::script("javascript:alert(1)", "https://")]
    #[case::password("https://ada:hunter2@app.example.com", "user name or password")]
    #[case::shell("https://app.example.com/$(id)", "characters")]
    #[case::metadata("https://169.254.169.254/latest", "special address")]
    #[case::decimal("https://167772161/", "special address")]
    #[case::local_name("https://metadata.google.internal", "local network")]
    #[case::empty("", "not a URL")]
    fn a_url_is_guarded_at_start_with_its_line(#[case] url: &str, #[case] what: &str) {
        let bad = GOOD.replacen("https://status.example.com/api?deep=1", url, 1);
        let error = file::parse("x.toml", &bad).unwrap_err().to_string();
        assert!(error.starts_with("x.toml: line 38: url is refused: "), "{error}");
        assert!(error.contains(what) && !error.contains("hunter2"), "{error}");
    }

    #[rstest]
    #[case("{\"status\":\"ok\"}")]
    #[case("{name} {return} {a_sharp_one} { sh a }")]
    #[case("\"commit\":\"{sha}\"}")]
    fn other_braces_are_text(#[case] body: &str) {
        let text = GOOD.replacen("\"{sha}\"", &format!("'{body}'"), 1);
        assert_eq!(file::parse("x.toml", &text).err(), None);
    }

    #[test]
    fn a_body_may_name_the_commit() {
        let plain = BodyText("ok".to_owned());
        assert_eq!(plain.of(None).as_deref(), Some("ok"));
        let commit = BodyText("\"{sha}\"".to_owned());
        assert_eq!((commit.of(None), commit.of(Some("0b3b")).as_deref()), (None, Some("\"0b3b\"")));
    }
}
