//! What `template.yaml` sets must be what the bot reads.

use std::cell::RefCell;
use std::collections::BTreeSet;

use deckhand::bot::Settings;

const TEMPLATE: &str = include_str!("../../template.yaml");

/// The lines under the one that says this, as far as they are deeper.
pub(crate) fn below(header: &str) -> Vec<&'static str> {
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

/// What the store asks for, and what the tests of the store make.
#[test]
fn the_table_has_the_keys_of_the_store_and_of_its_index() {
    let table: Vec<&str> = below("Table:").into_iter().map(str::trim).collect();
    let keys = |partition: &str, sort: &str| {
        [(partition, "HASH"), (sort, "RANGE")]
            .map(|(name, kind)| format!("- {{ AttributeName: {name}, KeyType: {kind} }}"))
    };
    let given = |wanted: &[String]| table.windows(2).any(|lines| lines == wanted);
    assert!(given(&keys("pk", "sk")) && given(&keys("due_pk", "due_at")), "{table:#?}");
    for line in [
        "- IndexName: due",
        "Projection: { ProjectionType: KEYS_ONLY }",
        "- { AttributeName: due_pk, AttributeType: S }",
        "- { AttributeName: due_at, AttributeType: N }",
        "TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }",
    ] {
        assert!(table.contains(&line), "{line}");
    }
}
