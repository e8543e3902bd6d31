//! What a store promises, of every store: in memory, and in a table. The stories about the table alone, and
//! about secrets in SSM, are here too.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use deckhand::clock::{Clock, SystemClock};
use deckhand::discord::InteractionId;
use deckhand::net::transport::Https;
use deckhand::store::{
    Begun, Deploy, DeployKey, DeployOutcome, DeployState, Dynamo, Memory, Post, Store,
};
use futures_util::future::join_all;
use rstest::rstest;
use standins::github::{Fault, On, Scenario};

use crate::aws;
use crate::world::{Plan, Remembers, TOKEN, World};

enum Kind {
    Memory,
    Table,
}

impl Kind {
    async fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory => Arc::new(Memory::default()),
            Self::Table => {
                let (aws, table) = table().await;
                Arc::new(Dynamo::new(aws, table, Arc::new(SystemClock)))
            }
        }
    }
}

async fn table() -> (Arc<deckhand::aws::Aws>, String) {
    let url = aws::standin().expect("AWS_STANDIN_URL: where a stand-in of AWS listens");
    let aws = aws::at(&url, Arc::new(Https::default())).await;
    let table = aws::new_table(&aws).await;
    (aws, table)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_341_600, 0).unwrap()
}

fn deploy(agent: &str, interaction_id: u64) -> Deploy {
    Deploy {
        key: DeployKey { agent: agent.to_owned(), interaction_id: InteractionId(interaction_id) },
        requester: "ada#7".to_owned(),
        began_at: now(),
        run_page: None,
        state: DeployState::Pending,
    }
}

fn outcome(word: &str) -> DeployOutcome {
    let run_page = Some("https://github.com/o/r/actions/runs/2".to_owned());
    DeployOutcome { word: word.to_owned(), run_page, at: now() + TimeDelta::minutes(3) }
}

macro_rules! promises {
    ($($name:ident => $promise:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $name() { super::$promise(super::Kind::Memory.store().await).await })+
        }
        mod in_a_table {
            $(#[tokio::test]
            #[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
            async fn $name() { super::$promise(super::Kind::Table.store().await).await })+
        }
    };
}

promises! {
    an_interaction_is_taken_once => taken_once,
    of_many_that_race_one_wins => one_winner,
    a_deploy_is_begun_once_and_its_standing_is_told => begun_once,
    a_deploy_ends_once => ended_once,
    a_deploy_that_is_not_known_is_announced_and_not_made_up => not_begun,
    the_history_is_the_newest_first_and_of_one_agent => history,
    a_post_is_first_then_unsure_then_done => posted,
    a_post_that_surely_failed_can_be_begun_again => released,
}

async fn taken_once(store: Arc<dyn Store>) {
    assert_eq!(store.take_interaction(InteractionId(1)).await, Ok(true));
    assert_eq!(store.take_interaction(InteractionId(1)).await, Ok(false));
    assert_eq!(store.take_interaction(InteractionId(2)).await, Ok(true));
}

async fn one_winner(store: Arc<dyn Store>) {
    let taken = join_all((0..16).map(|_| store.take_interaction(InteractionId(u64::MAX)))).await;
    assert_eq!(taken.into_iter().filter(|won| *won == Ok(true)).count(), 1);
    let deploy = deploy("deploy_client", 1);
    let begun = join_all((0..16).map(|_| store.begin_deploy(&deploy))).await;
    assert_eq!(begun.into_iter().filter(|begun| *begun == Ok(Begun::Now)).count(), 1);
    let (key, outcome) = (&deploy.key, outcome("success"));
    let ended = join_all((0..16).map(|_| store.end_deploy(key, &outcome))).await;
    assert_eq!(ended.into_iter().filter(|won| *won == Ok(true)).count(), 1);
}

async fn begun_once(store: Arc<dyn Store>) {
    let first = deploy("deploy_client", 1);
    assert_eq!(store.begin_deploy(&first).await, Ok(Begun::Now));
    assert_eq!(store.begin_deploy(&first).await, Ok(Begun::Before(first.clone())));
    store.note_run(&first.key, "https://github.com/o/r/actions/runs/1").await.unwrap();
    let Ok(Begun::Before(before)) = store.begin_deploy(&first).await else { panic!("not begun") };
    assert_eq!(before.run_page.as_deref(), Some("https://github.com/o/r/actions/runs/1"));
    let with_page = Deploy { run_page: Some("https://x".to_owned()), ..deploy("deploy_client", 2) };
    assert_eq!(store.begin_deploy(&with_page).await, Ok(Begun::Now));
    assert_eq!(store.begin_deploy(&with_page).await, Ok(Begun::Before(with_page)));
}

async fn ended_once(store: Arc<dyn Store>) {
    let first = deploy("deploy_client", 1);
    store.begin_deploy(&first).await.unwrap();
    assert_eq!(store.end_deploy(&first.key, &outcome("success")).await, Ok(true));
    assert_eq!(store.end_deploy(&first.key, &outcome("failure")).await, Ok(false));
    let Ok(Begun::Before(before)) = store.begin_deploy(&first).await else { panic!("not begun") };
    assert_eq!(before.state, DeployState::Ended(outcome("success")));
    // Its run is known as of its end, at least.
    assert_eq!(before.run_page, outcome("").run_page);
}

async fn not_begun(store: Arc<dyn Store>) {
    let key = deploy("deploy_client", 1).key;
    assert_eq!(store.end_deploy(&key, &outcome("success")).await, Ok(true));
    // In a table it is an error, in memory nothing; in neither it makes a deploy.
    let _ = store.note_run(&key, "https://github.com").await;
    assert_eq!(store.history("deploy_client", 9).await, Ok(Vec::new()));
}

async fn history(store: Arc<dyn Store>) {
    // Ids of different lengths: their order is that of the numbers.
    for id in [9, 1_300_000_000_000_000_000, 10] {
        store.begin_deploy(&deploy("deploy_client", id)).await.unwrap();
    }
    store.begin_deploy(&deploy("deploy_api", 11)).await.unwrap();
    let ids = |deploys: Vec<Deploy>| -> Vec<u64> {
        deploys.iter().map(|deploy| deploy.key.interaction_id.0).collect()
    };
    let all = store.history("deploy_client", 9).await.unwrap();
    assert_eq!(ids(all), [1_300_000_000_000_000_000, 10, 9]);
    assert_eq!(ids(store.history("deploy_client", 1).await.unwrap()), [1_300_000_000_000_000_000]);
    assert_eq!(ids(store.history("deploy_api", 9).await.unwrap()), [11]);
    assert!(store.history("deploy", 9).await.unwrap().is_empty());
}

async fn posted(store: Arc<dyn Store>) {
    assert_eq!(store.begin_post("digest#1").await, Ok(Post::First));
    assert_eq!(store.begin_post("digest#1").await, Ok(Post::Unsure));
    store.end_post("digest#1", true).await.unwrap();
    assert_eq!(store.begin_post("digest#1").await, Ok(Post::Done));
    assert_eq!(store.begin_post("digest#2").await, Ok(Post::First));
}

async fn released(store: Arc<dyn Store>) {
    store.begin_post("digest#1").await.unwrap();
    store.end_post("digest#1", false).await.unwrap();
    assert_eq!(store.begin_post("digest#1").await, Ok(Post::First));
}

#[tokio::test]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn every_item_of_a_table_expires() {
    let (aws, table) = table().await;
    let store = Dynamo::new(aws.clone(), table.clone(), Arc::new(SystemClock));
    store.take_interaction(InteractionId(1)).await.unwrap();
    store.begin_deploy(&deploy("deploy_client", 2)).await.unwrap();
    store.begin_post("digest#1").await.unwrap();
    let client = aws_sdk_dynamodb::Client::new(aws.config().await);
    let items = client.scan().table_name(table).send().await.unwrap();
    let expiries: Vec<i64> = (items.items().iter())
        .map(|item| item["expires_at"].as_n().unwrap().parse().unwrap())
        .collect();
    assert_eq!(expiries.len(), 3);
    let now = SystemClock.now().timestamp();
    let days = |at: &i64| (at - now) as f64 / 86_400.0;
    assert!(expiries.iter().map(days).all(|days| (0.9..=90.1).contains(&days)), "{expiries:?}");
}

#[tokio::test]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_missing_table_is_named() {
    let (aws, _) = table().await;
    let store = Dynamo::new(aws, "deckhand-nowhere".to_owned(), Arc::new(SystemClock));
    let error = store.take_interaction(InteractionId(1)).await.unwrap_err();
    assert_eq!(error.to_string(), "the table `deckhand-nowhere` (`TABLE_NAME`) does not exist");
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_replay_in_a_new_process_is_refused_with_the_state_of_the_deploy() {
    let mut world = World::new().await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let first = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(2)).await;
    let other_process = world.tasks.clone();
    world.restart();
    let (_, during) = world.post(&interaction).await;
    other_process.drained().await;
    let (_, after) = world.post(&interaction).await;
    world.settle().await;
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    for (replay, standing) in [(during, "It is under way"), (after, "It ended: `success`")] {
        let content = replay["data"]["content"].as_str().unwrap().to_owned();
        assert!(content.contains("was taken already"), "{content}");
        assert!(content.contains(standing) && content.contains(&run), "{content}");
        assert_eq!(replay["data"]["flags"], 64);
    }
    world.told(&interaction, first).both_say("🟢");
}

#[rstest]
#[case::deploy("/deploy-client wait:true")]
#[case::quick_deploy("/deploy-client")]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn without_its_table_nothing_is_dispatched(#[case] text: &str) {
    let remembers = Remembers::InTable("deckhand-nowhere".to_owned());
    let world = World::of(Plan { remembers, ..Plan::default() }).await;
    let told = world.types("ada", text).await;
    let content = &told.original().content;
    assert!(content.contains("Nothing was done"), "{content}");
    assert!(content.contains("`deckhand-nowhere` (`TABLE_NAME`) does not exist"), "{content}");
    assert!(told.original().ephemeral);
    assert!(world.github.requests().is_empty());
    // What decides nothing works all the same.
    let told = world.types("ada", "/agents").await;
    assert!(told.original().content.contains("`/deploy-client`"), "{}", told.transcript());
}

/// A world whose GitHub token is in this parameter.
pub(crate) async fn signing_in_with(parameter: &str, scenario: Scenario) -> World {
    let env =
        vec![("GITHUB_TOKEN", String::new()), ("GITHUB_TOKEN_PARAMETER", parameter.to_owned())];
    World::of(Plan { env, scenario, ..Plan::default() }).await
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_changed_token_in_ssm_is_read_when_the_old_one_is_refused() {
    let parameter = aws::new_parameter();
    let world = signing_in_with(&parameter, Scenario::default()).await;
    aws::put_parameter(world.aws(), &parameter, TOKEN).await;
    world.types("ada", "/deploy-client wait:true").await.both_say("🟢");
    // Revoked, and a new one stored: the next command is refused once and signs in with the new one.
    world.github.fault(Fault::status(401, "Bad credentials").on(On::Dispatch));
    aws::put_parameter(world.aws(), &parameter, "ghs_another").await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("nothing was dispatched"), "{}", told.transcript());
    let dispatches = world.github.requests().into_iter().filter(|r| r.method == "POST");
    assert_eq!(dispatches.map(|request| request.status).collect::<Vec<_>>(), [200, 401, 401]);
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_missing_parameter_is_named_in_the_answer() {
    let world = signing_in_with("/deckhand/nowhere_at-all", Scenario::default()).await;
    for text in ["/deploy-client", "/deploy-client wait:true", "/status", "/verify-latest"] {
        let told = world.types("ada", text).await;
        let missing = "the SSM parameter `/deckhand/nowhere_at-all` (`GITHUB_TOKEN_PARAMETER`) does not exist";
        for message in told.messages() {
            assert!(message.content.contains(missing), "{text}: {}", message.content);
        }
    }
    assert!(world.github.requests().is_empty());
}
