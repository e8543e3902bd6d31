//! A GitHub App in place of a token.

use std::time::Duration;

use standins::github::{Fault, On, Scenario, Timetable};

use crate::secrets::{listen, logged};
use crate::world::{Plan, World};

/// The settings of the stand-in's app, which is the same for every world.
pub(crate) async fn env() -> Vec<(&'static str, String)> {
    let probe = World::new().await;
    vec![
        ("GITHUB_TOKEN", String::new()),
        ("GITHUB_APP_ID", probe.github.app_id().to_string()),
        ("GITHUB_APP_INSTALLATION_ID", probe.github.installation_id().to_string()),
        ("GITHUB_APP_PRIVATE_KEY", probe.github.app_private_key_pem().to_owned()),
    ]
}

async fn world(scenario: Scenario) -> World {
    World::of(Plan { env: env().await, scenario, ..Plan::default() }).await
}

#[tokio::test(start_paused = true)]
async fn a_deploy_works_with_one_installation_token() {
    let world = world(Scenario::default()).await;
    listen();
    for _ in 0..2 {
        let told = world.types("ada", "/deploy-client wait:true").await;
        assert!(told.follow_up().content.contains("🟢"), "{}", told.transcript());
        let shown = told.transcript() + &logged();
        for token in world.github.installation_tokens() {
            assert!(!shown.contains(&token), "an installation's token is shown");
        }
    }
    assert!(logged().contains("the deploy ended"));
    assert_eq!(world.github.tokens_issued(), 1);
    assert_eq!(world.dispatches().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let world = world(Scenario::default()).await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("🚀"), "{}", told.transcript());
    world.passes(Duration::from_secs(50 * 60)).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    assert_eq!(world.dispatches().len(), 2);
    assert_eq!(world.github.tokens_issued(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_new_token_that_is_refused_once_is_not_replaced() {
    let fault = Fault::status(401, "Bad credentials").on(On::RunGet).skip(1);
    let world = world(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    world.dispatch();
    assert_eq!(world.github.tokens_issued(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_apps_own_run_is_found_by_its_bot_account() {
    let world = world(Scenario::named("no-correlation-id").unwrap()).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert!(told.original().content.ends_with("matched by time"), "{}", told.transcript());
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn an_invalid_private_key_is_reported_without_showing_it() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\\nc2VjcmV0\\n-----END RSA PRIVATE KEY-----";
    let env = vec![
        ("GITHUB_APP_ID", "1".to_owned()),
        ("GITHUB_APP_INSTALLATION_ID", "2".to_owned()),
        ("GITHUB_APP_PRIVATE_KEY", key.to_owned()),
        ("ADMIN_USER_IDS", standins::discord::User::named("ada").id),
    ];
    let timetable = Timetable::default();
    let scenario = Scenario { timetable, ..Scenario::default() };
    let world = World::of(Plan { env, scenario, ..Plan::default() }).await;
    let told = world.types("ada", "/deploy-client").await;
    let content = &told.original().content;
    assert!(content.contains("cannot sign in to GitHub: GITHUB_APP_PRIVATE_KEY"), "{content}");
    assert!(!content.contains("c2VjcmV0"));
    assert!(world.github.requests().is_empty());
}
