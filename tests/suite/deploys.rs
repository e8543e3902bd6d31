//! The main job: a signed command goes in, the run's real outcome comes out.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use standins::github::{Scenario, Timetable};

use crate::world::{Plan, World};

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_runs_outcome_and_tells_the_requester() {
    let world = World::new().await;
    let told = world.types("ada", "/deploy-client wait:true").await;
    assert_eq!(told.kind(), 5);
    assert!(
        told.original()
            .content
            .contains("🟢 **Client deploy** succeeded")
    );
    assert!(
        told.follow_up()
            .content
            .contains("🟢 **Client deploy** succeeded")
    );
    assert_eq!(told.follow_up().pings.len(), 1);
    assert!(told.original().pings.is_empty());
    let run = format!("/actions/runs/{}", world.dispatch().run_id);
    assert!(told.original().content.contains(&run));
    assert!(told.follow_up().content.contains(&run));
}
