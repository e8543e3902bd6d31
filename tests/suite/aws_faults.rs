//! AWS that throttles, fails, answers late or not at all, while commands are typed.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use deckhand::net::transport::CallError;
use deckhand::store::{Body, Change, Commit, Committed, Dynamo, Expect, Key, Store, Write};
use http::{Request, Response};
use rstest::rstest;
use standins::discord::Interaction;
use standins::github::Scenario;

use crate::aws;
use crate::parameters::signing_in_with;
use crate::secrets::{listen, logged};
use crate::world::{TOKEN, World};

/// What happens to a request for AWS.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// It is answered with this error, and nothing is done.
    Error(&'static str),
    /// Its signature is refused with this error, for its time, and nothing is done.
    Expired(&'static str),
    /// It is done, and the answer is lost.
    Lost,
    /// It is done, and the answer comes so much later.
    Late(Duration),
    /// Nobody is there.
    NotSent,
    /// It is taken and never answered.
    Silent,
}

struct Fault {
    operation: &'static str,
    what: What,
    times: usize,
}

thread_local! {
    /// A story runs on one thread.
    static FAULTS: RefCell<Vec<Fault>> = const { RefCell::new(Vec::new()) };
}

/// From here on this happens to the next requests for an operation, so many times.
fn fault(operation: &'static str, what: What, times: usize) {
    FAULTS.with_borrow_mut(|faults| faults.push(Fault { operation, what, times }));
}

/// Ends all faults; how many requests were left to meet one.
fn heal() -> usize {
    FAULTS.with_borrow_mut(|faults| faults.drain(..).map(|fault| fault.times).sum())
}

/// What happens to this request.
pub(crate) fn next(request: &Request<Bytes>) -> Option<What> {
    let target = request.headers().get("x-amz-target")?.to_str().unwrap();
    FAULTS.with_borrow_mut(|faults| {
        let is_its = |fault: &&mut Fault| fault.times > 0 && target.ends_with(fault.operation);
        let fault = faults.iter_mut().find(is_its)?;
        fault.times -= 1;
        Some(fault.what)
    })
}

/// As AWS says it.
const EXPIRED: &str = "Signature expired: 20261122T085400Z is now earlier than 20261122T085500Z \
                       (20261122T090000Z - 5 min.)";

fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    let body = format!(r#"{{"__type":"com.amazonaws#{code}","message":"{message}"}}"#);
    Response::builder().status(status).body(body.into()).unwrap()
}

type Answer = Result<Response<Bytes>, CallError>;

/// Sends a request to which this happens. The `call` ends when only time is waited for.
pub(crate) async fn meets<C>(what: What, sent: impl Future<Output = Answer>, call: C) -> Answer {
    match what {
        What::Error(code) => {
            let status = if code == "InternalServerError" { 500 } else { 400 };
            Ok(refusal(status, code, "as the test wants it"))
        }
        What::Expired(code) => Ok(refusal(400, code, EXPIRED)),
        What::Lost => sent.await.and(Err(CallError::Lost("reset".to_owned()))),
        What::Late(by) => {
            let answer = sent.await;
            drop(call);
            tokio::time::sleep(by).await;
            answer
        }
        What::NotSent => Err(CallError::NotSent("refused".to_owned())),
        What::Silent => {
            drop(call);
            std::future::pending().await
        }
    }
}

/// A replay is told that the command was taken, and how it stands.
async fn assert_taken(world: &World, interaction: &Interaction, standing: &str) {
    let (_, replay) = world.post(interaction).await;
    world.settle().await;
    let content = replay["data"]["content"].as_str().unwrap();
    assert!(content.contains("was taken already") && content.contains(standing), "{content}");
}

#[rstest]
#[case::throttled(What::Error("ProvisionedThroughputExceededException"), 1)]
#[case::failing_twice(What::Error("InternalServerError"), 2)]
#[case::lost_twice(What::Lost, 2)]
#[case::late(What::Late(Duration::from_millis(800)), 1)]
// The first answer is given up, though the table took the write: the second try finds its own.
#[case::too_late_once(What::Late(Duration::from_millis(1300)), 1)]
// The clock is put right while the first request is on its way.
#[case::signed_too_early(What::Expired("InvalidSignatureException"), 1)]
#[case::request_too_skewed(What::Expired("RequestTimeTooSkewed"), 1)]
#[case::request_expired(What::Expired("RequestExpired"), 1)]
#[case::signature_refused(What::Error("InvalidSignatureException"), 1)]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn trouble_with_the_table_that_passes_is_not_noticed(
    #[values("PutItem", "GetItem")] operation: &'static str,
    #[case] what: What,
    #[case] times: usize,
) {
    let world = World::new().await;
    fault(operation, what, times);
    let interaction = world.interaction("ada", "/deploy-client");
    world.deliver(&interaction).await;
    world.settle().await;
    assert_eq!(heal(), 0, "the faults were met");
    world.dispatch();
    assert_taken(&world, &interaction, "It is under way").await;
    world.dispatch();
}

#[rstest]
#[case::nobody_is_there(What::NotSent, "`TABLE_NAME`")]
#[case::never_answered(What::Silent, "`TABLE_NAME`")]
#[case::forbidden(What::Error("AccessDeniedException"), "may not be used by our role")]
#[case::wrong_clock(What::Expired("InvalidSignatureException"), "check the clock of this machine")]
#[case::wrong_key(What::Error("InvalidSignatureException"), "check the credentials and the clock")]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn nothing_is_done_while_the_table_cannot_be_used(
    #[values("/deploy-client", "/deploy-client wait:true")] text: &str,
    #[case] what: What,
    #[case] words: &str,
) {
    let world = World::new().await;
    fault("PutItem", what, 99);
    let told = world.types("ada", text).await;
    let content = &told.original().content;
    assert!(content.contains("Nothing was done") && content.contains(words), "{content}");
    assert!(told.kind() == 4 && told.original().ephemeral, "{}", told.transcript());
    assert!(world.dispatches().is_empty());
    assert!(heal() > 0);
    let told = world.types("ada", text).await;
    assert!(told.transcript().contains("matched by run id"), "{}", told.transcript());
    world.dispatch();
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_command_that_the_table_took_too_late_is_not_done_nor_is_its_replay() {
    let world = World::new().await;
    fault("PutItem", What::Late(Duration::from_secs(4)), 9);
    let interaction = world.interaction("ada", "/deploy-client");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    heal();
    let told = world.told(&interaction, answer);
    assert!(told.original().content.contains("Nothing was done"), "{}", told.transcript());
    assert_taken(&world, &interaction, "").await;
    assert!(world.dispatches().is_empty());
}

#[rstest]
#[case::late(What::Late(Duration::from_secs(4)))]
#[case::failing(What::Error("InternalServerError"))]
#[case::gone(What::Error("ResourceNotFoundException"))]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn while_the_table_fails_nothing_is_told_twice_and_afterwards_all_is_told(
    #[case] what: What,
) {
    let world = World::new().await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    while world.dispatches().is_empty() {
        world.passes(Duration::from_millis(50)).await;
    }
    world.passes(Duration::from_secs(1)).await;
    fault("PutItem", what, 999);
    world.passes(Duration::from_secs(30)).await;
    assert!(heal() > 0);
    world.settle().await;
    world.sweeps(3).await;
    world.told(&interaction, answer).tells_once("🟢");
    world.dispatch();
}

/// A table with one item that is due, and the time.
async fn with_one_due(world: &World) -> (Dynamo, Key, DateTime<Utc>) {
    let store = Dynamo::new(world.aws().clone(), aws::new_table(world.aws()).await);
    let (key, now) = (Key::new("p", "1"), world.clock().now());
    let change = Change::Put { body: Body::new(), expires_at: None, due: Some(now) };
    let write = Write { key: key.clone(), expect: Expect::Absent, change };
    assert_eq!(store.commit(&Commit::of(vec![write])).await, Ok(Committed::Done));
    (store, key, now)
}

#[rstest]
#[case::throttled(What::Error("ProvisionedThroughputExceededException"), 1)]
#[case::failing_twice(What::Error("InternalServerError"), 2)]
#[case::lost_twice(What::Lost, 2)]
#[case::late(What::Late(Duration::from_millis(800)), 1)]
#[case::signed_too_early(What::Expired("InvalidSignatureException"), 1)]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn trouble_that_passes_hides_nothing_that_is_due(#[case] what: What, #[case] times: usize) {
    let world = World::new().await;
    let (store, key, now) = with_one_due(&world).await;
    fault("Query", what, times);
    assert_eq!(store.due(now, 9).await, Ok(vec![key]));
    assert_eq!(heal(), 0, "the faults were met");
}

#[rstest]
#[case::nobody_is_there(What::NotSent, "cannot be used now")]
#[case::never_answered(What::Silent, "cannot be used now")]
#[case::throttled(What::Error("ThrottlingException"), "cannot be used now")]
#[case::forbidden(What::Error("AccessDeniedException"), "may not be used by our role")]
#[case::no_index(What::Error("ValidationException"), "has no index `due`, or it is still being")]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn that_nothing_can_be_known_of_what_is_due_is_an_error(
    #[case] what: What,
    #[case] words: &str,
) {
    let world = World::new().await;
    let (store, key, now) = with_one_due(&world).await;
    fault("Query", what, 99);
    let error = store.due(now, 9).await.unwrap_err().to_string();
    assert!(error.contains("`TABLE_NAME`") && error.contains(words), "{error}");
    assert!(heal() > 0);
    assert_eq!(store.due(now, 9).await, Ok(vec![key]));
}

/// Of a transaction too the SDK finds its own work, where only the answer was lost or came too late.
#[rstest]
#[case::throttled(What::Error("ThrottlingException"), 1)]
#[case::lost_twice(What::Lost, 2)]
#[case::too_late_once(What::Late(Duration::from_millis(1300)), 1)]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn trouble_with_a_transaction_that_passes_is_not_noticed(
    #[case] what: What,
    #[case] times: usize,
) {
    let world = World::new().await;
    let (store, first, now) = with_one_due(&world).await;
    let second = Key::new("p", "2");
    let there = store.get(&first).await.unwrap();
    let put = |key: &Key, expect, due| {
        let change = Change::Put { body: Body::new(), expires_at: None, due };
        Write { key: key.clone(), expect, change }
    };
    let writes = vec![
        put(&second, Expect::Absent, Some(now)),
        put(&first, Expect::unchanged(there.as_ref()), None),
    ];
    fault("TransactWriteItems", what, times);
    assert_eq!(store.commit(&Commit::of(writes)).await, Ok(Committed::Done));
    assert_eq!(heal(), 0, "the faults were met");
    assert_eq!(store.due(now, 9).await, Ok(vec![second]));
}

#[rstest]
#[case::failing("InternalServerError")]
#[case::forbidden("AccessDeniedException")]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_secret_that_cannot_be_read_is_named_with_its_setting(#[case] code: &'static str) {
    let parameter = aws::new_parameter();
    let world = signing_in_with(&parameter, Scenario::default()).await;
    aws::put_parameter(&world, &parameter, TOKEN).await;
    fault("GetParameter", What::Error(code), 99);
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.only_shows("🔴 **Client deploy**: not started.");
    let said = &told.original().content;
    for words in [&parameter, "GITHUB_TOKEN_PARAMETER", code] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(heal() > 0 && world.dispatches().is_empty());
    // Once it can be read again, after a while, all is well.
    world.passes(Duration::from_secs(60)).await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("started"), "{}", told.transcript());
    world.dispatch();
}

#[rstest]
#[case::lost(What::Lost)]
#[case::signed_too_early(What::Expired("InvalidSignatureException"))]
#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_secret_whose_first_reading_fails_is_read_again(#[case] what: What) {
    let parameter = aws::new_parameter();
    let world = signing_in_with(&parameter, Scenario::default()).await;
    aws::put_parameter(&world, &parameter, TOKEN).await;
    fault("GetParameter", what, 1);
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("started"), "{}", told.transcript());
    assert_eq!(heal(), 0, "the fault was met");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
#[ignore = "needs a stand-in of AWS at AWS_STANDIN_URL; .ci/run starts one"]
async fn a_secret_that_anybody_may_list_is_used_and_warned_of() {
    listen();
    let parameter = aws::new_parameter();
    let world = signing_in_with(&parameter, Scenario::default()).await;
    aws::put_plain_parameter(&world, &parameter, TOKEN).await;
    let told = world.types("ada", "/deploy-client").await;
    assert!(told.original().content.contains("started"), "{}", told.transcript());
    world.dispatch();
    let log = logged();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("no SecureString")).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("WARN") && warnings[0].contains(&parameter), "{warnings:?}");
}
