//! The outcome's own message, a follow-up or the bot's reply: posted twice it would ping twice.

use standins::discord::Permissions;

use super::*;

/// The deploy's follow-ups, and how often one was posted, when `what` befalls the first post.
async fn told_with(world: &World, what: What) -> (Told, usize) {
    for on in [On::FollowUp, On::ChannelMessage] {
        world.discord.fault(Fault::new(on, what.clone()));
    }
    let (interaction, told) = typed(world, "/deploy-client wait:true", |_| {}).await;
    world.settle().await;
    // What is still on its way lands.
    world.passes(Duration::from_secs(15)).await;
    let told = world.told(&interaction, told.answer);
    assert!(told.original().content.contains("🟢"), "{}", told.transcript());
    world.dispatch();
    (told, sent(world, "POST").len())
}

#[rstest]
#[case::failed_after(What::FailedAfter(502))]
#[case::lost(What::Lost)]
#[case::slow(What::Delay(Duration::from_secs(12)))]
#[case::late(What::Late(Duration::from_secs(12)))]
#[tokio::test(start_paused = true)]
async fn a_post_that_was_taken_is_not_repeated(
    #[case] what: What,
    #[values(false, true)] bot: bool,
) {
    let world = if bot { world_with_a_bot().await } else { World::new().await };
    let (told, posts) = told_with(&world, what).await;
    assert_eq!(told.follow_up().pings.len(), 1);
    assert_eq!(posts, 1);
}

#[rstest]
#[case::fault(What::Status(502))]
#[case::dropped(What::Reset)]
#[tokio::test(start_paused = true)]
async fn a_post_that_may_have_been_taken_is_repeated_only_if_a_look_shows_that_it_was_not(
    #[case] what: What,
) {
    let world = world_with_a_bot().await;
    let (told, posts) = told_with(&world, what.clone()).await;
    assert_eq!((told.follow_up().pings.len(), posts), (1, 2));

    // An empty list proves nothing: without that permission it is always empty.
    let blind = world_with_a_bot().await;
    blind.discord.permit(Permissions { history: false, ..Permissions::default() });
    let outside = world_with_a_bot().await;
    outside.discord.permit(Permissions { view: false, ..Permissions::default() });
    for world in [blind, outside, World::new().await] {
        let (told, posts) = told_with(&world, what.clone()).await;
        assert!(!told.has_follow_up(), "{}", told.transcript());
        assert_eq!(posts, 1);
        let line = world.lines.all().pop().unwrap();
        assert_eq!(line["FollowUpFailures"], 1, "it is not known to be there");
        world.and_more();
    }
}

#[rstest]
#[case::limited(limited(2.5))]
#[case::proxy(What::Proxy { status: 403, retry_after: None })]
#[case::blocked(refused(403, 40333))]
#[case::unknown_webhook(What::UnknownWebhook)]
#[tokio::test(start_paused = true)]
async fn a_post_that_surely_was_not_taken_is_repeated(#[case] what: What) {
    let world = World::new().await;
    let (told, posts) = told_with(&world, what).await;
    assert_eq!((told.follow_up().pings.len(), posts), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn while_discord_is_down_the_only_post_is_not_wasted() {
    let world = World::new().await;
    let (interaction, told) = dispatched(&world, |world| {
        let outage = Fault::new(On::Any, What::Status(503));
        world.discord.fault_for(Duration::from_secs(100), outage);
    })
    .await;
    world.settle().await;
    for _ in 0..2 {
        world.passes(Duration::from_secs(60)).await;
        world.app.sweep(None).await;
    }
    let told = world.told(&interaction, told.answer);
    told.both_say("🟢");
    assert_eq!(told.follow_up().pings.len(), 1);
    let requests = world.discord.requests();
    assert!(requests.iter().filter(|r| r.method == "POST").all(|post| post.status == 200));
    world.dispatch();
}

#[rstest]
#[case::limited(limited(30.0))]
#[case::failing(What::Status(500))]
#[case::hanging(What::Late(Duration::from_secs(60)))]
#[tokio::test(start_paused = true)]
async fn edits_in_trouble_hold_the_outcome_back_for_some_seconds_only(#[case] what: What) {
    let world = World::new().await;
    let (interaction, told) = typed(&world, "/deploy-client wait:true", |_| {}).await;
    world.passes(Duration::from_secs(2)).await;
    world.discord.fault(Fault::new(On::Edit, what).always());
    world.passes(RUN + Duration::from_secs(5)).await;
    let told = world.told(&interaction, told.answer);
    assert!(told.follow_up().content.contains("🟢"), "{}", told.transcript());
    assert_eq!(told.follow_up().pings.len(), 1);
    world.settle().await;
    world.dispatch();
    world.and_more();
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_was_taken_is_seen_by_a_look_and_not_told_again() {
    let world = World::named("slow-dispatch").await;
    world.discord.fault(Fault::new(On::Edit, What::FailedAfter(502)).always());
    let typed = typed(&world, "/deploy-client", |_| {}).await;
    let told = in_the_end(&world, typed).await;
    assert!(told.original().content.contains("🚀"), "{}", told.transcript());
    assert!(!told.has_follow_up(), "{}", told.transcript());
    world.dispatch();
}
