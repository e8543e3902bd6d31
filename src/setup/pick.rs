//! Reads a choice from a numbered list.

/// What was picked of a list of `count`, by position from 0: `all`, `none`, or numbers from 1 like `1,3-5`.
pub(super) fn picked(answer: &str, count: usize) -> Result<Vec<usize>, String> {
    match answer.trim().to_lowercase().as_str() {
        "all" | "*" => return Ok((0..count).collect()),
        "none" | "-" => return Ok(Vec::new()),
        _ => {}
    }
    let mut picked = Vec::new();
    for part in answer.split([',', ' ']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            let number = text.trim().parse::<usize>().ok();
            number.filter(|number| (1..=count).contains(number))
        };
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            return Err(format!("{part:?} is none of them: numbers from 1 to {count}, like 1,3"));
        };
        for number in first..=last {
            if !picked.contains(&(number - 1)) {
                picked.push(number - 1);
            }
        }
    }
    if picked.is_empty() {
        return Err(format!("choose at least one: numbers from 1 to {count}, or all"));
    }
    Ok(picked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("1", &[0])]
    #[case(" 1, 3", &[0, 2])]
    #[case("2-4 1 2", &[1, 2, 3, 0])]
    #[case("ALL", &[0, 1, 2, 3])]
    #[case("none", &[])]
    fn a_choice(#[case] answer: &str, #[case] expected: &[usize]) {
        assert_eq!(picked(answer, 4).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case("0", "\"0\" is none of them")]
    #[case("5", "numbers from 1 to 4")]
    #[case("1-9", "\"1-9\" is none of them")]
    #[case("first", "\"first\" is none of them")]
    #[case("3-1", "choose at least one")]
    #[case(",", "choose at least one")]
    fn no_choice(#[case] answer: &str, #[case] why: &str) {
        let error = picked(answer, 4).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
