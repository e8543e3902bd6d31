//! Cards, and buttons under a text.

use deckhand::discord::{Block, Button, Card, Style};
use standins::discord::Components;

use super::*;

/// A card that pings the requester.
fn card(text: &str) -> Message {
    let buttons = vec![
        Button::press("Cancel", Style::Danger, "cancel:1".to_owned()),
        Button::open("Open", "https://github.com/octo-org/web-client"),
    ];
    let blocks = vec![
        Block::Text(text.to_owned()),
        Block::Separator,
        Block::Text("below".to_owned()),
        Block::Buttons(buttons),
    ];
    Message::card(Card { accent: 0x57_f287, blocks }, "as text").pinging(810_000_000_000_000_001)
}

fn labels(message: &standins::discord::Message) -> Vec<String> {
    message.buttons().into_iter().map(|button| button.label).collect()
}

impl Story {
    fn answer(&self) -> standins::discord::Message {
        self.world.discord.messages(&self.interaction.id)[0].clone()
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_becomes_a_card_and_is_read_as_one() {
    let story = Story::thinking().await;
    let message = card("**client** <@810000000000000001>");
    story.client.edit_answer(&story.token, &message).await.unwrap();
    let shown = story.client.read_answer(&story.token).await.unwrap();
    assert_eq!((shown.content.as_str(), shown.is_loading), ("", false));
    assert_eq!(shown.shown, "**client** <@810000000000000001>\nbelow");
    assert_eq!(shown.shown, message.shown());
    assert!(story.answer().is_v2() && labels(&story.answer()) == ["Cancel", "Open"]);

    let later = card("done");
    story.client.edit_message(channel(), story.card(), &later).await.unwrap();
    assert_eq!(story.answer().content, later.shown());
    story.last();
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_a_card_is_found() {
    let story = Story::new().await;
    let outcome = card(OUTCOME);
    let posted = story.reply(&outcome).await.unwrap();
    let shown = outcome.shown();
    let told = |content| Told { content, ..story.told() };
    assert_eq!(story.client.find_told(channel(), told(&shown)).await, Ok(posted));
    assert_eq!(story.client.find_told(channel(), told(OUTCOME)).await, Ok(None));
    let post = &story.world.discord.channel_messages()[0];
    assert_eq!((post.pings.len(), post.is_v2()), (1, true));
}

#[tokio::test(start_paused = true)]
async fn where_cards_are_refused_there_is_a_text_with_buttons_or_without() {
    let message = card("x");
    for (takes, buttons) in [(Components::Buttons, 2), (Components::None, 0)] {
        let story = Story::thinking().await;
        story.world.discord.set_components(takes);
        let edit = |message| {
            let (client, token) = (&story.client, &story.token);
            async move { client.edit_answer(token, &message).await }
        };
        let refused = edit(message.clone()).await.unwrap_err();
        assert!(refused.refuses_components() && !refused.passes(), "{refused}");
        let mut text = message.as_text();
        if buttons == 0 {
            assert!(edit(text.clone()).await.unwrap_err().refuses_components());
            text = text.without_buttons();
        }
        edit(text).await.unwrap();
        let shown = story.answer();
        assert_eq!((shown.content.as_str(), shown.buttons().len()), ("as text", buttons));
        story.last();
    }
}

#[tokio::test(start_paused = true)]
async fn another_refusal_does_not_count_as_one_of_components() {
    let story = Story::thinking().await;
    for (status, code) in [(403, 50013), (400, 50083), (404, 10008), (401, 50027)] {
        story.is_refused_by(On::Edit, status, code);
        let refused = story.client.edit_answer(&story.token, &card("x")).await.unwrap_err();
        assert!(!refused.refuses_components(), "{refused}");
    }
    story.card();
    story.last();
}

#[tokio::test(start_paused = true)]
async fn an_edit_to_a_text_takes_the_buttons_away() {
    let story = Story::new().await;
    let open = vec![Button::open("Open", "https://github.com")];
    let asked = Message::public("Sure?").with_buttons(open);
    story.client.edit_answer(&story.token, &asked).await.unwrap();
    assert_eq!(labels(&story.answer()), ["Open"]);
    story.client.edit_answer(&story.token, &Message::public("Done.")).await.unwrap();
    assert_eq!((story.answer().content.as_str(), story.answer().buttons().len()), ("Done.", 0));
}

#[tokio::test(start_paused = true)]
async fn a_card_of_hostile_texts_is_taken() {
    let story = Story::new().await;
    let branch = format!("`{}`", "refs/\u{202e}heads/".repeat(200));
    let wide = "漢字".repeat(3000);
    let code = format!("```\n{}\n```", "error: **[x](y) <@1>\n".repeat(500));
    let blocks = [branch, wide, code, "@everyone".repeat(900), " \n".to_owned()];
    let mut blocks: Vec<Block> = blocks.into_iter().map(Block::Text).collect();
    let buttons =
        (0..60).map(|n| Button::press(&"ü".repeat(n * 3), Style::Primary, "i".repeat(n * 2)));
    blocks.push(Block::Buttons(buttons.collect()));
    let message = Message::card(Card { accent: u32::MAX, blocks }, "as text");
    story.client.edit_answer(&story.token, &message).await.unwrap();
    let shown = story.answer();
    assert!(shown.is_v2() && shown.pings.is_empty());
    assert!(shown.content.contains("more lines") && shown.content.matches("```").count() == 2);
    let read = story.client.read_answer(&story.token).await.unwrap();
    assert_eq!(read.shown, message.shown());
    story.client.edit_answer(&story.token, &message.as_text()).await.unwrap_err();
    story.last();
}

#[tokio::test(start_paused = true)]
async fn a_button_is_pressed_by_its_name() {
    let story = Story::thinking().await;
    story.client.edit_answer(&story.token, &card("x")).await.unwrap();
    let told = story.world.clicks("grace", "cancel").await;
    assert!(told.original().ephemeral, "{}", told.transcript());
    let message = story.world.with_button("Cancel").unwrap();
    assert_eq!((message.id.parse(), message.edits), (Ok(story.card()), 1));
    assert!(story.world.with_button("Re-run").is_none());
}
