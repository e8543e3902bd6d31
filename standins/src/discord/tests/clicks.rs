//! Components, buttons and forms.

use super::*;
use crate::discord::{Components, EventKind};

fn button(label: &str, id: &str) -> Value {
    json!({"type": 2, "style": 2, "label": label, "custom_id": id})
}

fn row(buttons: &[Value]) -> Value {
    json!({"type": 1, "components": buttons})
}

fn text(content: &str) -> Value {
    json!({"type": 10, "content": content})
}

fn card(inside: &[Value]) -> Value {
    json!({"flags": 32768, "components": [{"type": 17, "accent_color": 255, "components": inside}]})
}

/// A command that was answered so.
async fn answered(discord: &Discord, data: Value) -> (Interaction, String) {
    let interaction = typed(discord);
    let answer = deliver(discord, &interaction, json!({"type": 4, "data": data})).await;
    assert!(answer.accepted(), "{answer:?}");
    let id = discord.messages(&interaction.id)[0].id.clone();
    (interaction, id)
}

#[tokio::test(start_paused = true)]
async fn a_card_is_read_as_its_texts_and_shown_by_the_api() {
    let discord = standin();
    let (interaction, _) =
        answered(&discord, card(&[text("one"), row(&[button("Go", "go")]), text("two")])).await;
    let message = &discord.messages(&interaction.id)[0];
    assert_eq!(message.content, "one\ntwo");
    let buttons = message.buttons();
    assert_eq!((buttons[0].label.as_str(), buttons[0].custom_id.as_deref()), ("Go", Some("go")));
    let (status, shown) = ask(&discord, "GET", &hook(&interaction, ORIGINAL), Value::Null);
    assert_eq!((status, &shown["content"], &shown["flags"]), (200, &json!(""), &json!(32768)));
    let container = &shown["components"][0];
    assert_eq!((&container["id"], &container["components"][0]["id"]), (&json!(1), &json!(2)));
    assert_eq!(container["components"][0]["content"], "one");
}

#[tokio::test(start_paused = true)]
async fn a_text_becomes_a_card_and_never_a_text_again() {
    let discord = standin();
    let (interaction, _) = answered(&discord, json!({"content": "text"})).await;
    let path = hook(&interaction, ORIGINAL);
    let edit = |body: Value| ask(&discord, "PATCH", &path, body);
    let with_its_text = edit(card(&[text("x")]));
    assert_eq!((with_its_text.0, &with_its_text.1["code"]), (400, &json!(50035)));
    let mut body = card(&[text("x")]);
    body["content"] = Value::Null;
    assert_eq!(edit(body).0, 200);
    assert_eq!(edit(json!({"content": "text"})).0, 400);
    // The flag stays, whatever is said.
    assert_eq!(edit(json!({"flags": 0, "components": [text("y")]})).0, 200);
    assert_eq!(discord.messages(&interaction.id)[0].content, "y");
    let nothing = edit(json!({"components": []}));
    assert_eq!((nothing.0, &nothing.1["code"]), (400, &json!(50006)));
}

#[tokio::test(start_paused = true)]
async fn components_have_limits() {
    let discord = standin();
    let buttons =
        |count: usize| (0..count).map(|n| button("x", &n.to_string())).collect::<Vec<_>>();
    let link = |url: &str| json!({"type": 2, "style": 5, "label": "x", "url": url});
    let with = |field: &str, value: Value| {
        let mut button = button("x", "id");
        button[field] = value;
        card(&[row(&[button])])
    };
    let wrong = [
        card(&[]),
        card(&vec![text("x"); 40]),
        card(&[text(&"x".repeat(4001))]),
        card(&[text(&"x".repeat(2001)), text(&"x".repeat(2000))]),
        card(&[text(" ")]),
        card(&[row(&[])]),
        card(&[row(&buttons(6))]),
        card(&[row(&[button("x", "same"), button("y", "same")])]),
        card(&[json!({"type": 17, "components": [text("x")]})]),
        card(&[button("x", "id")]),
        card(&[row(&[link("javascript:alert(1)")])]),
        card(&[row(&[link(&format!("https://a.example/{}", "x".repeat(512)))])]),
        with("label", json!("x".repeat(81))),
        with("label", json!("")),
        with("custom_id", json!("x".repeat(101))),
        with("custom_id", json!("")),
        with("style", json!(7)),
        with("url", json!("https://a.example")),
        json!({"components": [text("x")]}),
        json!({"components": vec![row(&buttons(1)); 6]}),
        json!({"flags": 32768, "content": "x", "components": [text("x")]}),
        json!({"flags": 32768, "embeds": [{"title": "x"}], "components": [text("x")]}),
        json!({"flags": 32768, "components": []}),
        json!({"flags": 32768, "components": [{"type": 17, "accent_color": 0x100_0000, "components": [text("x")]}]}),
    ];
    for data in wrong {
        let answer = deliver(&discord, &typed(&discord), json!({"type": 4, "data": data})).await;
        assert!(!answer.accepted(), "{data}");
    }
    let deferred = json!({"type": 5, "data": {"flags": 32768}});
    assert!(!deliver(&discord, &typed(&discord), deferred).await.accepted());
    let right = [
        card(&vec![text("x"); 39]),
        card(&[text(&"x".repeat(4000)), row(&buttons(5)), json!({"type": 14})]),
        card(&[row(&[link(&format!("https://a.example/{}", "x".repeat(494)))])]),
        json!({"content": "x", "components": [row(&buttons(5))]}),
    ];
    for data in right {
        answered(&discord, data).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_decides_which_components_are_taken() {
    let discord = standin();
    let row = json!({"content": "x", "components": [row(&[button("Go", "go")])]});
    for (takes, cards, rows) in [
        (Components::All, true, true),
        (Components::Buttons, false, true),
        (Components::None, false, false),
    ] {
        discord.set_components(takes);
        for (data, taken) in [
            (card(&[text("x")]), cards),
            (row.clone(), rows),
            (json!({"content": "x", "components": []}), true),
        ] {
            let answer =
                deliver(&discord, &typed(&discord), json!({"type": 4, "data": data})).await;
            assert_eq!(answer.accepted(), taken, "{takes:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_click_says_which_button_of_which_message() {
    let discord = standin();
    let (_, id) = answered(&discord, card(&[text("x"), row(&[button("Go", "go:1")])])).await;
    let click = discord.click(&User::named("grace"), &id, "Go").unwrap();
    let payload: Value = serde_json::from_slice(&click.body).unwrap();
    assert_eq!((&payload["type"], &payload["data"]["component_type"]), (&json!(3), &json!(2)));
    assert_eq!(payload["data"]["custom_id"], "go:1");
    assert_eq!(payload["member"]["user"]["username"], "grace");
    assert_eq!(payload["application_id"], APPLICATION_ID);
    assert_eq!(payload["message"]["id"], id);
    assert_eq!(payload["message"]["author"]["id"], APPLICATION_ID);
    assert!(payload["app_permissions"].is_string() && payload["channel_id"] == CHANNEL_ID);
    let forged = discord.click_forged(&User::named("grace"), &id, "other").unwrap();
    let payload: Value = serde_json::from_slice(&forged.body).unwrap();
    assert_eq!(payload["data"]["custom_id"], "other");
    for wrong in ["Stop", "go:1"] {
        assert!(discord.click(&User::named("grace"), &id, wrong).is_err(), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_whom_it_is_for_presses_a_button_of_an_ephemeral_message() {
    let discord = standin();
    let link = json!({"type": 2, "style": 5, "label": "Open", "url": "https://a.example"});
    let off = json!({"type": 2, "style": 1, "label": "Off", "custom_id": "off", "disabled": true});
    let data = json!({"flags": 64, "content": "Sure?", "components": [row(&[button("Yes", "y"), link, off])]});
    let (_, id) = answered(&discord, data).await;
    assert!(discord.click(&User::named("ada"), &id, "Yes").is_ok());
    assert!(discord.click(&User::named("grace"), &id, "Yes").is_err());
    assert!(discord.click(&User::named("ada"), &id, "Open").is_err());
    assert!(discord.click(&User::named("ada"), &id, "Off").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_click_is_answered_in_its_own_ways() {
    let discord = standin();
    let (command, id) = answered(&discord, card(&[text("x"), row(&[button("Go", "go")])])).await;
    let click = || discord.click(&User::named("ada"), &id, "Go").unwrap();

    let update =
        json!({"type": 7, "data": {"components": [text("y"), row(&[button("Go", "go")])]}});
    assert!(deliver(&discord, &click(), update.clone()).await.accepted());
    assert_eq!(discord.messages(&command.id)[0].content, "y");
    assert!(!deliver(&discord, &typed(&discord), update.clone()).await.accepted());

    let unchanged = click();
    assert!(deliver(&discord, &unchanged, json!({"type": 6})).await.accepted());
    let edit = json!({"components": [text("z"), row(&[button("Go", "go")])]});
    assert_eq!(ask(&discord, "PATCH", &hook(&unchanged, ORIGINAL), edit).0, 200);
    assert_eq!(discord.messages(&command.id)[0].content, "z");

    let private = click();
    let data = json!({"flags": 64, "content": "no"});
    assert!(deliver(&discord, &private, json!({"type": 4, "data": data})).await.accepted());
    let shown = ask(&discord, "GET", &hook(&private, ORIGINAL), Value::Null).1;
    assert_eq!(shown["interaction_metadata"]["interacted_message_id"], id);
    assert!(
        !deliver(&discord, &click(), json!({"type": 8, "data": {"choices": []}})).await.accepted()
    );
    let pressed = discord.conversation().into_iter().filter(|event| {
        matches!(&event.kind, EventKind::UserPressed { user, label, .. } if user == "ada" && label == "Go")
    });
    assert_eq!(pressed.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_button_of_a_message_that_is_gone_can_still_be_pressed() {
    let discord = standin();
    let (command, id) = answered(&discord, card(&[row(&[button("Go", "go")])])).await;
    discord.delete_original(&command);
    let click = || discord.click(&User::named("ada"), &id, "Go").unwrap();
    let update = json!({"type": 7, "data": {"components": [text("y")]}});
    assert!(!deliver(&discord, &click(), update).await.accepted());
    let unchanged = click();
    assert!(deliver(&discord, &unchanged, json!({"type": 6})).await.accepted());
    let edited =
        ask(&discord, "PATCH", &hook(&unchanged, ORIGINAL), json!({"components": [text("y")]}));
    assert_eq!((edited.0, &edited.1["code"]), (404, &json!(10008)));
}

#[tokio::test(start_paused = true)]
async fn a_form_is_opened_and_sent_off() {
    let discord = standin();
    let (_, id) = answered(&discord, card(&[row(&[button("Lock", "lock")])])).await;
    let ada = User::named("ada");
    let input = json!({"type": 4, "custom_id": "reason", "style": 1, "max_length": 10});
    let label = json!({"type": 18, "label": "Reason", "component": input});
    let form = |title: &str, components: Value| json!({"type": 9, "data": {"custom_id": "lock:1", "title": title, "components": components}});
    for wrong in [
        form(&"t".repeat(46), json!([label])),
        form("Lock", json!([])),
        form("Lock", json!(vec![label.clone(); 6])),
        form("Lock", json!([label, label])),
        form("Lock", json!([input])),
        form("Lock", json!([{"type": 18, "label": "l".repeat(46), "component": input}])),
    ] {
        let click = discord.click(&ada, &id, "Lock").unwrap();
        assert!(!deliver(&discord, &click, wrong.clone()).await.accepted(), "{wrong}");
    }
    let click = discord.click(&ada, &id, "Lock").unwrap();
    assert!(deliver(&discord, &click, form("Lock", json!([label]))).await.accepted());
    assert!(discord.submit(&ada, &click, &[("reason", "longer than ten")]).is_err());
    assert!(discord.submit(&ada, &click, &[]).is_err());
    assert!(discord.submit(&ada, &click, &[("reason", "x"), ("other", "x")]).is_err());
    let sent = discord.submit(&ada, &click, &[("reason", "release")]).unwrap();
    let payload: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!((&payload["type"], &payload["message"]["id"]), (&json!(5), &json!(id)));
    assert_eq!(payload["data"]["components"][0]["component"]["value"], "release");
    let again = form("Lock", json!([label]));
    assert!(!deliver(&discord, &sent, again).await.accepted());
    let sent = discord.submit(&ada, &click, &[("reason", "release")]).unwrap();
    assert!(deliver(&discord, &sent, json!({"type": 6})).await.accepted());
}
