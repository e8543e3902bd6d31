//! How often Discord is written to, and GitHub asked, while a deploy goes on.

use rstest::rstest;
use standins::discord::{EventKind, Message};
use standins::github::{Scenario, Workflow};

use super::{Story, runs, seconds, taking};
use crate::world::{World, durable};

/// Three jobs one after the other, each of some steps: 180 s in all.
fn three_jobs() -> Scenario {
    let mut scenario = runs(taking("success", 178));
    let workflow = Workflow::new("client-deploy.yml", "Client deploy")
        .run_name("Client deploy {correlation_id}")
        .input("correlation_id", false)
        .input("requester", false)
        .job_before("test", &[("Set up", 1), ("Unit tests", 3), ("Lint", 1)])
        .job_before("build", &[("Set up", 1), ("Build", 3), ("Upload", 1)])
        .steps(&[("Set up", 1), ("S3 sync", 3), ("CloudFront invalidation", 1)]);
    scenario.add_workflow(workflow);
    scenario
}

/// When the deploy's message was edited.
fn edits(story: &Story) -> Vec<chrono::DateTime<chrono::Utc>> {
    let requests = story.world.discord.requests().into_iter();
    let original = |path: &str| path.ends_with("/messages/@original");
    let edits = requests.filter(|r| r.method == "PATCH" && original(&r.path) && r.status == 200);
    edits.map(|request| request.at).collect()
}

/// How many calls of GitHub counted against the rate limit.
fn calls(story: &Story) -> usize {
    story.world.github.requests().iter().filter(|request| request.counted).count()
}

/// How the message looked after each edit.
fn versions(story: &Story) -> Vec<Message> {
    let id = story.card().id;
    let events = story.world.discord.conversation().into_iter();
    events
        .filter_map(|event| match event.kind {
            EventKind::Edited { message, .. } if message.id == id => Some(*message),
            _ => None,
        })
        .collect()
}

async fn story(hooked: bool) -> Story {
    let (plan, store) = durable(three_jobs());
    let plan = plan.with_bot();
    let world = World::durable(if hooked { plan.with_webhooks() } else { plan }).await;
    if hooked {
        world.add_hook(world.hook()).await;
    }
    Story::begins(world, store, 0).await
}

#[rstest]
#[case::with_webhooks(true, 12, 8)]
#[case::without(false, 12, 8)]
#[tokio::test(start_paused = true)]
async fn a_wait_of_180_s_stays_within_its_budget(
    #[case] hooked: bool,
    #[case] most_edits: usize,
    #[case] most_calls: usize,
) {
    let story = story(hooked).await;
    story.world.passes(seconds(200)).await;
    story.world.settle().await;
    story.told().tells_once("🟢");
    let (edits, calls) = (edits(&story), calls(&story));
    assert!(edits.len() <= most_edits, "{edits:#?}");
    assert!(calls <= most_calls, "{calls}");
    // The first that shows the run and the last need not wait.
    let pauses = edits.windows(2).map(|two| two[1] - two[0]);
    let short = pauses.filter(|pause| *pause < chrono::TimeDelta::seconds(2)).count();
    assert!(short <= 3, "{edits:#?}");
    let versions = versions(&story);
    assert!(
        versions.windows(2).all(|two| two[0].components != two[1].components),
        "an edit changed nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn many_changes_at_once_are_few_edits() {
    // A matrix of a hundred jobs that begin and end at the same time.
    let mut scenario = runs(taking("success", 60));
    let workflow = scenario.workflow_mut("client-deploy.yml");
    *workflow = workflow.clone().matrix(100);
    let (plan, store) = durable(scenario);
    let world = World::durable(plan.with_bot().with_webhooks()).await;
    world.add_hook(world.hook()).await;
    let story = Story::begins(world, store, 0).await;
    story.world.passes(seconds(100)).await;
    story.world.settle().await;
    story.told().tells_once("🟢");
    let edits = edits(&story);
    assert!(edits.len() <= 12, "{edits:#?}");
    story.world.and_more();
}
