use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn text(text: &str) -> Block {
    Block::Text(text.to_owned())
}

fn presses(label: &str, id: &str) -> Button {
    Button::press(label, Style::Secondary, id.to_owned())
}

fn fitted(blocks: Vec<Block>) -> Card {
    Card { accent: 0x58_65f2, blocks }.fitted("as text")
}

#[test]
fn a_card_has_discords_shape() {
    let buttons = vec![
        presses("Refresh", "refresh:1"),
        Button::press("Cancel", Style::Danger, "cancel:1".to_owned()),
        Button::open("Open", "https://github.com/octo-org/web-client"),
    ];
    let card = fitted(vec![text("**client**"), Block::Separator, Block::Buttons(buttons)]);
    let row = json!([
        {"type": 2, "style": 2, "label": "Refresh", "custom_id": "refresh:1"},
        {"type": 2, "style": 4, "label": "Cancel", "custom_id": "cancel:1"},
        {"type": 2, "style": 5, "label": "Open", "url": "https://github.com/octo-org/web-client"},
    ]);
    let inside = json!([
        {"type": 10, "content": "**client**"}, {"type": 14}, {"type": 1, "components": row},
    ]);
    assert_eq!(card.json(), json!([{"type": 17, "accent_color": 0x58_65f2, "components": inside}]));
    assert_eq!(card.shown(), "**client**");
}

#[rstest]
#[case::no_host("http:")]
#[case::script("javascript:alert(1)")]
#[case::relative("/octo-org")]
#[case::empty("")]
fn a_link_to_no_page_is_left_out(#[case] url: &str) {
    let buttons = vec![Button::open("Open", url), presses("Refresh", "r")];
    let card = fitted(vec![text("x"), Block::Buttons(buttons)]);
    assert_eq!(card.buttons(), [presses("Refresh", "r")]);
}

#[test]
fn buttons_that_discord_would_refuse_are_left_out() {
    let buttons = vec![
        presses("Twice", "same"),
        presses("Again", "same"),
        presses(" ", "blank"),
        presses("No id", ""),
        presses("Long id", &"i".repeat(101)),
        presses(&"l".repeat(81), "long"),
        Button::open("Long page", &format!("https://a.example/{}", "p".repeat(500))),
    ];
    let card = fitted(vec![text("x"), Block::Buttons(buttons)]);
    let long = format!("{}…", "l".repeat(79));
    assert_eq!(card.buttons(), [presses("Twice", "same"), presses(&long, "long")]);
}

#[test]
fn what_shows_nothing_is_left_out() {
    let card = fitted(vec![
        Block::Separator,
        text(" \n "),
        text(" a "),
        Block::Separator,
        Block::Buttons(vec![]),
        Block::Separator,
        text("b"),
        Block::Separator,
        text(""),
    ]);
    assert_eq!(card.blocks, [text("a"), Block::Separator, text("b")]);
}

#[rstest]
#[case("as text", "as text")]
#[case("  ", "…")]
fn a_card_without_a_text_has_one_all_the_same(#[case] given: &str, #[case] shown: &str) {
    assert_eq!(Card { accent: u32::MAX, blocks: Vec::new() }.fitted(given).shown(), shown);
    let many = (0..60).map(|n| presses("x", &n.to_string())).collect();
    let card = Card { accent: 0, blocks: vec![Block::Buttons(many)] }.fitted(given);
    assert_eq!((card.shown().as_str(), card.buttons().len()), (shown, 25));
}

#[test]
fn the_longest_text_loses_lines_first() {
    let list = |name: &str, lines: usize| {
        (0..lines)
            .map(|n| format!("{name} {n:03} {}", "x".repeat(30)))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (short, long, longest) = (list("short", 10), list("long", 60), list("longest", 400));
    let card = fitted(vec![text(&short), text(&long), text(&longest)]);
    let Some([Block::Text(a), Block::Text(b), Block::Text(c)]) = card.blocks.first_chunk() else {
        panic!("{card:?}")
    };
    assert_eq!(*a, short);
    assert!(b.starts_with("long 000") && b.ends_with("more lines"), "{b}");
    assert!(c.starts_with("longest 000") && c.ends_with("more lines"), "{c}");
    let all = [a, b, c].into_iter().map(|text| length(text)).sum::<usize>();
    assert!((3800..=4000).contains(&all), "{all}");
}

#[test]
fn a_line_of_its_own_goes_before_a_button() {
    let mut blocks = Vec::new();
    for n in 0..20 {
        blocks.extend([text(&n.to_string()), Block::Separator]);
    }
    blocks.push(Block::Buttons((0..5).map(|n| presses("x", &n.to_string())).collect()));
    let card = fitted(blocks);
    assert_eq!((count(&card.blocks), card.buttons().len()), (40, 5));
    let all: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(card.shown(), all.join("\n"));
}

#[test]
fn no_text_is_emptied_to_make_room() {
    let code = text(&format!("`````{}", "漢".repeat(600)));
    let card = fitted(vec![code; 10]);
    assert_eq!(card.blocks, vec![text("… and 1 more line"); 10]);
}

/// Every component, at any depth.
fn all(components: &Value) -> Vec<Value> {
    let inside = components.as_array().into_iter().flatten();
    inside.flat_map(|one| [vec![one.clone()], all(&one["components"])].concat()).collect()
}

fn check(components: &Value) -> Result<(), TestCaseError> {
    let all = all(components);
    prop_assert!(all.len() <= 40, "{} components", all.len());
    let texts: Vec<&str> =
        all.iter().filter(|c| c["type"] == 10).flat_map(|c| c["content"].as_str()).collect();
    prop_assert!(texts.iter().all(|text| !text.trim().is_empty()));
    let (units, size) =
        (texts.iter().map(|text| length(text)).sum::<usize>(), texts.concat().len());
    prop_assert!(units <= 4000 && size + 12 * texts.len() <= 10_170, "{units} {size}");
    let mut ids: Vec<&Value> = Vec::new();
    for one in &all {
        match one["type"].as_u64() {
            Some(1) => prop_assert!((1..=5).contains(&one["components"].as_array().unwrap().len())),
            Some(2) => {
                let label = length(one["label"].as_str().unwrap());
                prop_assert!((1..=80).contains(&label), "{label}");
                let (id, url) = (one["custom_id"].as_str(), one["url"].as_str());
                prop_assert_eq!(one["style"] == 5, url.is_some());
                prop_assert!(id.is_some() != url.is_some());
                prop_assert!(id.is_none_or(|id| (1..=100).contains(&length(id))));
                prop_assert!(url.is_none_or(|url| url.starts_with("http") && length(url) <= 512));
                prop_assert!(id.is_none() || !ids.contains(&&one["custom_id"]));
                ids.push(&one["custom_id"]);
            }
            _ => {}
        }
    }
    Ok(())
}

fn any_button() -> impl Strategy<Value = Button> {
    let does = prop_oneof![
        ".{0,120}".prop_map(Does::Press),
        "[ab]{1,2}".prop_map(Does::Press),
        "https://a\\.example/.{0,600}".prop_map(Does::Open),
        ".{0,30}".prop_map(Does::Open),
    ];
    (".{0,90}", does).prop_map(|(label, does)| Button { label, style: Style::Primary, does })
}

fn any_block() -> impl Strategy<Value = Block> {
    prop_oneof![
        3 => "(([ -~]{0,200}|.{0,90}|漢{0,200}|`{0,6})\n?){0,12}".prop_map(Block::Text),
        1 => "`{3,6}漢{100,600}".prop_map(Block::Text),
        1 => Just(Block::Separator),
        2 => prop::collection::vec(any_button(), 0..12).prop_map(Block::Buttons),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_card_is_within_all_limits(
        accent in any::<u32>(),
        blocks in prop::collection::vec(any_block(), 0..30),
        text in ".{0,60}",
    ) {
        let card = Card { accent, blocks }.fitted(&text);
        check(&card.json())?;
        prop_assert!(card.accent <= 0xff_ffff);
        prop_assert!(!card.shown().trim().is_empty());
        prop_assert_eq!(card.clone().fitted(&text), card, "once is enough");
    }

    #[test]
    fn buttons_under_a_text_are_within_all_limits(
        buttons in prop::collection::vec(any_button(), 0..40),
    ) {
        let rows = Value::from(rows(&under_text(buttons)));
        check(&rows)?;
        prop_assert!(rows.as_array().unwrap().len() <= 5);
    }
}
