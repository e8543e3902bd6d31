//! Words that fit a phone: what is said first is true, short, said once, and names what to do.

use std::time::Duration;

use rstest::rstest;
use standins::discord::User;
use standins::github::{Fault, On, Scenario, Timetable, What};

use crate::world::{Plan, Told, World};

const WAIT: &str = "/deploy-client wait:true";

/// GitHub answers a dispatch so.
fn dispatches(fault: Fault) -> Scenario {
    Scenario { faults: vec![fault.on(On::Dispatch).always()], ..Scenario::default() }
}

/// The lines that are no small print.
fn lines(content: &str) -> Vec<&str> {
    content.lines().filter(|line| !line.starts_with("-# ")).collect()
}

#[rstest]
#[case::token(Fault::status(401, "Bad credentials"), "GitHub refuses the token (401)")]
#[case::permission(Fault::forbidden(), "The token needs the permission Actions: read and write")]
#[case::saml(
    Fault::status(403, "Resource protected by organization SAML enforcement."),
    "single sign-on"
)]
#[tokio::test(start_paused = true)]
async fn what_a_colleague_cannot_mend_is_told_to_admins(
    #[case] fault: Fault,
    #[case] detail: &str,
    #[values(WAIT, "/deploy-client")] text: &str,
    #[values(true, false)] is_admin: bool,
) {
    let admin = User::named(if is_admin { "ada" } else { "grace" }).id;
    let env = vec![("ADMIN_USER_IDS", admin)];
    let scenario = dispatches(fault);
    let world = World::of(Plan { scenario, env, ..Plan::default() }).await;
    let told = world.types("ada", text).await;
    told.only_shows(
        "🔴 **Client deploy**: not started. An admin of the bot must mend it.\n`main`\n-# By",
    );
    let content = &told.original().content;
    assert_eq!(content.contains(detail), is_admin, "{content}");
    assert_eq!(content.contains("-# For admins: "), is_admin, "{content}");
}

/// What anybody who works on the repository can mend stays for everybody.
#[rstest]
#[case::no_ref(
    Fault::status(422, "No ref found for: main"),
    "Check that this branch or tag exists."
)]
#[case::disabled(Fault::status(403, "Workflow is disabled."), "Enable the workflow on its page")]
#[case::missing(Fault::status(404, "Not Found"), "`.github/workflows` on the default branch")]
#[tokio::test(start_paused = true)]
async fn an_end_that_comes_at_once_is_one_message(#[case] fault: Fault, #[case] cure: &str) {
    let world = World::with(dispatches(fault)).await;
    let told = world.types("ada", WAIT).await;
    told.only_shows("🔴 **Client deploy**: not started. GitHub ");
    assert!(told.original().content.contains(cure), "{}", told.transcript());
}

/// Nobody looks at a message that cannot be edited.
#[tokio::test(start_paused = true)]
async fn where_it_cannot_be_shown_at_once_the_requester_is_pinged() {
    let world = World::with_a_bot(Plan {
        scenario: dispatches(Fault::status(422, "No ref found for: main")),
        ..Plan::default()
    })
    .await;
    let down = standins::discord::Fault::new(
        standins::discord::On::Edit,
        standins::discord::What::Status(500),
    );
    world.discord.fault(down.skip(1).always());
    let interaction = world.interaction("ada", WAIT);
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(50)).await;
    let told = world.told(&interaction, answer);
    let follow_up = told.follow_up();
    assert!(follow_up.content.contains("not started. GitHub refuses it (422)"), "{follow_up:#?}");
    assert_eq!(follow_up.pings, [User::named("ada").id]);
    world.and_more();
}

#[rstest]
#[case::success(Timetable::default(), 1)]
#[case::failure(Timetable::ending("failure"), 2)]
#[case::cancelled(Timetable::ending("cancelled"), 2)]
#[case::timed_out(Timetable::ending("timed_out"), 3)]
#[case::no_start(Timetable::startup_failure(), 2)]
#[tokio::test(start_paused = true)]
async fn what_pings_is_short_and_has_no_ids(#[case] timetable: Timetable, #[case] most: usize) {
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    let told = world.types("ada", WAIT).await;
    let (card, ping) = (&told.original().content, &told.follow_up().content);
    assert!(lines(ping).len() <= most, "{ping}");
    for small in ["Correlation id", "matched by", "Run #", "(`", "dispatched"] {
        assert!(!ping.contains(small), "{small}: {ping}");
    }
    let print: Vec<&str> = card.lines().filter(|line| line.starts_with("-# ")).collect();
    let print = print.join("\n");
    for small in ["Correlation id `", "matched by run id", "[Run #41]", "By <@"] {
        assert!(print.contains(small), "{small}: {card}");
    }
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_start_names_the_workflow_file() {
    let world = World::named("startup-failure").await;
    let told = world.types("ada", WAIT).await;
    told.both_say("Usually a mistake in the [workflow file](<https://github.com/octo-org/web-client/actions/runs/");
    told.both_say("/workflow>)");
    world.dispatch();
}

/// Of a run that was cancelled in the queue nothing can be half deployed.
#[rstest]
#[case::at_work(Timetable::ending("cancelled"), true)]
#[case::in_the_queue(
    Timetable::path(&[
        (Duration::ZERO, "queued", None),
        (Duration::from_secs(5), "completed", Some("cancelled")),
    ]),
    false
)]
#[tokio::test(start_paused = true)]
async fn a_cancel_in_the_middle_names_what_tells_what_is_live(
    #[case] timetable: Timetable,
    #[case] half: bool,
) {
    let world = World::with(Scenario { timetable, ..Scenario::default() }).await;
    let told = world.types("ada", WAIT).await;
    for message in [told.original(), told.follow_up()] {
        let says =
            message.content.contains("It may be half deployed: check with `/verify-latest`.");
        assert_eq!(says, half, "{}", message.content);
    }
    world.dispatch();
}

/// An edit notifies nobody, so what is posted must be true: the run is green, and a check failed.
#[tokio::test(start_paused = true)]
async fn a_diagnosis_pings_with_what_its_checks_say() {
    let world = World::new().await;
    let told = world.types("ada", "/diagnose wait:true").await;
    let expected = "❌ **Diagnose runner**: 1 of 2 checks failed";
    assert!(told.original().content.starts_with(expected), "{}", told.transcript());
    let ping = told.follow_up();
    let ada = User::named("ada").id;
    assert_eq!(
        ping.content,
        format!("<@{ada}> {expected}\n❌ API /health — 503 Service Unavailable")
    );
    assert_eq!((ping.edits, ping.pings.len()), (0, 1));
    world.dispatch();
}

/// The summary is not waited for without end.
#[tokio::test(start_paused = true)]
async fn a_diagnosis_whose_summary_is_slow_is_told_all_the_same() {
    let slow = Fault::new(On::Artifacts, What::Delay(Duration::from_secs(60))).always();
    let world = World::with(Scenario { faults: vec![slow], ..Scenario::default() }).await;
    let told = world.types("ada", "/diagnose wait:true").await;
    told.tells_once("🟢 **Diagnose runner** succeeded");
    assert!(told.original().content.contains("its checks are not known"), "{}", told.transcript());
    world.dispatch();
}

#[rstest]
#[case("/verify-run run_id:999", "has no run `999` (404).")]
#[case("/verify-run run_id:#999", "`client-deploy.yml` has no run `#999`.")]
#[case("/verify-latest run_url:999", "has no run `999` (404).")]
#[case("/cancel deploy:#999", "none of the latest deploys in this server")]
#[tokio::test(start_paused = true)]
async fn an_unknown_run_is_refused_in_private(#[case] text: &str, #[case] why: &str) {
    let world = World::new().await;
    let told = world.types("ada", text).await;
    let said = told.original();
    assert!(said.ephemeral && said.content.contains(why), "{}", told.transcript());
    assert!(said.content.starts_with("⚠️ Nothing was "), "{}", said.content);
    assert!(said.content.contains("Choose one of the suggestions"), "{}", said.content);
}

/// The line of an agent, and the small line below it.
fn of(told: &Told, name: &str) -> String {
    let content = &told.original().content;
    let mut lines = content.lines().skip_while(|line| !line.contains(name));
    lines.by_ref().take(2).collect::<Vec<_>>().join("\n")
}

#[tokio::test(start_paused = true)]
async fn agents_say_how_each_stands() {
    let env = vec![("ADMIN_USER_IDS", User::named("grace").id)];
    let world = World::of(Plan { env, ..Plan::default() }).await;
    let before = world.types("ada", "/agents").await;
    assert!(before.original().ephemeral);
    let line = of(&before, "**Client deploy**");
    assert!(line.contains("⚪ no runs yet · workflow active · for everybody here"), "{line}");
    world.types("ada", WAIT).await.tells_once("🟢");
    world.dispatch();
    let after = world.types("ada", "/agents").await;
    let line = of(&after, "**Client deploy**");
    assert!(line.contains("-# 🟢 succeeded [run #41](<"), "{line}");
    assert!(after.original().content.contains("It has nothing to do with AI."));
}

/// What the record knows does not need GitHub.
#[rstest]
#[case::slow(What::Delay(Duration::from_secs(30)))]
#[case::down(What::Reset)]
#[tokio::test(start_paused = true)]
async fn agents_do_not_wait_for_github(#[case] what: What) {
    let world = World::new().await;
    world.types("ada", WAIT).await.tells_once("🟢");
    world.dispatch();
    world.github.update(|scenario| {
        scenario.faults =
            [On::Workflows, On::RunList].map(|on| Fault::new(on, what.clone()).always()).to_vec();
    });
    let told = world.types("ada", "/agents").await;
    assert_eq!(told.kind(), 4, "{}", told.transcript());
    let line = of(&told, "**Client deploy**");
    assert!(line.contains("🟢 succeeded") && line.contains("workflow not known"), "{line}");
    let line = of(&told, "**Diagnose runner**");
    assert!(line.contains("⚪ last run not known · workflow not known"), "{line}");
}
