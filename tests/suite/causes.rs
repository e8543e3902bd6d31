//! What GitHub's answers mean, told as what it is and with the cure: a renamed repository, a limit in older
//! words, a workflow that cannot be dispatched, a wait timer.

use std::time::Duration;

use rstest::rstest;
use standins::github::{Fault, Gate, On, Renamed, Scenario, Timetable};

use crate::world::{Plan, World};

const OLD: &str = "octo-org/web-client";
const NEW: &str = "octo-org/storefront";

fn renamed(status: u16) -> Renamed {
    Renamed { status, ..Renamed::new(OLD, NEW) }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_repository_renamed_during_a_wait_is_followed(
    #[values(301, 302, 307, 308)] status: u16,
    #[values("/deploy-client wait:true", "/diagnose wait:true")] text: &str,
) {
    let world = World::new().await;
    let interaction = world.interaction("ada", text);
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(3)).await;
    world.github.rename(renamed(status));
    world.settle().await;
    let told = world.told(&interaction, answer);
    let diagnoses = text.starts_with("/diagnose");
    told.both_say(if diagnoses { "❌ **Diagnose runner**: 1 of 2 checks failed" } else { "🟢" });
    assert!(world.github.requests().iter().any(|r| r.path.starts_with("/repositories/")));
    world.dispatch();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_dispatch_follows_a_renamed_repository_and_is_taken_once(
    #[values(301, 307, 308)] status: u16,
    #[values(true, false)] run_details: bool,
) {
    let renamed = Some(renamed(status));
    let world = World::with(Scenario { renamed, run_details, ..Scenario::default() }).await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    let dispatch = world.dispatch();
    assert_eq!(dispatch.repo, NEW);
    assert_eq!(dispatch.inputs["requester"], "ada#810000000000000001");
    let posts: Vec<_> =
        world.github.requests().into_iter().filter(|r| r.method == "POST").collect();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[0].body, posts[1].body);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_redirect_to_another_server_is_not_followed(
    #[values(301, 302, 307, 308)] status: u16,
    #[values("", " wait:true")] wait: &str,
) {
    let other = World::new().await;
    let elsewhere = Some(other.github.url());
    let renamed = Some(Renamed { elsewhere, ..renamed(status) });
    let world = World::with(Scenario { renamed, ..Scenario::default() }).await;
    let told = world.types("ada", &format!("/deploy-client{wait}")).await;
    let content = &told.original().content;
    assert!(content.contains("not started"), "{content}");
    assert!(content.contains("`octo-org/web-client` has moved. Set `GITHUB_REPO`"), "{content}");
    assert!(other.github.requests().is_empty(), "another server gets no token");
    assert!(world.dispatches().is_empty());
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn settings_are_written_to_a_renamed_repository() {
    let env = vec![
        ("ALLOW_SECRET_WRITES", "true".to_owned()),
        ("ADMIN_USER_IDS", standins::discord::User::named("ada").id),
    ];
    let scenario = Scenario { renamed: Some(renamed(307)), ..Scenario::default() };
    let world = World::of(Plan { env, scenario, ..Plan::default() }).await;
    let url = "https://app.example.com/";
    let told = world.types("ada", &format!("/set-frontend url:{url} confirm:true")).await;
    assert!(told.original().content.starts_with('✅'), "{}", told.transcript());
    assert_eq!(world.github.variable("FRONTEND_BASE_URL").as_deref(), Some(url));
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn the_doctor_says_that_a_repository_was_renamed() {
    let env = vec![("ADMIN_USER_IDS", standins::discord::User::named("ada").id)];
    let scenario = Scenario { renamed: Some(renamed(301)), ..Scenario::default() };
    let world = World::of(Plan { env, scenario, ..Plan::default() }).await;
    let told = world.types("ada", "/doctor").await;
    let content = &told.original().content;
    assert!(
        content.contains("was renamed or transferred: it is octo-org/storefront now"),
        "{content}"
    );
    assert!(content.contains("Set GITHUB\\_REPO"), "{content}");
    assert!(!content.contains('❌'), "everything works still: {content}");
}

#[rstest]
#[case::dispatch(On::Dispatch)]
#[case::poll(On::RunGet)]
#[tokio::test(start_paused = true)]
async fn a_limit_in_the_older_words_is_waited_for(#[case] on: On) {
    let world =
        World::with(Scenario { faults: vec![Fault::abuse().on(on)], ..Scenario::default() });
    let world = world.await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    told.both_say("🟢");
    let asked: Vec<_> = world.github.requests().iter().map(|request| request.at).collect();
    let longest = asked.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds()).max();
    assert_eq!(longest, Some(60));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_limit_in_the_older_words_is_told_as_a_limit() {
    let fault = Fault::abuse().always();
    let world = World::with(Scenario { faults: vec![fault], ..Scenario::default() }).await;
    for text in ["/deploy-client", "/status", "/verify-latest"] {
        let told = world.types("ada", text).await;
        let content = &told.original().content;
        assert!(content.contains("rate limit is used up. Try again in 1m 0s"), "{content}");
        assert!(!content.contains("permission"), "{content}");
    }
}

#[rstest]
#[case::disabled(
    |s: &mut Scenario| s.workflow_mut("client-deploy.yml").state = "disabled_manually".into(),
    "(422): Cannot trigger a 'workflow\\_dispatch' on a disabled workflow. Enable the workflow"
)]
#[case::disabled_403(
    |s: &mut Scenario| s.faults.push(Fault::status(403, "Workflow is disabled.").on(On::Dispatch).always()),
    "(403): Workflow is disabled. Enable the workflow"
)]
#[case::actions_off(
    |s: &mut Scenario| s.faults.push(Fault::status(403, "GitHub Actions is disabled for this repository.").on(On::Dispatch).always()),
    "Enable GitHub Actions in the settings"
)]
#[case::archived(
    |s: &mut Scenario| s.faults.push(Fault::status(403, "Repository was archived so is read-only.").on(On::Dispatch).always()),
    "Unarchive the repository"
)]
#[case::not_on_the_default_branch(
    |s: &mut Scenario| s.workflows.retain(|workflow| workflow.file != "client-deploy.yml"),
    "(404). It must be in `.github/workflows` on the default branch"
)]
#[case::no_trigger(
    |s: &mut Scenario| s.workflow_mut("client-deploy.yml").dispatchable = false,
    "Add `workflow_dispatch` to the workflow's `on`, on the default branch and on the one that is dispatched."
)]
#[tokio::test(start_paused = true)]
async fn a_workflow_that_cannot_be_dispatched_is_told_in_one_request(
    #[case] change: fn(&mut Scenario),
    #[case] expected: &str,
    #[values("", " wait:true")] wait: &str,
) {
    let mut scenario = Scenario::default();
    change(&mut scenario);
    let world = World::with(scenario).await;
    let told = world.types("ada", &format!("/deploy-client{wait}")).await;
    let content = &told.original().content;
    assert!(content.contains("not started") && content.contains(expected), "{content}");
    assert!(!content.contains("needs the permission"), "{content}");
    assert_eq!(world.github.requests().len(), 1);
    assert!(!told.has_follow_up(), "the same twice: {}", told.transcript());
}

#[rstest]
#[case("disabled_manually", "is disabled (`disabled_manually`). Enable it on its page.")]
#[case("disabled_inactivity", "is disabled (`disabled_inactivity`). GitHub did so after 60 days")]
#[case("deleted", "is deleted (`deleted`). Put its file back on the default branch")]
#[tokio::test(start_paused = true)]
async fn status_says_what_is_wrong_with_a_workflow(#[case] state: &str, #[case] expected: &str) {
    let mut scenario = Scenario::default();
    scenario.workflow_mut("client-deploy.yml").state = state.to_owned();
    let world = World::with(scenario).await;
    let told = world.types("ada", "/status").await;
    assert!(told.original().content.contains(expected), "{}", told.transcript());
}

/// Waits from second 2 to second 60, then runs.
fn waiting(gates: &[Gate]) -> Scenario {
    Scenario { gates: gates.to_vec(), timetable: Timetable::timer(), ..Scenario::default() }
}

#[rstest]
#[case::approval(&[Gate::approval("production")], "waiting for approval of **production** by grace\n")]
#[case::timer(
    &[Gate::timer("production", 1)],
    "waiting for the wait timer of **production**, which ends by itself <t:1795341661:R>\n"
)]
#[case::both(
    &[Gate { wait_timer: 5, ..Gate::approval("prod") }],
    "waiting for approval of **prod** by grace and its wait timer, which ends by itself <t:1795341901:R>\n"
)]
#[case::two_environments(
    &[Gate::timer("eu", 1), Gate::approval("us")],
    "waiting for the wait timer of **eu**, which ends by itself <t:1795341661:R>; approval of **us** by grace\n"
)]
#[case::another_rule(&[Gate::timer("production", 0)], "waiting for a protection rule of **production**\n")]
#[case::unknown(&[], "waiting for approval or a wait timer\n")]
#[tokio::test(start_paused = true)]
async fn what_a_run_waits_for_is_told_as_what_it_is(#[case] gates: &[Gate], #[case] words: &str) {
    let world = World::with(waiting(gates)).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(30)).await;
    let status = world.interaction("grace", "/status");
    let listed = world.deliver(&status).await;
    let listed = world.told(&status, listed).original().content.clone();
    assert!(listed.contains(words.trim_end()), "{listed}");
    let told = world.told(&interaction, answer);
    let content = &told.original().content;
    assert!(content.starts_with("🟠") && content.contains(words), "{content}");
    world.settle().await;
    let told = world.told(&interaction, told.answer);
    told.both_say("🟢");
    let asked: Vec<_> =
        told.approvals_asked().iter().map(|asks| asks.content.starts_with("✅")).collect();
    assert_eq!(asked, if words.contains("approval of") { vec![true] } else { Vec::new() });
    world.dispatch();
}

#[rstest]
#[case::refused(Fault::forbidden())]
#[case::unknown_to_the_server(Fault::status(404, "Not Found"))]
#[case::down(Fault::bad_gateway())]
#[tokio::test(start_paused = true)]
async fn a_wait_goes_on_if_github_does_not_tell_what_for(#[case] fault: Fault) {
    let world = World::with(waiting(&[Gate::timer("production", 1)])).await;
    world.github.fault(fault.on(On::Pending).always());
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(30)).await;
    let told = world.told(&interaction, answer);
    let content = &told.original().content;
    assert!(content.contains("waiting for approval or a wait timer"), "{content}");
    world.settle().await;
    let told = world.told(&interaction, told.answer);
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn an_approval_that_is_given_leaves_the_timer() {
    let both = Gate { wait_timer: 1, ..Gate::approval("production") };
    let world = World::with(waiting(&[both])).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(20)).await;
    world.github.update(|scenario| scenario.gates = vec![Gate::timer("production", 1)]);
    world.passes(Duration::from_secs(20)).await;
    let told = world.told(&interaction, answer);
    let content = &told.original().content;
    assert!(content.contains("waiting for the wait timer of **production**"), "{content}");
    world.settle().await;
    let told = world.told(&interaction, told.answer);
    told.asks_for_approval();
    told.both_say("🟢");
    world.dispatch();
}
