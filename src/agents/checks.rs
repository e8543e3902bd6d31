//! Reads a `verify` agent: its `[[agent.steps]]` and `[[agent.checks]]`.

use http::HeaderName;

use super::keys::{CHECK, STEP};
use super::table::{COMMAND_NAME, Table, Text, is_command_name};
use super::verification::{
    BodyText, Check, HeaderCheck, OwnUrl, SHA, StepPattern, Target, Verification,
};
use crate::net::url_guard::UrlPolicy;

/// Limit for checks. Each sends one or two requests and adds a line to the message.
const MAX_CHECKS: usize = 12;
const MAX_STEPS: usize = 6;

pub(super) fn verification(table: &Table<'_>) -> Option<Verification> {
    if !table.has("verifies") {
        table.lacks("verifies", ": the id of an agent of kind \"deploy\"");
    }
    let run_command = table.text("run_command");
    let run_command = run_command.and_then(|text| text.checked(COMMAND_NAME, is_command_name));
    let (steps, checks) = (table.tables("steps", &STEP), table.tables("checks", &CHECK));
    for (what, tables, most) in [("steps", &steps, MAX_STEPS), ("checks", &checks, MAX_CHECKS)] {
        if let Some(extra) = tables.get(most) {
            let what = format!("there are {} {what}; at most {most} are possible", tables.len());
            table.faults.add(extra.at, what);
        }
    }
    let (steps, checks) =
        (steps.iter().filter_map(step).collect(), checks.iter().filter_map(check).collect());
    let verifies = table.text("verifies")?.value.to_owned();
    Some(Verification { verifies, run_command, steps, checks })
}

fn step(table: &Table<'_>) -> Option<StepPattern> {
    let label = table.needed("label").and_then(|text| text.within(40));
    let pattern = table.needed("pattern").and_then(|text| text.within(100));
    Some(StepPattern { label: label?, pattern: pattern? })
}

fn check(table: &Table<'_>) -> Option<Check> {
    let has_url = table.has("url");
    let target = match table.text("target") {
        Some(name) => target(&name),
        None if has_url || table.has("target") => Some(Target::Page),
        None => {
            table.faults.add(table.at, "a check needs a target (frontend or api), or a url");
            None
        }
    };
    let path = match table.text("path") {
        Some(path) => path.checked("a path like /health, without ..", is_path),
        None if has_url || table.has("path") => Some(String::new()),
        None => {
            table.faults.add(table.at, "a check needs a path, or a url");
            None
        }
    };
    let url = table.text("url").and_then(|url| own_url(&url, table.peek("path").is_some()));
    let status = table.integer("status").map(|status| {
        let number = u16::try_from(status.value).ok().filter(|n| (200..600).contains(n));
        if number.is_none() {
            status.is_wrong("must be 200 to 599");
        }
        number
    });
    let contains = table.texts("header_contains", "to take any value");
    let header = match (table.text("header"), contains.first()) {
        (Some(header), _) => header_check(&header, &contains),
        (None, Some(text)) if !table.has("header") => {
            text.is_wrong("needs a header");
            None
        }
        (None, _) => None,
    };
    let body = table.text("body").and_then(|text| body(&text));
    let status = status.flatten().unwrap_or(200);
    Some(Check { target: target?, url, path: path?, status, header, body })
}

fn target(name: &Text<'_>) -> Option<Target> {
    match name.value {
        "frontend" => Some(Target::Frontend),
        "api" => Some(Target::Api),
        _ => {
            name.is_wrong(format_args!("{:?} is neither frontend nor api", name.repeated()));
            None
        }
    }
}

/// Checks a check's URL as far as the file alone tells. `ALLOWED_DOMAINS` and `SAFE_LOCAL` come later.
fn own_url(raw: &Text<'_>, has_path: bool) -> Option<OwnUrl> {
    let text = raw.value;
    // Not shown in the error: it may hold a password.
    let refused = |why: &str| {
        raw.is_wrong(format_args!("is refused: {why}"));
        None
    };
    if text.contains(['{', '}']) {
        return refused("it takes no placeholder; {sha} goes into body");
    }
    if text.contains('#') {
        return refused("it must not contain a fragment (#…)");
    }
    if text.contains('?') && has_path {
        return refused("with a path beside it, it must not contain a query (?…)");
    }
    let every = UrlPolicy { safe_local: true, ..UrlPolicy::default() };
    match every.check_whole(text) {
        Ok(url) => Some(OwnUrl { url: url.as_str().to_owned(), at: raw.at }),
        Err(why) => refused(&why.to_string()),
    }
}

fn body(raw: &Text<'_>) -> Option<BodyText> {
    let text = raw.within(200)?;
    // Anything else in braces is text; JSON is full of it.
    let in_braces = text.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    let is_slip = |word: &str| word != "sha" && word.len() <= 20 && is_like_sha(word);
    if let Some(word) = in_braces.map(|(word, _)| word).find(|word| is_slip(word)) {
        raw.is_wrong(format_args!("has {{{word}}}, which is not known: the commit is {SHA}"));
        return None;
    }
    Some(BodyText(text))
}

/// Whether this was probably meant as `sha`: `SHA`, ` sha `, `short_sha`, `github.sha`.
fn is_like_sha(word: &str) -> bool {
    let word = word.trim().to_ascii_lowercase();
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    plain && word.split(['_', '.', '-']).any(|part| part == "sha")
}

fn header_check(name: &Text<'_>, contains: &[Text<'_>]) -> Option<HeaderCheck> {
    let parsed = HeaderName::try_from(name.value).ok();
    if parsed.is_none() {
        name.is_wrong("must be a header's name");
    }
    let text = |text: &Text<'_>| {
        if text.value.contains(SHA) {
            text.is_wrong("must be without {sha}");
        }
        text.within(100)
    };
    let contains = contains.iter().filter_map(text).collect();
    Some(HeaderCheck { name: parsed?, contains })
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
    use crate::agents::verification::BodyText;
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
    #[case::missing("verifies = \"deploy_api\"\n", "", 10, "needs the key `verifies`")]
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
    #[case::capitals(
        "\"{sha}\"",
        "\"{SHA}\"",
        35,
        "{SHA}, which is not known: the commit is {sha}"
    )]
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
        assert!(error.starts_with(&format!("x.toml:{line}: ")) && error.contains(what), "{error}");
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
        assert!(error.starts_with("x.toml:38: url is refused: "), "{error}");
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
