//! One card a run and channel, whatever the deliveries are like.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use standins::discord::{Fault, On, What};
use standins::github::{Fate, Hook, Mishap, NewRun, Timetable};

use super::{ALL, MINUTE, of, push, watching};
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn a_push_is_shown_from_its_beginning_to_its_end() {
    let (world, store) = watching(&[ALL]).await;
    let run = world.github.add_run(push("success"));
    world.passes(Duration::from_secs(20)).await;
    let card = world.card();
    assert!(card.content.starts_with("🔵 **CI**: in progress"), "{}", card.content);
    world.passes(MINUTE).await;
    world.settle().await;
    let card = world.card();
    for part in [
        "🟢 **CI** succeeded",
        "\n`main` · [",
        "-# pushed by octocat · [Run #",
        "octo-org/web-client · `ci.yml`",
        "told by a webhook",
    ] {
        assert!(card.content.contains(part), "{part}: {}", card.content);
    }
    assert!(card.content.contains(&format!("/actions/runs/{run}")), "{}", card.content);
    assert!(card.is_v2() && card.pings.is_empty(), "{card:?}");
    // The end is on the card; a message of its own would say it twice.
    assert!(world.told_of_cards().is_empty());
    let calls = world.github.requests();
    assert!(calls.len() <= 8, "{}: {calls:#?}", calls.len());
    assert!(card.edits <= 6, "{}", card.edits);
    // It is no deploy of anybody's.
    assert!(store.deploys().await.is_empty());
    assert!(
        world.lines.all().iter().all(|line| line["deploys"].is_null()),
        "{:?}",
        world.lines.all()
    );
}

#[rstest]
#[case::twice(vec![Mishap::new(Fate::Twice(Duration::from_millis(20)))])]
#[case::twice_much_later(vec![Mishap::new(Fate::Twice(Duration::from_secs(45)))])]
#[case::out_of_order(vec![Mishap::new(Fate::OutOfOrder)])]
#[case::late(vec![Mishap::new(Fate::Late(Duration::from_secs(6)))])]
#[case::only_the_end(vec![Mishap::new(Fate::Lost).when(|what| what.event != "ping" && what.action != "completed")])]
#[case::only_the_beginning(vec![Mishap::new(Fate::Lost).when(|what| what.event != "ping" && what.action != "requested")])]
#[tokio::test(start_paused = true)]
async fn deliveries_in_any_order_and_number_make_one_card(#[case] mishaps: Vec<Mishap>) {
    let (world, _) = of(&[ALL], |plan| plan, |hook| Hook { mishaps, ..hook }).await;
    world.runs(push("failure")).await;
    world.sweeps(3).await;
    let card = world.card();
    assert!(card.content.starts_with("🔴 **CI** failed"), "{}", card.content);
    assert!(world.told_of_cards().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_answer_is_lost_is_not_repeated() {
    let (world, _) = watching(&[ALL]).await;
    world.discord.fault(Fault::new(On::ChannelMessage, What::Lost).times(2));
    world.runs(push("success")).await;
    world.sweeps(4).await;
    assert!(world.card().content.starts_with("🟢 **CI** succeeded"), "{}", world.card().content);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_killed_leaves_one_card() {
    let (mut world, _) = watching(&[ALL]).await;
    world.discord.fault(Fault::new(On::ChannelMessage, What::Late(Duration::from_secs(3))));
    world.github.add_run(push("success"));
    world.passes(Duration::from_secs(2)).await;
    world.kill();
    // Longer than Discord remembers a nonce.
    world.passes(6 * MINUTE).await;
    world.sweeps(3).await;
    assert!(world.card().content.starts_with("🟢 **CI** succeeded"), "{}", world.card().content);
}

#[rstest]
#[case::success("success", 0)]
#[case::failure("failure", 1)]
#[case::cancelled("cancelled", 0)]
#[tokio::test(start_paused = true)]
async fn with_only_a_card_is_posted_once_the_run_has_ended_like_that(
    #[case] conclusion: &str,
    #[case] cards: usize,
) {
    let (world, _) = watching(&["channel = \"CHANNEL\"\nonly = [\"failure\"]"]).await;
    world.github.add_run(push(conclusion));
    world.passes(Duration::from_secs(55)).await;
    world.sweeps(1).await;
    world.settle().await;
    assert_eq!(world.cards().len(), cards);
    assert!(world.cards().iter().all(|card| card.content.starts_with("🔴 **CI** failed")));
    let requests = world.github.requests();
    assert_eq!(requests.is_empty(), cards == 0, "{requests:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_re_run_opens_the_card_again_also_one_of_failures_only() {
    let (world, _) = watching(&["channel = \"CHANNEL\"\nonly = [\"failure\"]"]).await;
    let run = world.runs(push("failure")).await;
    let card = world.card();
    world.github.rerun(run, "octocat", Some(Timetable::ending("success")));
    world.passes(2 * MINUTE).await;
    world.settle().await;
    let after = world.card();
    assert_eq!(after.id, card.id);
    assert!(after.content.starts_with("🟢 **CI** (attempt 2) succeeded"), "{}", after.content);
}

#[rstest]
#[case::other_branch(NewRun { branch: "dev".to_owned(), ..push("success") })]
#[case::pull_request(NewRun { event: "pull_request".to_owned(), ..push("success") })]
#[case::other_workflow(NewRun { workflow: "client-deploy.yml".to_owned(), ..push("success") })]
#[tokio::test(start_paused = true)]
async fn a_run_that_no_watch_fits_costs_one_read(#[case] run: NewRun) {
    let watch = "channel = \"CHANNEL\"\nworkflows = [\"ci.yml\"]\nbranches = [\"main\"]";
    let (world, store) =
        of(&[watch], |plan| plan, |hook| Hook { events: vec!["workflow_run".to_owned()], ..hook })
            .await;
    let before = store.asked();
    world.runs(run).await;
    let deliveries = world.github.deliveries().len() - 1;
    let after = store.asked();
    assert_eq!(
        (after.gets - before.gets, after.commits, after.lists),
        (deliveries, before.commits, before.lists)
    );
    assert!(world.github.requests().is_empty() && world.cards().is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_channels_have_a_card_each_and_two_watches_of_one_channel_one() {
    let other = "1190000000000000077";
    let watch = format!("channel = \"{other}\"\nbranches = [\"main\"]");
    let (world, _) =
        watching(&[ALL, &watch, "channel = \"CHANNEL\"\nworkflows = [\"ci.yml\"]"]).await;
    world.discord.add_channel(other);
    world.runs(push("success")).await;
    let cards = world.cards();
    let mut channels: Vec<_> = cards.iter().map(|card| card.channel_id.as_str()).collect();
    channels.sort_unstable();
    assert_eq!(channels, [standins::discord::CHANNEL_ID, other]);
    assert!(cards.iter().all(|card| card.content.starts_with("🟢 **CI** succeeded")), "{cards:#?}");
}

#[tokio::test(start_paused = true)]
async fn hostile_names_are_shown_as_text_and_ping_nobody() {
    let (world, _) = watching(&["channel = \"CHANNEL\"\nping = \"77\""]).await;
    let run = NewRun {
        branch: format!("a`<@1>\u{202e}{}", "x".repeat(2000)),
        title: format!("@everyone **x** ](https://evil.example) {}", "y".repeat(9000)),
        actor: "<@&77>@here".to_owned(),
        name: Some("``` @everyone <@1> <#2>".to_owned()),
        ..push("success")
    };
    world.runs(run).await;
    let card = world.card();
    assert!(card.pings.is_empty(), "{card:?}");
    for wrong in ["<@&77>", "<@1>\u{202e}", "](https://evil.example)"] {
        assert!(!card.content.contains(wrong), "{wrong}: {}", card.content);
    }
    assert!(card.content.chars().count() < 4000);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_long_ago_is_no_news() {
    let (world, _) = of(
        &[ALL],
        |plan| plan,
        |hook| hook.mishap(Mishap::new(Fate::Late(Duration::from_secs(25 * 3600)))),
    )
    .await;
    world.github.add_run(NewRun { created: TimeDelta::zero(), ..push("failure") });
    world.passes(MINUTE * 2).await;
    world.leaps(Duration::from_secs(25 * 3600)).await;
    world.passes(MINUTE * 2).await;
    world.settle().await;
    let deliveries = world.github.deliveries();
    assert!(
        deliveries
            .iter()
            .any(|one| one.what.is("workflow_run", "completed") && one.status == Some(204))
    );
    assert!(world.cards().is_empty() && world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_foreign_repository_and_a_forged_delivery_do_nothing() {
    let (world, _) =
        of(&[ALL], |plan| plan, |hook| Hook { secret: Some("forged".to_owned()), ..hook }).await;
    world.runs(push("failure")).await;
    let (foreign, _) =
        of(&[ALL], |plan| plan, |hook| Hook { repo: "octo-org/other".to_owned(), ..hook }).await;
    foreign.runs(NewRun { repo: Some("octo-org/other".to_owned()), ..push("failure") }).await;
    for world in [world, foreign] {
        assert!(world.github.deliveries().len() > 1);
        assert!(world.cards().is_empty() && world.github.requests().is_empty());
    }
}

/// A world whose first process is another: both get every delivery.
#[tokio::test(start_paused = true)]
async fn two_processes_make_one_card() {
    let (mut world, _) = watching(&[ALL]).await;
    let both: Hook = world.hook();
    world.restart();
    world.github.add_hook(Hook { ..world.hook() });
    drop(both);
    world.runs(push("success")).await;
    World::settle(&world).await;
    world.sweeps(1).await;
    assert!(world.card().content.starts_with("🟢 **CI** succeeded"));
}
