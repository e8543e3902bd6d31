//! What ships is never invisible: the inputs are in every message of a deploy and in its summary line. And what
//! may not ship is refused.

use rstest::rstest;
use serde_json::{Value, json};
use standins::discord::{EventKind, User};
use standins::github::{Scenario, Workflow};

use crate::world::{Plan, Told, World};

const API: &str = "https://api.example.com/v1";

/// Every text that the messages of an interaction had, edits included.
fn said(world: &World, interaction_id: &str) -> Vec<String> {
    let of = |event: &standins::discord::Event| event.interaction_id == interaction_id;
    let events = world.discord.conversation().into_iter().filter(of);
    let texts = events.filter_map(|event| match event.kind {
        EventKind::Posted { message, .. } | EventKind::Edited { message, .. } => {
            Some(message.content.clone())
        }
        _ => None,
    });
    texts.collect()
}

#[rstest]
#[case::not_followed("success", "/deploy-client")]
#[case::followed("success", "/deploy-client wait:true")]
#[case::failed("failure", "/deploy-client wait:true")]
#[case::stuck("stuck", "/deploy-client wait:true")]
#[case::run_not_named("late-run", "/deploy-client wait:true")]
#[case::lost("lost-answer", "/deploy-client")]
#[case::not_dispatched("forbidden", "/deploy-client")]
#[tokio::test(start_paused = true)]
async fn the_inputs_are_in_its_message_and_in_the_summary_line(
    #[case] scenario: &str,
    #[case] text: &str,
) {
    let world = World::named(scenario).await;
    let text = format!("{text} api_base:{API} ref:release/1.0");
    let interaction = world.interaction("ada", &text);
    world.deliver(&interaction).await;
    world.settle().await;
    let said = said(&world, &interaction.id);
    assert!(!said.is_empty());
    // What pings is short.
    for text in said.iter().filter(|text| !text.starts_with("<@")) {
        assert!(text.contains(&format!("-# Inputs: `api_base: {API}`")), "{text}");
    }
    let line = world.lines.of(&interaction);
    assert_eq!((&line["ref"], &line["inputs"]), (&json!("release/1.0"), &json!({"api_base": API})));
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn without_inputs_there_is_no_line_of_them() {
    let world = World::new().await;
    let interaction = world.interaction("ada", "/deploy-client");
    world.deliver(&interaction).await;
    for text in said(&world, &interaction.id) {
        assert!(!text.contains("Inputs"), "{text}");
    }
    let line = world.lines.of(&interaction);
    assert_eq!((line.get("inputs"), &line["ref"]), (None, &json!("main")));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_diagnosis_shows_what_it_is_given() {
    let world = World::new().await;
    let text = format!("/diagnose frontend_url:https://app.example.com api_base:{API}");
    let told = world.types("ada", &text).await;
    let expected = format!("Inputs: `frontend_url: https://app.example.com` · `api_base: {API}`");
    assert!(told.original().content.contains(&expected), "{}", told.transcript());
    // What only Deckhand gives is not the user's.
    assert!(!told.original().content.contains("channel"), "{}", told.transcript());
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn the_diagnosis_of_a_verification_shows_what_it_is_given() {
    let mut given = Vec::new();
    let world = World::with_site(Plan::default(), |site| {
        given = vec![
            ("FRONTEND_BASE_URL", site.url()),
            ("VITE_API_BASE", site.url()),
            ("SAFE_LOCAL", "true".to_owned()),
        ];
        given.clone()
    })
    .await;
    let interaction = world.interaction("ada", "/verify-latest diagnose:true");
    world.deliver(&interaction).await;
    world.settle().await;
    let url = &given[0].1;
    let expected = format!("Inputs: `frontend_url: {url}` · `api_base: {url}`");
    let said = said(&world, &interaction.id).concat();
    assert!(said.contains(&expected), "{said}");
    let line = world.lines.of(&interaction);
    assert_eq!(line["inputs"], json!({"frontend_url": url, "api_base": url}));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_value_that_becomes_a_secret_is_in_the_summary_line_by_its_fingerprint() {
    let env =
        vec![("ADMIN_USER_IDS", User::named("ada").id), ("ALLOW_SECRET_WRITES", "true".to_owned())];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    // printf %s https://api.example.com | sha256sum
    let interaction =
        world.interaction("ada", "/set-api-base url:https://api.example.com confirm:true");
    world.deliver(&interaction).await;
    world.settle().await;
    let line = world.lines.of(&interaction);
    assert_eq!(line["inputs"], json!({"url": "fingerprint …b646"}));
    assert!(!line.to_string().contains("api.example.com"), "{line}");
    world.and_more();
}

const AGENTS: &str = r#"
    [[agent]]
    id = "release"
    name = "Release"
    description = "Makes a release"
    command = "release"
    kind = "deploy"
    workflow = "release.yml"

    [[agent.inputs]]
    option = "version"
    input = "VERSION"
    kind = "string"
    description = "Which"
    pattern = "v[0-9]+(\\.[0-9]+){0,2}"
    max_length = 12

    [[agent.inputs]]
    option = "note"
    input = "NOTE"
    kind = "string"
    description = "Why"
"#;

async fn releases() -> World {
    let mut scenario = Scenario::default();
    scenario.add_workflow(
        Workflow::new("release.yml", "Release")
            .run_name("Release — {correlation_id} by {requester}")
            .input("correlation_id", true)
            .input("requester", true)
            .input("VERSION", false)
            .input("NOTE", false),
    );
    World::of(Plan { agents: Some(AGENTS), scenario, ..Plan::default() }).await
}

/// Somebody's client lets through what it should not.
async fn forged(world: &World, option: &str, value: &str) -> Value {
    let interaction = world.interaction("ada", "/release");
    let mut payload: Value = serde_json::from_slice(&interaction.body).unwrap();
    payload["data"]["options"] = json!([{"name": option, "type": 3, "value": value}]);
    world.post(&world.discord.signed(payload)).await.1
}

#[tokio::test(start_paused = true)]
async fn a_free_text_within_its_limits_ships_and_is_shown_as_text() {
    let world = releases().await;
    let told: Told = world
        .types(
            "ada",
            "/release version:v1.20.3 note:\"**now** <@1> `x` https://evil.test @everyone\"",
        )
        .await;
    let inputs = world.dispatch().inputs;
    assert_eq!(inputs["VERSION"], "v1.20.3");
    assert_eq!(inputs["NOTE"], "**now** <@1> `x` https://evil.test @everyone");
    let expected =
        "Inputs: `version: v1.20.3` · `note: **now** <@1> ˋxˋ https://evil.test @everyone`";
    assert!(told.original().content.contains(expected), "{}", told.transcript());
    assert!(told.original().pings.is_empty());
}

#[rstest]
#[case::pattern("version", "1.2".to_owned(), "must match the pattern `v[0-9]+")]
#[case::only_begins("version", "v1;rm".to_owned(), "must match the pattern")]
#[case::line("version", "v1\n".to_owned(), "takes one line")]
#[case::long("version", "v1.11111.11111".to_owned(), "takes at most 12 characters")]
#[case::long_by_default("note", "x".repeat(201), "takes at most 200 characters")]
#[case::line_by_default("note", "a\nb".to_owned(), "takes one line of characters that can be seen")]
#[case::escape("note", "\u{1b}[2J".to_owned(), "takes one line")]
#[case::disguise("note", "\u{202e}gpj.exe".to_owned(), "takes one line")]
#[tokio::test(start_paused = true)]
async fn a_free_text_outside_its_limits_is_refused(
    #[case] option: &str,
    #[case] value: String,
    #[case] why: &str,
) {
    let world = releases().await;
    let body = forged(&world, option, &value).await;
    let content = body["data"]["content"].as_str().unwrap();
    assert!(content.contains("Nothing was done") && content.contains(why), "{content}");
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn discords_client_knows_the_longest_text() {
    let world = releases().await;
    let refused = world.discord.interaction(&User::named("ada"), "/release version:v1.11111.11111");
    assert!(refused.is_err());
    let note = format!("/release note:{}", "x".repeat(200));
    assert!(world.discord.interaction(&User::named("ada"), &note).is_ok());
    assert!(world.discord.interaction(&User::named("ada"), &format!("{note}x")).is_err());
}
