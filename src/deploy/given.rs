//! The inputs that ship, in words: whoever reads a message sees what was asked for.

use serde::{Deserialize, Serialize};

use crate::text::escape;

/// An input under its option's name, as the user knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The option's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The most characters of a value.
const LONGEST: usize = 100;
/// The fewest, whatever the other inputs take.
const LEAST: usize = 4;
/// About what the line takes of a message's 2000 characters.
const ROOM: usize = 1000;
/// What one input takes besides its name and value: backticks, colon, separator.
const AROUND: usize = 7;

/// One line of Markdown: ``Inputs: `stage: production` · `api_base: https://…` ``. `None` if there are none.
/// Every input is in it; long values are cut.
pub(crate) fn line(given: &[Given]) -> Option<String> {
    let names: usize = given.iter().map(|one| one.name.len() + AROUND).sum();
    let each = ROOM.saturating_sub(names).checked_div(given.len())?.clamp(LEAST, LONGEST);
    let shown = given.iter().map(|Given { name, value }| {
        // Discord counts UTF-16 units: a character outside ASCII may be two.
        let max = if value.is_ascii() { each } else { (each / 2).max(LEAST) };
        escape::code(&format!("{name}: {}", escape::clipped(value, max)), name.len() + 2 + max)
    });
    Some(format!("Inputs: {}", shown.collect::<Vec<_>>().join(" · ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, value: &str) -> Given {
        Given { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn each_input_is_shown_as_text() {
        let inputs = [given("stage", "production"), given("api_base", "https://api.example.com")];
        insta::assert_snapshot!(line(&inputs).unwrap(), @"Inputs: `stage: production` · `api_base: https://api.example.com`");
        assert_eq!(line(&[]), None);
    }

    #[test]
    fn an_input_cannot_break_out_and_an_empty_one_is_seen() {
        let inputs = [given("note", "` @everyone **x** <@1>\n# y"), given("empty", "")];
        insta::assert_snapshot!(line(&inputs).unwrap(), @"Inputs: `note: ˋ @everyone **x** <@1> # y` · `empty: `");
    }

    #[test]
    fn a_long_value_is_cut_and_says_so() {
        let url = format!("https://api.example.com/{}", "x".repeat(2000));
        let line = line(&[given("api_base", &url)]).unwrap();
        assert!(line.starts_with("Inputs: `api_base: https://api.example.com/xxx"), "{line}");
        assert!(line.ends_with("x…`") && line.chars().count() < 130, "{line}");
    }

    #[test]
    fn every_input_is_there_however_many_and_long_they_are() {
        for value in ["x".repeat(6000), "🚀".repeat(3000)] {
            let name = |n: usize| format!("{n:0>32}");
            let inputs: Vec<_> = (0..23).map(|n| given(&name(n), &value)).collect();
            let line = line(&inputs).unwrap();
            assert!(line.encode_utf16().count() < 1200, "{}", line.encode_utf16().count());
            assert!((0..23).all(|n| line.contains(&name(n))), "{line}");
        }
    }
}
