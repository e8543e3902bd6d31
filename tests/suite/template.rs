//! What `template.yaml` says must be what the bot reads and what the documentation shows.

use std::cell::RefCell;
use std::collections::BTreeSet;

use deckhand::bot::Settings;
use rstest::rstest;

const TEMPLATE: &str = include_str!("../../template.yaml");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// The lines under the one that says this, as far as they are deeper.
fn below(header: &str) -> Vec<&'static str> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut lines = TEMPLATE.lines().skip_while(|line| line.trim() != header);
    let own = depth(lines.next().expect("the template has this line"));
    lines.take_while(|line| line.trim().is_empty() || depth(line) > own).collect()
}

#[test]
fn every_variable_is_a_setting_that_is_read() {
    let asked = RefCell::new(BTreeSet::new());
    let read = |app: bool| {
        let _ = Settings::load(|name| {
            asked.borrow_mut().insert(name.to_owned());
            (app && name == "GITHUB_APP_ID").then(|| "7".to_owned())
        });
    };
    read(false);
    read(true);
    // Read before the settings are.
    asked.borrow_mut().insert("LOG_LEVEL".to_owned());
    let given =
        below("Variables:").into_iter().map(str::trim).filter(|line| !line.starts_with('#'));
    let given: Vec<&str> = given.filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    assert!(given.len() > 15, "{given:?}");
    for name in given {
        assert!(asked.borrow().contains(name), "{name} is not a setting");
    }
}

#[rstest]
#[case("Commands")]
#[case("Deploys")]
#[case("Trouble")]
fn a_saved_query_is_the_documented_one(#[case] name: &str) {
    let section = OPERATIONS.split(&format!("### {name}\n")).nth(1).expect("a section");
    let documented = section.split("```").nth(1).expect("a query").trim();
    let resource = below(&format!("{name}Query:"));
    let query = resource.into_iter().skip_while(|line| line.trim() != "QueryString: |-").skip(1);
    let query: Vec<&str> = query.map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(query.join("\n"), documented);
}
