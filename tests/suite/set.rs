//! `/set-frontend` and `/set-api-base`.

use std::time::Duration;

use deckhand::bot::authorize::AccessLevel;
use deckhand::bot::{Command, Plan as CommandPlan, Serves};
use deckhand::discord::FinalReply;
use deckhand::discord::Message;
use rstest::rstest;
use serde_json::Value;
use standins::discord::{
    Fault as DiscordFault, On as OnDiscord, ROLE_ID, User, What as DiscordWhat,
};
use standins::github::{Fault, On, Permission, Scenario, What};

use crate::secrets::{listen, logged};
use crate::world::{Plan, Told, World};

const URL: &str = "https://app.example.com/base";
const FRONTEND: &str = "/set-frontend";
const API: &str = "/set-api-base";
const COMMANDS: [(&str, &str); 2] = [(FRONTEND, "FRONTEND_BASE_URL"), (API, "VITE_API_BASE")];

fn env(allowed: bool) -> Vec<(&'static str, String)> {
    vec![
        ("ALLOW_SECRET_WRITES", allowed.to_string()),
        ("ADMIN_USER_IDS", User::named("ada").id),
        ("ADMIN_ROLE_IDS", ROLE_ID.to_owned()),
    ]
}

async fn world(scenario: Scenario) -> World {
    World::of(Plan { scenario, env: env(true), ..Plan::default() }).await
}

fn faults(faults: Vec<Fault>) -> Scenario {
    Scenario { faults, ..Scenario::default() }
}

async fn typed(world: &World, who: &User, text: &str) -> Told {
    world.types_as(who, text).await
}

/// What was written, in this order.
fn writes(world: &World) -> Vec<String> {
    let requests = world.github.requests();
    let writes = requests.iter().filter(|request| request.method != "GET");
    writes.map(|request| format!("{} {}", request.method, request.path)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_unauthorized_user_learns_only_that_they_are_no_admin() {
    let strangers = [User::named("grace"), User::named("grace").administrator()];
    let mut answers = Vec::new();
    for allowed in [true, false] {
        let world = World::of(Plan { env: env(allowed), ..Plan::default() }).await;
        for stranger in &strangers {
            for (command, _) in COMMANDS {
                for url in [URL, "http://x", "https://10.0.0.1", "nonsense"] {
                    for confirm in ["", " confirm:true", " confirm:false"] {
                        let text = format!("{command} url:{url}{confirm}");
                        let told = typed(&world, stranger, &text).await;
                        assert_eq!(told.kind(), 4);
                        assert!(told.original().ephemeral);
                        answers.push(told.body().clone());
                    }
                }
            }
        }
        assert!(world.github.requests().is_empty());
    }
    let first = answers[0].clone();
    assert!(answers.iter().all(|answer| *answer == first), "{answers:#?}");
    insta::assert_snapshot!(first["data"]["content"].as_str().unwrap());
}

#[tokio::test(start_paused = true)]
async fn invalid_options_tell_an_unauthorized_user_nothing() {
    let world = World::of(Plan { env: env(true), ..Plan::default() }).await;
    let told = typed(&world, &User::named("grace"), "/set-frontend url:x").await;
    let expected = told.body();
    for options in [
        serde_json::json!([]),
        serde_json::json!([{"name": "speed", "type": 4, "value": 1}]),
        serde_json::json!([{"name": "url", "type": 4, "value": 1}]),
    ] {
        let interaction = world.interaction("grace", "/set-frontend url:x");
        let mut payload: serde_json::Value = serde_json::from_slice(&interaction.body).unwrap();
        payload["data"]["options"] = options;
        let (_, body) = world.post(&world.discord.signed(payload)).await;
        assert_eq!(&body, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn without_admins_everybody_is_told_how_to_add_one() {
    let env = vec![("ALLOW_SECRET_WRITES", "true".to_owned())];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    let told = typed(&world, &User::named("ada").administrator(), "/set-frontend url:x").await;
    assert!(told.original().ephemeral);
    insta::assert_snapshot!(told.original().content);
    assert!(world.github.requests().is_empty());
}

#[rstest]
#[case::off(false, URL, " confirm:true", "`ALLOW_SECRET_WRITES=true`")]
#[case::bad_url(true, "https://10.0.0.1", " confirm:true", "private, local or otherwise special")]
#[case::not_confirmed(true, URL, "", "`confirm:true`")]
#[case::denied(true, URL, " confirm:false", "`confirm:true`")]
#[tokio::test(start_paused = true)]
async fn an_invalid_value_is_explained_without_calling_github(
    #[case] allowed: bool,
    #[case] url: &str,
    #[case] confirm: &str,
    #[case] expected: &str,
) {
    let world = World::of(Plan { env: env(allowed), ..Plan::default() }).await;
    for (command, _) in COMMANDS {
        let told = world.types("ada", &format!("{command} url:{url}{confirm}")).await;
        let message = told.original();
        assert!(message.ephemeral);
        assert!(message.content.contains(expected), "{}", message.content);
        assert!(!message.content.contains(url));
    }
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_frontend_is_a_variable_and_the_api_base_a_secret_and_neither_is_both() {
    for (command, name) in COMMANDS {
        let world = world(Scenario::default()).await;
        let admins = [User::named("ada"), User::named("linus").with_role(ROLE_ID)];
        let is_secret = name == "VITE_API_BASE";
        for (admin, (url, verb)) in
            admins.iter().zip([(URL, "created"), ("https://b.example.com", "updated")])
        {
            let told = typed(&world, admin, &format!("{command} url:{url} confirm:true")).await;
            let (variable, secret) = if is_secret { (None, Some(url)) } else { (Some(url), None) };
            assert_eq!(world.github.variable(name).as_deref(), variable);
            assert_eq!(world.github.secret(name).as_deref(), secret);
            let message = told.original();
            assert!(message.ephemeral);
            let place = if is_secret { "secret" } else { "variable" };
            let said = format!("✅ The {place} `{name}` of `octo-org/web-client` was {verb}:");
            assert!(message.content.starts_with(&said), "{}", message.content);
            assert!(!told.has_follow_up());
        }
        let base = "/repos/octo-org/web-client/actions";
        let expected = if is_secret {
            [format!("PUT {base}/secrets/{name}"), format!("PUT {base}/secrets/{name}")]
        } else {
            [format!("POST {base}/variables"), format!("PATCH {base}/variables/{name}")]
        };
        assert_eq!(writes(&world), expected);
        let sent = world.github.requests();
        let in_the_clear = |body: &Value| body.to_string().contains("app.example.com");
        assert_eq!(sent.iter().any(|request| in_the_clear(&request.body)), !is_secret);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_stays_private() {
    let delay = What::Delay(Duration::from_secs(4));
    let world = world(faults(vec![Fault::new(On::Secrets, delay)])).await;
    let told = world.types("ada", &format!("/set-api-base url:{URL} confirm:true")).await;
    assert_eq!(told.kind(), 5);
    assert_eq!(told.body()["data"]["flags"], 64);
    assert!(told.original().ephemeral);
    assert!(told.original().content.starts_with("✅"), "{}", told.transcript());
    assert!(!told.has_follow_up());
    assert_eq!(writes(&world).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_replayed_interaction_writes_nothing_twice() {
    let world = world(Scenario::default()).await;
    let interaction = world.interaction("ada", &format!("/set-frontend url:{URL} confirm:true"));
    world.deliver(&interaction).await;
    world.settle().await;
    world.github.set_variable("FRONTEND_BASE_URL", "https://newer.example.com");
    let (_, body) = world.post(&interaction).await;
    world.settle().await;
    let content = body["data"]["content"].as_str().unwrap();
    assert!(content.contains("was taken already"), "{content}");
    assert_eq!(writes(&world).len(), 1);
}

fn denied(permission: Permission) -> Scenario {
    Scenario { denied: vec![permission], ..Scenario::default() }
}

#[rstest]
#[case::no_secrets(
    denied(Permission::Secrets),
    API,
    "❌ Nothing was set",
    "Secrets: read and write",
    0
)]
#[case::secrets_do_not_matter(denied(Permission::Secrets), FRONTEND, "✅", "was created", 1)]
#[case::no_variables(
    denied(Permission::Variables),
    FRONTEND,
    "❌ Nothing was set",
    "Variables: read and write",
    0
)]
#[case::variables_do_not_matter(denied(Permission::Variables), API, "✅", "was created", 1)]
#[case::no_variable_writes(
    denied(Permission::VariablesWrite),
    FRONTEND,
    "❌ Nothing was set",
    "Variables: read and write",
    1
)]
#[case::no_secret_writes(
    denied(Permission::SecretsWrite),
    API,
    "❌ Nothing was set",
    "Secrets: read and write",
    1
)]
#[case::not_found(faults(vec![Fault::status(404, "Not Found").on(On::Any).always()]), API, "❌ Nothing was set", "`GITHUB_REPO`", 0)]
#[case::revoked(faults(vec![Fault::status(401, "Bad credentials").on(On::Any).always()]), FRONTEND, "❌ Nothing was set", "`GITHUB_TOKEN`", 0)]
#[case::down(Scenario::named("github-down").unwrap(), FRONTEND, "❌ Nothing was set", "Try again", 0)]
#[case::garbage(faults(vec![Fault::new(On::Secrets, What::Garbage)]), API, "❌ Nothing was set", "Try again", 0)]
#[case::limited(faults(vec![Fault::too_many(Duration::from_secs(90)).on(On::Secrets)]), API, "❌ Nothing was set", "Try again in 1m 30s", 0)]
#[case::limited_midway(faults(vec![Fault::too_many(Duration::from_secs(90)).on(On::Secrets).skip(1)]), API, "❌ Nothing was set", "Try again in 1m 30s", 1)]
#[case::down_midway(faults(vec![Fault::bad_gateway().on(On::Secrets).skip(1)]), API, "❓ It is not known", "is safe", 1)]
#[case::dropped_midway(faults(vec![Fault::new(On::Variables, What::Reset).skip(1)]), FRONTEND, "❓ It is not known", "is safe", 1)]
#[case::lost_midway(faults(vec![Fault::new(On::Secrets, What::AnswerLost { status: None }).skip(1)]), API, "❓ It is not known", "is safe", 1)]
#[case::refused_with_the_value(faults(vec![Fault::status(422, URL).on(On::Secrets).skip(1)]), API, "❌ Nothing was set", "GitHub refuses it (422)", 1)]
#[tokio::test(start_paused = true)]
async fn a_failed_write_is_reported_without_the_value(
    #[case] scenario: Scenario,
    #[case] command: &str,
    #[case] done: &str,
    #[case] hint: &str,
    #[case] tried: usize,
) {
    listen();
    let world = world(scenario).await;
    let told = world.types("ada", &format!("{command} url:{URL} confirm:true")).await;
    let content = &told.original().content;
    assert!(told.messages().iter().all(|message| message.ephemeral));
    assert!(content.contains(done) && content.contains(hint), "{content}");
    assert_eq!(writes(&world).len(), tried);
    let output = told.transcript() + &logged();
    assert!(done == "✅" || output.contains("repository setting not written"));
    assert!(!output.contains("app.example.com"), "the value is shown: {output}");
}

#[tokio::test(start_paused = true)]
async fn repeating_the_command_makes_good_a_write_that_failed() {
    let world = world(faults(vec![Fault::bad_gateway().on(On::Secrets).skip(1)])).await;
    let text = format!("/set-api-base url:{URL} confirm:true");
    let told = world.types("ada", &text).await;
    assert!(told.original().content.starts_with("❓"), "{}", told.transcript());
    assert_eq!(world.github.secret("VITE_API_BASE"), None);
    let told = world.types("ada", &text).await;
    assert!(told.original().content.starts_with("✅"), "{}", told.transcript());
    assert_eq!(world.github.secret("VITE_API_BASE").as_deref(), Some(URL));
    assert_eq!(world.github.variable("VITE_API_BASE"), None);
}

#[tokio::test(start_paused = true)]
async fn neither_a_message_nor_the_log_shows_the_value() {
    listen();
    let world = world(Scenario::default()).await;
    let mut output = String::new();
    for (command, _) in COMMANDS {
        for confirm in ["", " confirm:true"] {
            let told = world.types("ada", &format!("{command} url:{URL}{confirm}")).await;
            output += &told.transcript();
        }
        for url in ["http://app.example.com", "https://ada:app.example.com@x", "app.example.com"] {
            output += &world.types("ada", &format!("{command} url:{url}")).await.transcript();
        }
    }
    output += &logged();
    assert!(output.contains("repository setting written"));
    assert!(!output.contains("app.example.com"), "the value is shown");
    assert_eq!(writes(&world).len(), 2);
}

fn table(command: Command) -> &'static [Command] {
    Box::leak(Box::new([command]))
}

const fn private(start: deckhand::bot::command::Start) -> Command {
    let serves = Serves::Own {
        name: "private",
        description: "Private",
        access: AccessLevel::Agent,
        options: Vec::new,
    };
    Command { serves, needs: &[], start, complete: None }
}

fn says_late_and_aloud() -> Command {
    private(|_| {
        let work = Box::pin(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            let follow_up = Some(Message::public("done"));
            FinalReply { message: Message::public("done"), follow_up }
        });
        Box::pin(std::future::ready(Ok(CommandPlan::RacePrivately(work))))
    })
}

fn panics_at_once() -> Command {
    private(|_| {
        let work = Box::pin(async { panic!("on purpose") });
        Box::pin(std::future::ready(Ok(CommandPlan::RacePrivately(work))))
    })
}

fn panics_late() -> Command {
    private(|_| {
        let work = Box::pin(async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            panic!("on purpose")
        });
        Box::pin(std::future::ready(Ok(CommandPlan::RacePrivately(work))))
    })
}

fn never_ends() -> Command {
    private(|_| {
        let work = Box::pin(std::future::pending());
        Box::pin(std::future::ready(Ok(CommandPlan::RacePrivately(work))))
    })
}

#[rstest]
#[case::public_words(says_late_and_aloud(), "done")]
#[case::fault_at_once(panics_at_once(), "💥")]
#[case::late_fault(panics_late(), "💥")]
#[case::time_over(never_ends(), "⏱️")]
#[tokio::test(start_paused = true)]
async fn every_message_of_a_private_command_is_private(
    #[case] command: Command,
    #[case] expected: &str,
    #[values(false, true)] cannot_edit: bool,
) {
    let time_limit = Some(Duration::from_secs(20));
    let world = World::of(Plan { table: table(command), time_limit, ..Plan::default() }).await;
    if cannot_edit {
        world.discord.fault(DiscordFault::new(OnDiscord::Edit, DiscordWhat::Status(400)).always());
    }
    let told = world.types("ada", "/private").await;
    assert!(told.transcript().contains(expected), "{}", told.transcript());
    assert!(told.messages().iter().all(|message| message.ephemeral), "{}", told.transcript());
}
