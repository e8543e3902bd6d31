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
