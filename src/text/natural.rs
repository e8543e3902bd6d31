//! The order of names with numbers in them, as people read versions: the newest first.

use std::cmp::Ordering;

/// Compares two names: words from A to Z, numbers from the greatest to the least, and a version before its
/// pre-releases. `v1.10.0`, `v1.10.0-rc.2`, `v1.9.0`.
pub(crate) fn newest_first(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (parts(one), parts(other));
    let mut after_number = false;
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return one.cmp(other),
            (Some(Part::Number(left)), Some(Part::Number(right))) => {
                after_number = true;
                greater(right, left)
            }
            (left, right) => {
                let order = words(left, right, after_number);
                after_number = false;
                order
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Number(&'a str),
    Word(&'a str),
}

/// The parts of a name: its numbers, and what is between them.
fn parts(name: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let is_number = rest.starts_with(|c: char| c.is_ascii_digit());
        let ends = |c: char| c.is_ascii_digit() != is_number;
        let (part, after) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        rest = after;
        match part {
            "" => None,
            part if is_number => Some(Part::Number(part)),
            part => Some(Part::Word(part)),
        }
    })
}

/// Compares numbers of any length.
fn greater(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Compares where not both have a number.
fn words(one: Option<Part<'_>>, other: Option<Part<'_>>, after_number: bool) -> Ordering {
    if after_number {
        return match step(one).cmp(&step(other)) {
            // Of pre-releases the last word of the alphabet is the newest: alpha, beta, rc.
            Ordering::Equal if step(one) == Step::PreRelease => folded(other).cmp(&folded(one)),
            Ordering::Equal => folded(one).cmp(&folded(other)),
            order => order.reverse(),
        };
    }
    match (one, other) {
        (Some(Part::Number(_)), Some(Part::Word(_))) => Ordering::Less,
        (Some(Part::Word(_)), Some(Part::Number(_))) => Ordering::Greater,
        _ => folded(one).cmp(&folded(other)),
    }
}

/// What comes after a number. Greater is newer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// `-rc.1`, `rc1`.
    PreRelease,
    /// The name ends.
    Ends,
    /// `.1`, `-2`: a further number.
    Further,
}

fn step(part: Option<Part<'_>>) -> Step {
    match part {
        None => Step::Ends,
        Some(Part::Word(word)) if word.contains(char::is_alphabetic) && !word.contains('/') => {
            Step::PreRelease
        }
        Some(_) => Step::Further,
    }
}

fn folded(part: Option<Part<'_>>) -> String {
    match part {
        Some(Part::Word(text) | Part::Number(text)) => text.to_lowercase(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::calendar(&["release/2024.40", "release/2024.9", "release/2023.52"])]
    #[case::versions(&["v1.10.0", "v1.9.1", "v1.9.0", "v0.99.0"])]
    #[case::pre_releases(&["v1.10.0", "v1.10.0-rc.10", "v1.10.0-rc.2", "v1.10.0-beta.3", "v1.10.0-alpha", "v1.9.0"])]
    #[case::without_dash(&["1.0", "1.0rc1", "1.0b2", "0.9"])]
    #[case::longer_is_newer(&["v1.2.0.1", "v1.2.0", "v1.2.0-rc.1", "v1.2", "v1"])]
    #[case::dates(&["release/2024-10-01", "release/2024-9-30", "release/2024-09-02"])]
    #[case::words(&["develop", "feature/a", "feature/b", "main", "release/2", "release/1"])]
    #[case::huge(&["v99999999999999999999999999999999", "v9999999999999999999999999999999"])]
    #[case::zeros(&["v010", "v9", "v08"])]
    #[case::case_does_not_count(&["Hotfix/2", "hotfix/1", "Main"])]
    fn names_are_in_natural_order(#[case] expected: &[&str]) {
        let mut names: Vec<_> = expected.iter().rev().copied().collect();
        names.sort_by(|one, other| newest_first(one, other));
        assert_eq!(names, expected);
    }

    proptest! {
        #[test]
        fn it_is_an_order(names in proptest::collection::vec("[vV]?[0-9a.-]{0,6}", 3)) {
            let [a, b, c] = [&names[0], &names[1], &names[2]];
            prop_assert_eq!(newest_first(a, b), newest_first(b, a).reverse());
            if newest_first(a, b).is_le() && newest_first(b, c).is_le() {
                prop_assert!(newest_first(a, c).is_le(), "{} {} {}", a, b, c);
            }
            prop_assert_eq!(newest_first(a, b).is_eq(), a == b);
        }
    }
}
