//! Parses and checks `agents.toml`, and makes a [`Registry`] of it.

use std::borrow::Cow;
use std::path::Path;

use toml::Spanned;

use super::agent::agent;
use super::fault::{Fault, fault, unique};
use super::place::Place;
use super::raw::{RawAgent, RawFile};
use super::registry::{Agent, Lines, Registry};
use super::watches::watch;
use crate::net::url_guard::UrlPolicy;

/// The default agents, built into the binary.
const BUILT_IN: &str = include_str!("../../agents.toml");

/// Why the file is not valid: the position, and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct BadFile {
    file: String,
    what: String,
}

/// Loads the agents from a file, or the built-in ones.
pub fn load(path: Option<&Path>) -> Result<Registry, BadFile> {
    let (file, text) = read(&path.map_or(Place::BuiltIn, |path| Place::Named(path.to_owned())))?;
    parse(&file, &text)
}

/// Loads the agents that are declared there, and checks the URLs in them by the settings.
pub fn load_for(place: &Place, urls: &UrlPolicy) -> Result<Registry, BadFile> {
    let (file, text) = read(place)?;
    let mut registry = parse(&file, &text)?;
    allows_urls(&registry, urls).map_err(|fault| fault.in_file(&file, &text))?;
    registry.place = place.clone();
    Ok(registry)
}

/// The file's name for messages, and its text.
fn read(place: &Place) -> Result<(String, Cow<'static, str>), BadFile> {
    let Some(path) = place.path() else {
        return Ok(("agents.toml".to_owned(), BUILT_IN.into()));
    };
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok((file, text.into())),
        Err(error) => {
            let what = format!("cannot be read ({error}); {}", place.why());
            Err(BadFile { file, what })
        }
    }
}

fn allows_urls(registry: &Registry, urls: &UrlPolicy) -> Result<(), Fault> {
    let verified = registry.agents().iter().filter_map(Agent::verification);
    let own = verified.flat_map(|verification| &verification.checks);
    for own in own.filter_map(|check| check.url.as_ref()) {
        if let Err(why) = urls.check_whole(&own.url) {
            return Err(Fault { at: own.at, what: format!("url is refused: {why}") });
        }
    }
    Ok(())
}

/// Parses agents from TOML; `file` is the name shown in errors.
pub fn parse(file: &str, text: &str) -> Result<Registry, BadFile> {
    let bad = |what: String| BadFile { file: file.to_owned(), what };
    // Without the line's text, which may hold a password.
    let raw: RawFile = toml::from_str(text).map_err(|error| match error.span() {
        Some(span) => {
            Fault { at: span.start, what: error.message().to_owned() }.in_file(file, text)
        }
        None => bad(error.message().to_owned()),
    })?;
    let agents = raw.agents.iter().map(agent).collect::<Result<Vec<_>, _>>();
    let checked = agents.and_then(|mut agents| {
        unique("id", raw.agents.iter().map(|agent| &agent.id))?;
        for (agent, raw) in agents.iter_mut().zip(&raw.agents) {
            agent.lines = lines(raw, text);
        }
        verified_agents_deploy(&raw.agents)?;
        let watches = raw.watches.iter().map(watch).collect::<Result<_, _>>()?;
        Ok(Registry { file: file.to_owned(), place: Place::default(), agents, watches })
    });
    checked.map_err(|fault| fault.in_file(file, text))
}

impl Fault {
    /// The error for the whole file, with the line.
    fn in_file(self, file: &str, text: &str) -> BadFile {
        let line = line(self.at, text);
        BadFile { file: file.to_owned(), what: format!("line {line}: {}", self.what) }
    }
}

/// The line of a byte offset.
fn line(at: usize, text: &str) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

fn lines(raw: &RawAgent, text: &str) -> Lines {
    let of = |key: &Spanned<String>| line(key.span().start, text);
    Lines {
        description: of(&raw.description),
        command: of(&raw.command),
        kind: of(&raw.kind),
        run_command: raw.run_command.as_ref().map(of).unwrap_or_default(),
        inputs: raw.inputs.iter().map(|input| line(input.at(), text)).collect(),
    }
}

fn verified_agents_deploy(agents: &[RawAgent]) -> Result<(), Fault> {
    let is_deploy =
        |id: &str| agents.iter().any(|a| a.id.as_ref() == id && a.kind.as_ref() == "deploy");
    let wrong =
        agents.iter().filter_map(|a| a.verifies.as_ref()).find(|id| !is_deploy(id.as_ref()));
    match wrong {
        Some(id) => {
            Err(fault(id, format!("verifies: no agent of kind deploy is {:?}", id.as_ref())))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::Kind;
    use crate::agents::options::OptionKind;
    use crate::net::url_guard::DomainPattern;
    use rstest::rstest;

    const GOOD: &str = r#"
[[agent]]
id = "deploy_api"
name = "API deploy"
description = "Deploys the API"
command = "deploy-api"
kind = "deploy"
workflow = "api.yml"
repository = "octo-org/api"
ref = "trunk"
allowed_refs = ["release/*"]
allowed_roles = ["77"]

[[agent.inputs]]
option = "stage"
input = "STAGE"
kind = "string"
description = "Where to"
required = true
choices = ["staging", "production"]

[[agent.inputs]]
option = "replicas"
input = "replicas"
kind = "integer"
description = "How many"
min = 1
max = 9
"#;

    #[test]
    fn the_built_in_file_declares_the_four_agents() {
        let registry = load(None).unwrap();
        let commands: Vec<_> =
            registry.agents().iter().map(|a| (a.id.as_str(), a.command.as_str())).collect();
        assert_eq!(
            commands,
            [
                ("deploy_verifier", "verify-latest"),
                ("diagnose_runner", "diagnose"),
                ("status_reporter", "status"),
                ("deploy_client", "deploy-client"),
            ]
        );
    }

    #[test]
    fn every_key_of_a_deploy_agent_is_parsed() {
        let registry = parse("x.toml", GOOD).unwrap();
        let agent = registry.by_command("deploy-api").unwrap();
        assert_eq!(agent.rule.roles, [77]);
        let Kind::Deploy(workflow) = &agent.kind else { panic!("{:?}", agent.kind) };
        assert_eq!(workflow.repository.as_ref().unwrap().to_string(), "octo-org/api");
        assert_eq!(workflow.default_ref, "trunk");
        assert!(workflow.allows_ref("trunk") && workflow.allows_ref("release/2"));
        assert!(!workflow.allows_ref("main"));
        let kinds: Vec<_> = workflow.inputs.iter().map(|input| input.option.kind.clone()).collect();
        let choices = vec!["staging".to_owned(), "production".to_owned()];
        let limits = OptionKind::Integer { min: Some(1), max: Some(9) };
        assert_eq!(kinds, [OptionKind::String { choices }, limits]);
    }

    #[rstest]
    #[case::unknown_key("id = \"deploy_api\"", "id = \"deploy_api\"\ncolour = 1", 4, "colour")]
    #[case::not_toml("id = \"deploy_api\"", "id =", 3, "")]
    #[case::missing_key("name = \"API deploy\"", "", 2, "name")]
    #[case::bad_id("deploy_api", "Deploy API", 3, "id \"Deploy API\" must be")]
    #[case::bad_command("deploy-api", "Deploy", 6, "command \"Deploy\" must be")]
    #[case::bad_kind("\"deploy\"", "\"launch\"", 7, "kind \"launch\" is not one of")]
    #[case::bad_workflow("api.yml", "../api.yml", 8, "workflow \"../api.yml\" must be")]
    #[case::no_yaml("api.yml", "api", 8, "workflow \"api\" must be")]
    #[case::bad_repository("octo-org/api", "octo-org", 9, "owner/name")]
    #[case::bad_ref("trunk", "a b", 10, "ref \"a b\" must be")]
    #[case::bad_pattern("release/*", "*/x", 11, "allowed_refs")]
    #[case::bad_role("77", "deployers", 12, "allowed_roles")]
    #[case::zero("77", "0", 12, "allowed_roles holds ids")]
    #[case::sign("77", "+77", 12, "allowed_roles holds ids")]
    #[case::no_roles("[\"77\"]", "[]", 12, "allowed_roles is empty; leave it out to let everyone")]
    #[case::no_roles_on_lines("[\"77\"]", "[\n]", 12, "allowed_roles is empty")]
    #[case::no_users(
        "allowed_roles = [\"77\"]",
        "allowed_users = []",
        12,
        "allowed_users is empty"
    )]
    #[case::no_users_beside_roles(
        "[\"77\"]",
        "[\"77\"]\nallowed_users = []",
        13,
        "allowed_users is empty"
    )]
    #[case::no_choices("[\"staging\", \"production\"]", "[]", 20, "choices is empty; leave it out")]
    #[case::pattern_and_choices(
        "required = true",
        "required = true\npattern = \"a\"",
        20,
        "pattern and max_length do not go with choices"
    )]
    #[case::taken_option("\"stage\"", "\"wait\"", 15, "wait and ref are taken")]
    #[case::taken_input("\"STAGE\"", "\"requester\"", 16, "requester are taken")]
    #[case::bad_input_kind(
        "kind = \"string\"",
        "kind = \"text\"",
        17,
        "kind \"text\" is not one of"
    )]
    #[case::long_description("Where to", &"x".repeat(101), 18, "1 to 100 characters")]
    #[case::twice("production", "staging", 20, "choice \"staging\" is given twice")]
    #[case::same_option(
        "replicas\"\ninput",
        "stage\"\ninput",
        23,
        "option \"stage\" is given twice"
    )]
    #[case::misplaced_limit(
        "kind = \"integer\"",
        "kind = \"boolean\"",
        27,
        "min and max do not go"
    )]
    #[case::crossed_limits("min = 1", "min = 10", 27, "min is above max")]
    fn a_mistake_is_reported_with_its_line(
        #[case] right: &str,
        #[case] wrong: &str,
        #[case] line: usize,
        #[case] what: &str,
    ) {
        assert!(GOOD.contains(right), "{right}");
        let error = parse("x.toml", &GOOD.replacen(right, wrong, 1)).unwrap_err().to_string();
        assert!(error.starts_with("x.toml: "), "{error}");
        assert!(error.contains(&format!("line {line}")), "{error}");
        assert!(error.contains(what), "{error}");
    }

    #[test]
    fn two_agents_cannot_share_an_id() {
        let twice = format!("{GOOD}{GOOD}");
        let error = parse("x.toml", &twice).unwrap_err().to_string();
        assert!(error.ends_with("line 31: id \"deploy_api\" is given twice"), "{error}");
    }

    #[test]
    fn where_an_agent_is_declared_is_kept() {
        let registry = parse("x.toml", GOOD).unwrap();
        let expected =
            Lines { description: 5, command: 6, kind: 7, run_command: 0, inputs: vec![20, 23] };
        assert_eq!((registry.file(), &registry.agents()[0].lines), ("x.toml", &expected));
    }

    #[test]
    fn a_status_agent_takes_no_workflow() {
        let text = GOOD.replacen("\"deploy\"", "\"status\"", 1);
        let error = parse("x.toml", &text).unwrap_err().to_string();
        assert!(error.contains("line 8: an agent of kind \"status\" takes no workflow"), "{error}");
    }

    #[test]
    fn the_settings_judge_the_urls_of_checks_with_their_line() {
        let text = GOOD.to_owned()
            + "\n[[agent]]\nid = \"v\"\nname = \"V\"\ndescription = \"V\"\ncommand = \"v\"\nkind = \"verify\"\n\
               verifies = \"deploy_api\"\n[[agent.checks]]\nurl = \"https://app.example.com/\"\n";
        let line = text.lines().count();
        let registry = parse("x.toml", &text).unwrap();
        let judge = |domain: &str| {
            let allowed_domains = vec![DomainPattern::parse(domain).unwrap()];
            let urls = UrlPolicy { allowed_domains, safe_local: false };
            allows_urls(&registry, &urls)
                .map_err(|fault| fault.in_file("x.toml", &text).to_string())
        };
        assert_eq!(judge("*.example.com"), Ok(()));
        let error = judge("example.net").unwrap_err();
        assert!(error.starts_with(&format!("x.toml: line {line}: url is refused: ")), "{error}");
        assert!(error.contains("ALLOWED_DOMAINS"), "{error}");
        // What only SAFE_LOCAL allows passes the file, and then not the settings.
        let local =
            parse("x.toml", &text.replace("https://app.example.com/", "http://localhost:1"));
        let local = local.unwrap();
        assert!(allows_urls(&local, &UrlPolicy::default()).is_err());
        assert!(
            allows_urls(&local, &UrlPolicy { safe_local: true, ..UrlPolicy::default() }).is_ok()
        );
    }

    #[test]
    fn a_missing_file_is_named_in_the_error() {
        let error = load(Some(Path::new("no/such.toml"))).unwrap_err().to_string();
        assert!(error.starts_with("no/such.toml: cannot be read"), "{error}");
    }
}
