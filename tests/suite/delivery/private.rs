//! A private answer after a public "thinking…": the deletion must not withhold it, nor make it public.

use deckhand::bot::authorize::AccessLevel;
use deckhand::bot::{Command, Plan as CommandPlan, Serves};
use deckhand::discord::Message;
use standins::discord::EventKind;

use super::*;

const SECRETIVE: Command = Command {
    serves: Serves::Own {
        name: "secretive",
        description: "Answers in private",
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
};

#[rstest]
#[case::lost(Fault::new(On::Delete, What::Lost), 0)]
#[case::failed_after(Fault::new(On::Delete, What::FailedAfter(502)), 0)]
#[case::late(Fault::new(On::Delete, What::Late(Duration::from_secs(12))), 0)]
#[case::outage(Fault::new(On::Any, What::Status(503)).times(4), 0)]
#[case::proxy(Fault::new(On::Delete, What::Proxy { status: 403, retry_after: None }).times(3), 0)]
#[case::gone(Fault::new(On::Delete, refused(404, 10008)), 1)]
#[case::never(Fault::new(On::Delete, What::Status(500)).always(), 1)]
#[case::refused(Fault::new(On::Delete, refused(403, 50013)).always(), 1)]
#[tokio::test(start_paused = true)]
async fn a_private_answer_arrives_in_private(#[case] fault: Fault, #[case] stays: usize) {
    let table = Box::leak(Box::new([SECRETIVE]));
    let world = World::of(Plan { table, ..Plan::default() }).await;
    let said_gone = fault.what == refused(404, 10008);
    let typed = typed(&world, "/secretive", |world| {
        if said_gone {
            // Discord says so because it is.
            return;
        }
        world.discord.fault(fault);
    })
    .await;
    if said_gone {
        world.discord.delete_original(&typed.0);
    }
    world.settle().await;
    // What is still on its way lands.
    world.passes(Duration::from_secs(30)).await;
    let told = in_the_end(&world, typed).await;
    let private: Vec<_> = told.messages().iter().filter(|m| m.ephemeral).collect();
    assert_eq!(private.len(), 1, "{}", told.transcript());
    assert_eq!(private[0].content, "for your eyes");
    let public = told.messages().iter().filter(|m| !m.ephemeral).count();
    assert_eq!(public, if said_gone { 0 } else { stays }, "{}", told.transcript());
    for event in world.discord.conversation() {
        if let EventKind::Edited { message, .. } | EventKind::Posted { message, .. } = event.kind {
            assert!(message.ephemeral || !message.content.contains("your eyes"));
        }
    }
    let _ = world.discord.requests();
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_lands_late_does_not_make_a_private_answer_public() {
    let table = Box::leak(Box::new([SECRETIVE]));
    let world = World::of(Plan { table, ..Plan::default() }).await;
    world.discord.fault(Fault::new(On::Edit, What::Late(Duration::from_secs(14))));
    world.discord.fault(Fault::new(On::Delete, What::Status(500)).always());
    let (interaction, told) = typed(&world, "/secretive", |_| {}).await;
    world.settle().await;
    world.passes(Duration::from_secs(60)).await;
    let told = world.told(&interaction, told.answer);
    assert!(told.follow_up().ephemeral && told.follow_up().content == "for your eyes");
    assert!(!told.original().content.contains("your eyes"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_private_answer_is_withheld_where_it_would_be_public() {
    let table = Box::leak(Box::new([SECRETIVE]));
    let time_limit = Some(Duration::from_secs(60));
    let world = World::of(Plan { table, time_limit, ..Plan::default() }).await;
    for on in [On::Delete, On::Edit] {
        world.discord.fault(Fault::new(on, What::Status(500)).always());
    }
    let (interaction, told) = typed(&world, "/secretive", |_| {}).await;
    world.settle().await;
    let told = world.told(&interaction, told.answer);
    assert!(told.original().loading && !told.has_follow_up(), "{}", told.transcript());
    assert_eq!(world.lines.of(&interaction)["FollowUpFailures"], 1);
}
