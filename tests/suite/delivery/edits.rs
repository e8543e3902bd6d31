//! The original response: the latest message wins, and the last one for good.

use standins::discord::EventKind;

use super::*;

/// What the original response showed, one version after the other.
fn versions(world: &World) -> Vec<String> {
    let edits = world.discord.conversation().into_iter().filter_map(|event| match event.kind {
        EventKind::Edited { message, .. } => Some(message.content.clone()),
        _ => None,
    });
    edits.collect()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_edit_that_lands_late_never_replaces_the_outcome(
    #[values(0, 1)] skip: usize,
    #[values(2, 6, 12, 29)] seconds: u64,
) {
    let world = World::new().await;
    let late = What::Late(Duration::from_secs(seconds));
    world.discord.fault(Fault::new(On::Edit, late).skip(skip));
    let typed = typed(&world, "/deploy-client wait:true", |_| {}).await;
    let told = in_the_end(&world, typed).await;
    told.both_say("🟢");
    assert!(!versions(&world).is_empty());
    // What is still on its way lands after the bot is done, if it does.
    world.passes(Duration::from_secs(60)).await;
    assert!(versions(&world).last().unwrap().contains("🟢"), "{:#?}", versions(&world));
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn the_outcome_does_not_wait_for_an_edit_that_hangs() {
    let world = World::new().await;
    let late = What::Late(Duration::from_secs(40));
    world.discord.fault(Fault::new(On::Edit, late).skip(2));
    let (interaction, told) = typed(&world, "/deploy-client wait:true", |_| {}).await;
    world.passes(RUN + Duration::from_secs(2)).await;
    let told = world.told(&interaction, told.answer);
    told.both_say("🟢");
    world.settle().await;
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_failed_after_it_took_effect_is_settled_by_repeating_it() {
    let world = World::new().await;
    world.discord.fault(Fault::new(On::Edit, What::FailedAfter(502)).times(4));
    let typed = typed(&world, "/deploy-client wait:true", |_| {}).await;
    let told = in_the_end(&world, typed).await;
    told.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_page_instead_of_an_answer_confirms_nothing() {
    let world = World::new().await;
    let page = What::Proxy { status: 200, retry_after: None };
    world.discord.fault_for(Duration::from_secs(20), Fault::new(On::Edit, page));
    let typed = typed(&world, "/deploy-client wait:true", |_| {}).await;
    in_the_end(&world, typed).await.both_say("🟢");
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_changes_nothing_is_not_sent() {
    let world = World::named("stuck").await;
    let typed = typed(&world, "/deploy-client wait:true", |_| {}).await;
    let told = in_the_end(&world, typed).await;
    assert!(told.original().content.starts_with("⏱️"), "{}", told.transcript());
    assert!(sent(&world, "PATCH").len() <= 5, "{:?}", sent(&world, "PATCH"));
    world.dispatch();
}

#[rstest]
#[case::while_it_is_followed(true)]
#[case::before_the_first_edit(false)]
#[tokio::test(start_paused = true)]
async fn after_a_message_was_deleted_the_outcome_comes_at_once_and_raises_no_alarm(
    #[case] shown: bool,
) {
    let world = World::new().await;
    let (interaction, told) = typed(&world, "/deploy-client wait:true", |_| {}).await;
    if shown {
        world.passes(Duration::from_secs(2)).await;
    }
    world.discord.delete_original(&interaction);
    world.settle().await;
    let told = world.told(&interaction, told.answer);
    assert!(told.follow_up().content.contains("🟢"), "{}", told.transcript());
    let tries = world.discord.requests().iter().filter(|r| r.status == 404).count();
    assert!((1..=2).contains(&tries), "{tries}");
    // The look at the run comes every three seconds.
    let post = sent(&world, "POST");
    assert!(post[0] < TimeDelta::seconds(10), "{post:?}");
    let line = world.lines.of(&interaction);
    assert_eq!(
        (line["Outcome"].as_str(), line["FollowUpFailures"].as_u64()),
        (Some("answered"), Some(0))
    );
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_a_deleted_message_comes_as_a_follow_up() {
    let world = World::named("slow-dispatch").await;
    let typed = typed(&world, "/deploy-client", |_| {}).await;
    world.discord.delete_original(&typed.0);
    let told = in_the_end(&world, typed).await;
    assert!(told.follow_up().content.contains("🚀"), "{}", told.transcript());
    assert_eq!(sent(&world, "PATCH").len(), 1);
    world.dispatch();
}

#[tokio::test(start_paused = true)]
async fn a_404_without_a_code_is_final_once_discord_knew_the_interaction() {
    let world = World::new().await;
    let (interaction, told) = typed(&world, "/deploy-client wait:true", |_| {}).await;
    world.passes(Duration::from_secs(1)).await;
    world.discord.fault(Fault::new(On::Edit, What::Status(404)).always());
    world.passes(RUN + Duration::from_secs(1)).await;
    let told = world.told(&interaction, told.answer);
    assert!(told.follow_up().content.contains("🟢"), "{}", told.transcript());
    world.settle().await;
    world.dispatch();
    world.and_more();
}
