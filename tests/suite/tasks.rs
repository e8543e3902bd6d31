//! How a command's work is run: its three seconds, its deadline, a panic, and a server that stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deckhand::bot::authorize::AccessLevel;
use deckhand::bot::{Command, Plan as CommandPlan, Serves};
use deckhand::discord::Message;
use deckhand::store::Memory;
use rstest::rstest;
use standins::github::{Scenario, Timetable};

use crate::world::{Plan, Remembers, World};

fn panicking() -> Command {
    Command {
        serves: Serves::Own {
            name: "panic",
            description: "Panics",
            access: AccessLevel::Agent,
            options: Vec::new,
        },
        needs: &[],
        complete: None,
        start: |_| {
            Box::pin(std::future::ready(Ok(CommandPlan::Race(Box::pin(async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                panic!("a panicking task")
            })))))
        },
    }
}

fn panicking_at_once() -> Command {
    Command {
        serves: Serves::Own {
            name: "panic-now",
            description: "Panics",
            access: AccessLevel::Agent,
            options: Vec::new,
        },
        needs: &[],
        complete: None,
        start: |_| {
            let work = Box::pin(async { panic!("a panicking task") });
            Box::pin(std::future::ready(Ok(CommandPlan::Race(work))))
        },
    }
}

fn deaf() -> Command {
    Command {
        serves: Serves::Own {
            name: "deaf",
            description: "Never ends",
            access: AccessLevel::Agent,
            options: Vec::new,
        },
        needs: &[],
        complete: None,
        start: |_| {
            Box::pin(std::future::ready(Ok(CommandPlan::Race(Box::pin(std::future::pending())))))
        },
    }
}

fn table(commands: Vec<Command>) -> &'static [Command] {
    Box::leak(commands.into_boxed_slice())
}

#[rstest]
#[case("/panic", 5)]
#[case("/panic-now", 4)]
#[tokio::test(start_paused = true)]
async fn a_panicking_task_still_answers(#[case] text: &str, #[case] kind: u64) {
    let table = table(vec![panicking(), panicking_at_once()]);
    let world = World::of(Plan { table, ..Plan::default() }).await;
    let told = world.types("ada", text).await;
    assert_eq!(told.kind(), kind);
    assert!(told.original().content.contains("💥 Deckhand has a fault"), "{}", told.transcript());
    assert!(told.original().content.contains("Correlation id"));
    assert_eq!(told.has_follow_up(), kind == 5);
    if told.has_follow_up() {
        told.both_say("💥 Deckhand has a fault");
    }
}

#[rstest]
#[case::running("success", "🔵 **Client deploy**: ")]
#[case::searching("late-run", "🔵 **Client deploy**: started, looking for its run")]
#[case::dispatching("slow-dispatch", "🔵 **Client deploy**: starting…")]
#[tokio::test(start_paused = true)]
async fn at_the_deadline_a_deploy_is_left_to_the_sweep(
    #[case] scenario: &str,
    #[case] shows: &str,
) {
    let time_limit = Some(Duration::from_secs(6));
    let scenario = Scenario::named(scenario).unwrap();
    let world = World::of(Plan { scenario, time_limit, ..Plan::default() }).await;
    let start = tokio::time::Instant::now();
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    let told = world.told(&interaction, answer);
    told.only_shows(shows);
    world.sweeps(3).await;
    let told = world.told_since(&interaction, told);
    told.tells_once("🟢 **Client deploy** succeeded");
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    assert!(told.original().content.contains(&run), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn work_that_ignores_the_deadline_is_aborted_and_answered_for() {
    let time_limit = Some(Duration::from_secs(10));
    let world = World::of(Plan { table: table(vec![deaf()]), time_limit, ..Plan::default() }).await;
    let start = tokio::time::Instant::now();
    let told = world.types("ada", "/deaf").await;
    assert!(start.elapsed() < Duration::from_secs(10));
    told.both_say("⏱️ Deckhand ran out of time");
}

#[tokio::test(start_paused = true)]
async fn a_deploy_of_a_server_that_stops_is_told_by_the_next_one() {
    let timetable = Timetable { running: Duration::from_secs(60), ..Timetable::default() };
    let scenario = Scenario { timetable, ..Scenario::default() };
    let remembers = Remembers::In(Arc::new(Memory::default()));
    let mut world = World::of(Plan { scenario, remembers, ..Plan::default() }).await;
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(10)).await;
    world.tasks.stop();
    world.settle().await;
    let told = world.told(&interaction, answer);
    told.only_shows("🔵 **Client deploy**: in progress");
    world.restart();
    let next = world.app.clone();
    let server = tokio::spawn(async move { next.sweep_for_ever().await });
    world.passes(Duration::from_secs(60)).await;
    let told = world.told_since(&interaction, told);
    told.tells_once("🟢 **Client deploy** succeeded after 1m 2s");
    assert!(told.original().content.contains("/actions/runs/"));
    world.dispatch();
    server.abort();
}

/// Counts its starts, and takes longer than the three seconds.
fn counted() -> Command {
    static STARTS: AtomicUsize = AtomicUsize::new(0);
    Command {
        serves: Serves::Own {
            name: "counted",
            description: "Counts",
            access: AccessLevel::Agent,
            options: Vec::new,
        },
        needs: &[],
        complete: None,
        start: |_| {
            let work = Box::pin(async {
                let starts = STARTS.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::time::sleep(Duration::from_secs(20)).await;
                Message::public(&format!("started {starts} times")).into()
            });
            Box::pin(std::future::ready(Ok(CommandPlan::Race(work))))
        },
    }
}

#[tokio::test(start_paused = true)]
async fn work_longer_than_three_seconds_goes_on_and_runs_once() {
    let world = World::of(Plan { table: table(vec![counted()]), ..Plan::default() }).await;
    let told = world.types("ada", "/counted").await;
    assert_eq!(told.kind(), 5);
    assert_eq!(told.original().content, "started 1 times");
}

/// An answer that turns out private after a public "thinking…".
fn private_late() -> Command {
    Command {
        serves: Serves::Own {
            name: "private",
            description: "Private",
            access: AccessLevel::Agent,
            options: Vec::new,
        },
        needs: &[],
        complete: None,
        start: |_| {
            Box::pin(std::future::ready(Ok(CommandPlan::Race(Box::pin(async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Message::private("for your eyes").into()
            })))))
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_private_answer_after_a_public_defer_replaces_it() {
    let world = World::of(Plan { table: table(vec![private_late()]), ..Plan::default() }).await;
    let told = world.types("ada", "/private").await;
    assert_eq!(told.kind(), 5);
    assert_eq!(told.messages().len(), 1);
    assert!(told.messages()[0].ephemeral);
    assert_eq!(told.messages()[0].content, "for your eyes");
    let deleted = world.discord.requests().into_iter().filter(|request| request.method == "DELETE");
    assert_eq!(deleted.count(), 1, "the public message is gone");
}
