//! Makes a text fit a limit without breaking its Markdown: whole lines are left out at the end, and the last
//! line says how many. Lengths are in UTF-16 units, the stricter reading of Discord's documentation.

/// Space reserved for the line that says how many lines were left out.
const LEFT_OUT_ROOM: usize = 32;

/// A line that is too long for any message is truncated, but not below this length.
const LEAST_CUT: usize = 200;

/// What begins and ends a block of code.
const FENCE: &str = "```";

/// Space for the line that ends a block of code.
const FENCE_ROOM: usize = 4;

/// How far to look for the end of a part of Markdown, in bytes. Longer than any message.
const LOOK: usize = 16 * 1024;

/// The parts of Markdown that begin and end with the same characters, longer ones first.
const PAIRS: [&str; 7] = ["**", "__", "~~", "||", "`", "*", "_"];

/// A text's length.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Whether a text is no longer than this. No text has more UTF-16 units than bytes, so mostly nothing is counted.
pub(super) fn is_within(text: &str, limit: usize) -> bool {
    text.len() <= limit || length(text) <= limit
}

/// The text, or as many of its lines as fit. Only a line that is too long for any message is truncated, at
/// a place where that breaks no Markdown. A block of code that lost its end is closed.
pub(super) fn fitted(text: &str, limit: usize) -> String {
    if is_within(text, limit) {
        return text.to_owned();
    }
    let fences = if text.contains(FENCE) { FENCE_ROOM } else { 0 };
    let most = limit.saturating_sub(LEFT_OUT_ROOM + fences);
    let least_cut = LEAST_CUT.min(limit / 4);
    let (mut out, mut used) = (String::new(), 0);
    let (mut left_out, mut in_code) = (0_usize, false);
    for line in text.split('\n') {
        let room = most.saturating_sub(used + 1);
        let long = length(line);
        // No message could hold it.
        let is_endless = long > most && room >= least_cut;
        let toggles = line.matches(FENCE).count() % 2 == 1;
        if left_out > 0 || !(long <= room || is_endless) {
            left_out += usize::from(line.trim() != FENCE);
            continue;
        }
        let kept = if long <= room { line.to_owned() } else { cut(line, room, in_code) };
        // Whether a truncated line still has its fence is seen in what is left of it.
        in_code ^= if long <= room { toggles } else { kept.matches(FENCE).count() % 2 == 1 };
        used += length(&kept) + 1;
        out.push_str(&kept);
        out.push('\n');
    }
    if in_code && close(&mut out) {
        left_out += 1;
    }
    if out.trim().is_empty() {
        // Discord refuses a text that shows nothing.
        left_out = left_out.max(1);
    }
    match left_out {
        0 => out.trim_end().to_owned(),
        1 => out + "… and 1 more line",
        more => out + &format!("… and {more} more lines"),
    }
}

/// Ends a block of code. One without a line is taken away. True: with text of a truncated line.
fn close(out: &mut String) -> bool {
    let kept = out.trim_end();
    let before = kept.rsplit_once('\n').map_or("", |(before, _)| before);
    let last = kept.get(before.len()..).unwrap_or_default().trim_start();
    if last.starts_with(FENCE) && last.matches(FENCE).count() == 1 {
        let is_truncated = last.ends_with('…');
        out.truncate(before.len());
        if !out.is_empty() {
            out.push('\n');
        }
        is_truncated
    } else {
        out.push_str(FENCE);
        out.push('\n');
        false
    }
}

/// The beginning of a line, with an ellipsis. A link, a mention or text in bold is there as a whole or not at
/// all. In a block of code nothing is Markdown.
fn cut(line: &str, room: usize, in_code: bool) -> String {
    let mut left = room.saturating_sub(1);
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let size = if in_code { first.len_utf8() } else { unit(rest, first) };
        let (unit, after) = rest.split_at_checked(size).unwrap_or((rest, ""));
        let Some(less) = left.checked_sub(length(unit)) else { break };
        (left, rest) = (less, after);
    }
    let kept = line.strip_suffix(rest).unwrap_or(line);
    format!("{kept}…")
}

/// How many bytes at the start of a text belong together.
fn unit(text: &str, first: char) -> usize {
    let one = first.len_utf8();
    let rest = text.get(one..).unwrap_or_default();
    let whole = match first {
        '\\' => rest.chars().next().map(|escaped| one + escaped.len_utf8()),
        '[' => find(text, "](", 1).and_then(|label| find(text, ")", label)),
        '<' => find(text, ">", 1),
        _ if text.starts_with(FENCE) => find(text, FENCE, FENCE.len()).or(Some(FENCE.len())),
        _ => {
            let pair = PAIRS.into_iter().find(|pair| text.starts_with(pair));
            pair.and_then(|pair| find(text, pair, pair.len()))
        }
    };
    whole.unwrap_or(one)
}

/// Where the next `end` after `from` ends. In code nothing is escaped, elsewhere an escaped one does not count.
fn find(text: &str, end: &str, from: usize) -> Option<usize> {
    let seen = text.get(from..text.floor_char_boundary(from.saturating_add(LOOK)))?;
    let found = seen.match_indices(end).find(|(at, _)| {
        let before = seen.get(..*at).unwrap_or_default();
        end == "`" || !before.ends_with('\\')
    });
    found.map(|(at, _)| from + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::words("one two three", 8, false, "one two…")]
    #[case::code("see `a b c` now", 8, false, "see …")]
    #[case::link("see [a](<https://a.example>) now", 20, false, "see …")]
    #[case::mention("hello <@1300000000000000000>", 12, false, "hello …")]
    #[case::long_link(
        "see [a](<https://a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>)",
        8,
        false,
        "see …"
    )]
    #[case::bold("a **b c d** e", 6, false, "a …")]
    #[case::escaped("ab\\*cd", 4, false, "ab…")]
    #[case::not_a_pair("2 * 3 = 6", 6, false, "2 * 3…")]
    #[case::not_a_link("[x] done and more", 9, false, "[x] done…")]
    #[case::whole_code("`abc` and more", 8, false, "`abc` a…")]
    #[case::surrogates("😀😀😀", 4, false, "😀…")]
    #[case::in_a_block_of_code("a `b` **c", 8, true, "a `b` *…")]
    fn a_line_is_truncated_between_its_parts(
        #[case] line: &str,
        #[case] room: usize,
        #[case] in_code: bool,
        #[case] expected: &str,
    ) {
        assert_eq!(cut(line, room, in_code), expected);
    }

    #[test]
    fn a_block_of_code_is_closed_before_the_count() {
        let log: Vec<String> = (0..50).map(|n| format!("line {n:02}")).collect();
        let text = format!("**Log**\n```\n{}\n```\nafter", log.join("\n"));
        let out = fitted(&text, 200);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(&lines[..3], ["**Log**", "```", "line 00"]);
        let kept = lines.iter().filter(|line| line.starts_with("line ")).count();
        // The fence does not count, the line after it does.
        let more = format!("… and {} more lines", 50 - kept + 1);
        assert_eq!(&lines[lines.len() - 2..], ["```", more.as_str()]);
        assert!(kept > 10 && length(&out) <= 200, "{kept} {out}");
    }

    #[test]
    fn a_block_of_code_without_a_line_is_left_out() {
        let text = format!("{}\n```\n{}\n```", "x".repeat(150), "y".repeat(100));
        assert_eq!(fitted(&text, 200), format!("{}\n… and 1 more line", "x".repeat(150)));
    }

    #[rstest]
    #[case::of_one_line(format!("`````{}", "漢".repeat(300)), "… and 1 more line")]
    #[case::after_another(format!("a\n```{}", "漢".repeat(300)), "a\n… and 1 more line")]
    #[case::of_fences_alone(["```"; 100].join("\n"), "… and 1 more line")]
    fn what_is_left_out_with_its_block_of_code_is_told(
        #[case] text: String,
        #[case] expected: &str,
    ) {
        // So little room that no line of a fence fits into the last one.
        let limit = if text.contains('漢') { 100 } else { LEFT_OUT_ROOM + FENCE_ROOM + 3 };
        assert_eq!(fitted(&text, limit), expected);
    }

    #[test]
    fn an_endless_line_of_code_is_truncated_inside_its_block() {
        let text = format!("```\n{}\n```", "`x".repeat(300));
        let out = fitted(&text, 200);
        assert!(out.starts_with("```\n`x`x") && out.ends_with("…\n```"), "{out}");
        assert!(length(&out) <= 200);
    }

    proptest! {
        #[test]
        fn every_text_fits_and_no_block_of_code_stays_open(
            lines in prop::collection::vec(
                prop_oneof![
                    Just("```".to_owned()), Just("```diff".to_owned()), ".{0,300}", "[`*<\\[\\\\a]{0,90}",
                    "`{3,6}[a漢]{200}",
                ],
                0..40,
            ),
            limit in 60_usize..2000,
        ) {
            let text = lines.join("\n");
            let out = fitted(&text, limit);
            prop_assert!(length(&out) <= limit, "{}", length(&out));
            prop_assert!(text.trim().is_empty() || !out.trim().is_empty(), "nothing is left");
            let is_whole = out == text;
            prop_assert!(is_whole || out.matches(FENCE).count().is_multiple_of(2), "{}", out);
        }
    }
}
