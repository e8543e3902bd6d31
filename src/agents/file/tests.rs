mod mistakes;

use super::*;
use crate::agents::options::OptionKind;
use crate::agents::{Kind, Lines};
use crate::net::url_guard::DomainPattern;

/// Its lines are counted from 1.
const GOOD: &str = include_str!("tests/good.toml");

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

#[test]
fn where_an_agent_is_declared_is_kept() {
    let registry = parse("x.toml", GOOD).unwrap();
    let expected =
        Lines { description: 4, command: 5, kind: 6, run_command: 0, inputs: vec![20, 23] };
    assert_eq!((registry.file(), &registry.agents()[0].lines), ("x.toml", &expected));
}

#[test]
fn the_settings_judge_the_urls_of_checks_with_their_line() {
    let text = GOOD.to_owned()
        + "\n[[agent]]\nid = \"v\"\nname = \"V\"\ndescription = \"V\"\ncommand = \"v\"\nkind = \"verify\"\n\
           verifies = \"deploy_api\"\n[[agent.checks]]\nurl = \"https://app.example.com/\"\n";
    let line = text.lines().count();
    let judge = |text: &str, urls: &UrlPolicy| {
        checked("x.toml", text, Some(urls)).without_mistakes().map(drop)
    };
    let of = |domain: &str| {
        let allowed_domains = vec![DomainPattern::parse(domain).unwrap()];
        judge(&text, &UrlPolicy { allowed_domains, safe_local: false })
    };
    assert_eq!(of("*.example.com"), Ok(()));
    let error = of("example.net").unwrap_err().to_string();
    assert!(error.starts_with(&format!("x.toml:{line}: url is refused: ")), "{error}");
    assert!(error.contains("ALLOWED_DOMAINS"), "{error}");
    // What only SAFE_LOCAL allows passes the file, and then not the settings.
    let local = text.replace("https://app.example.com/", "http://localhost:1");
    assert!(parse("x.toml", &local).is_ok());
    assert!(judge(&local, &UrlPolicy::default()).is_err());
    assert!(judge(&local, &UrlPolicy { safe_local: true, ..UrlPolicy::default() }).is_ok());
}

#[test]
fn a_missing_file_is_named_in_the_error() {
    let error = load(Some(Path::new("no/such.toml"))).unwrap_err().to_string();
    assert!(error.starts_with("no/such.toml: cannot be read"), "{error}");
}
