//! What a run waits for is named: a concurrency group with the run ahead, and who may approve.

use std::time::Duration;

use rstest::rstest;
use standins::discord::User;
use standins::github::{Fault, Gate, NewRun, On, Scenario, Timetable};

use crate::world::{Told, World};

/// Runs of `/deploy-client` go one after the other, and somebody else's has begun.
async fn in_line(group: &str, ahead: usize, running: u64) -> World {
    let mut scenario = Scenario::default();
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().concurrency(group);
    let world = World::with(scenario).await;
    for _ in 0..ahead {
        world.github.add_run(NewRun {
            repo: Some("octo-org/web-client".to_owned()),
            timetable: Timetable { running: Duration::from_secs(running), ..Timetable::default() },
            ..NewRun::default()
        });
    }
    world
}

/// What a deploy shows after so many seconds; it is still going on.
async fn shown_after(world: &World, seconds: u64) -> (String, Told) {
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(seconds)).await;
    let told = world.told(&interaction, answer);
    let shown = told.original().content.clone();
    world.settle().await;
    let told = world.told(&interaction, told.answer);
    (shown, told)
}

#[rstest]
#[case::a_name("production")]
#[case::any_name("a/b c?d#e%2F")]
#[tokio::test(start_paused = true)]
async fn a_run_in_line_names_its_group_and_the_run_ahead(#[case] group: &str) {
    let world = in_line(group, 1, 60).await;
    let ahead = world.github.runs()[0].clone();
    let (shown, told) = shown_after(&world, 20).await;
    let page = format!("https://github.com/octo-org/web-client/actions/runs/{}", ahead.id);
    let words = format!(
        "waiting for concurrency group `{group}`, 1st in line, behind [Run #{}](<{page}>)",
        ahead.run_number
    );
    assert!(shown.starts_with("🔵") && shown.contains(&words), "{shown}");
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn the_place_in_line_is_followed() {
    let world = in_line("production", 2, 20).await;
    let numbers: Vec<u64> = world.github.runs().iter().map(|run| run.run_number).collect();
    let interaction = world.interaction("ada", "/deploy-client wait:true");
    let answer = world.deliver(&interaction).await;
    world.passes(Duration::from_secs(10)).await;
    let told = world.told(&interaction, answer);
    let shown = told.original().content.clone();
    assert!(shown.contains(&format!("2nd in line, behind [Run #{}]", numbers[1])), "{shown}");
    world.passes(Duration::from_secs(20)).await;
    let told = world.told(&interaction, told.answer);
    let shown = told.original().content.clone();
    assert!(shown.contains(&format!("1st in line, behind [Run #{}]", numbers[1])), "{shown}");
    world.settle().await;
    world.told(&interaction, told.answer).both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_stays_where_it_is_costs_no_rate_limit() {
    let world = in_line("production", 1, 120).await;
    let (_, told) = shown_after(&world, 100).await;
    told.both_say("🟢");
    let requests = world.github.requests();
    let counted = |path: &str| {
        let of = requests.iter().filter(|request| request.path.contains(path));
        of.clone().filter(|request| request.counted).count()
    };
    // The run in each of its four states, its groups, the number of the run ahead, and its jobs.
    assert_eq!((counted("/runs/"), counted("/actions/concurrency_groups")), (7, 1));
}

#[rstest]
#[case::refused(Fault::forbidden(), 1)]
#[case::unknown_to_the_server(Fault::status(404, "Not Found"), 1)]
#[case::down(Fault::bad_gateway(), 5)]
#[tokio::test(start_paused = true)]
async fn a_deploy_goes_on_if_github_does_not_tell_its_place(
    #[case] fault: Fault,
    #[case] at_least: usize,
) {
    let world = in_line("production", 1, 30).await;
    world.github.fault(fault.on(On::Concurrency).always());
    let (shown, told) = shown_after(&world, 20).await;
    assert!(shown.contains("waiting for a concurrency group"), "{shown}");
    told.both_say("🟢");
    let requests = world.github.requests();
    let asked = requests.iter().filter(|request| request.path.ends_with("/concurrency_groups"));
    let asked = asked.count();
    assert!(if at_least == 1 { asked == 1 } else { asked >= at_least }, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn status_names_it_too() {
    let world = in_line("production", 2, 60).await;
    world.passes(Duration::from_secs(5)).await;
    let told = world.types("ada", "/status").await;
    let content = &told.original().content;
    assert!(
        content.contains("waiting for concurrency group `production`, 1st in line"),
        "{content}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_may_approve_is_named_and_only_the_requester_is_pinged() {
    let reviewers = ["grace", "@everyone", "octo-org/ops"].map(str::to_owned).to_vec();
    let gates = vec![Gate { reviewers, ..Gate::approval("production") }];
    let world =
        World::with(Scenario { gates, timetable: Timetable::timer(), ..Scenario::default() }).await;
    let (shown, told) = shown_after(&world, 20).await;
    let words = "waiting for approval of **production** by grace, @\u{200b}everyone, octo-org/ops";
    assert!(shown.starts_with("🟠") && shown.contains(words), "{shown}");
    assert_eq!(told.original().pings.len(), 0);
    let asks = told.asks_for_approval();
    assert!(
        asks.content.starts_with("✅") && asks.pings == [User::named("ada").id],
        "{}",
        asks.content
    );
    told.both_say("🟢");
    world.dispatch();
}
