//! Cancels and re-runs on GitHub: done once, whatever becomes of the answers.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use deckhand::aws::Parameters;
use deckhand::bot::Settings;
use deckhand::github::{Github, GithubError, Repository};
use rstest::rstest;
use standins::discord::GUILD_ID;
use standins::github::{Fault, NewRun, On, Permission, Scenario, Timetable, What};

use crate::world::{TOKEN, World};

const REPOSITORY: &str = "octo-org/web-client";

/// A client of its own, and a run that it is about.
struct Story {
    world: World,
    client: Github,
    repository: Repository,
    run_id: u64,
}

impl Story {
    /// A run that began so many seconds ago.
    async fn of(timetable: Timetable, seconds: u64, scenario: Scenario) -> Self {
        let world = World::with(scenario).await;
        let env = |name: &str| match name {
            "GITHUB_API_BASE" => Some(world.github.url()),
            "GITHUB_TOKEN" => Some(TOKEN.to_owned()),
            "GITHUB_REPO" => Some(REPOSITORY.to_owned()),
            "DISCORD_PUBLIC_KEY" => Some(world.discord.public_key()),
            "DISCORD_APPLICATION_ID" => Some(world.discord.application_id()),
            "ALLOWED_GUILD_IDS" => Some(GUILD_ID.to_owned()),
            _ => None,
        };
        let secrets = Arc::new(Parameters(world.aws().clone()));
        let settings = Settings::load(env).unwrap().github;
        let client = Github::new(settings, world.transport(), secrets, world.clock());
        let repo = Some(REPOSITORY.to_owned());
        let run_id = world.github.add_run(NewRun { repo, timetable, ..NewRun::default() });
        world.passes(Duration::from_secs(seconds)).await;
        Self { world, client, repository: REPOSITORY.parse().unwrap(), run_id }
    }

    /// A run that has failed, with these faults.
    async fn failed(faults: Vec<Fault>) -> Self {
        let scenario = Scenario { faults, ..Scenario::default() };
        Self::of(Timetable::ending("failure"), 10, scenario).await
    }

    async fn cancel(&self) -> Result<(), GithubError> {
        self.client.cancel(&self.repository, self.run_id).await
    }

    async fn rerun(&self) -> Result<(), GithubError> {
        self.client.rerun(&self.repository, self.run_id, self.attempt()).await
    }

    async fn rerun_failed_jobs(&self) -> Result<(), GithubError> {
        self.client.rerun_failed_jobs(&self.repository, self.run_id, self.attempt()).await
    }

    fn attempt(&self) -> u64 {
        let runs = self.world.github.runs();
        runs.iter().find(|run| run.id == self.run_id).map_or(1, |run| run.attempt)
    }

    /// Which attempt the run is at, and its status.
    fn stands(&self) -> (u64, String) {
        let now = self.world.clock().now();
        let runs = self.world.github.runs();
        let run = runs.iter().find(|run| run.id == self.run_id).unwrap();
        (run.attempt, run.phase(now).unwrap().status)
    }

    /// How often this was asked for.
    fn asked(&self, ending: &str) -> usize {
        let requests = self.world.github.requests();
        requests.iter().filter(|request| request.path.ends_with(ending)).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled() {
    let story = Story::of(Timetable::stuck(), 5, Scenario::default()).await;
    assert_eq!(story.cancel().await, Ok(()));
    assert_eq!(story.stands(), (1, "in_progress".to_owned()), "its `always()` steps go on");
    story.world.passes(Duration::from_secs(3)).await;
    assert_eq!(story.stands(), (1, "completed".to_owned()));
    let error = story.cancel().await.unwrap_err();
    let said = "Cannot cancel a workflow run that is completed.".to_owned();
    assert_eq!(error, GithubError::Refused(409, said));
    assert_eq!(story.asked("/cancel"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ignores_a_cancel_is_forced() {
    let scenario = Scenario { cancel_takes: None, ..Scenario::default() };
    let story = Story::of(Timetable::stuck(), 5, scenario).await;
    assert_eq!(story.cancel().await, Ok(()));
    story.world.passes(Duration::from_secs(300)).await;
    assert_eq!(story.stands().1, "in_progress");
    let forced = story.client.force_cancel(&story.repository, story.run_id).await;
    assert_eq!(forced, Ok(()));
    assert_eq!(story.stands().1, "completed");
    assert_eq!(story.asked("/force-cancel"), 1);
}

#[rstest]
#[case::lost(Fault::new(On::Cancel, What::AnswerLost { status: Some(502) }), 2)]
#[case::dropped(Fault::new(On::Cancel, What::AnswerLost { status: None }), 2)]
#[case::not_taken(Fault::bad_gateway().on(On::Cancel).times(2), 3)]
#[tokio::test(start_paused = true)]
async fn a_cancel_whose_answer_is_lost_is_sent_again(#[case] fault: Fault, #[case] asked: usize) {
    let scenario = Scenario { faults: vec![fault], ..Scenario::default() };
    let story = Story::of(Timetable::stuck(), 5, scenario).await;
    assert_eq!(story.cancel().await, Ok(()));
    assert_eq!(story.asked("/cancel"), asked);
    story.world.passes(Duration::from_secs(3)).await;
    assert_eq!(story.stands().1, "completed");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_given_up_while_github_is_down() {
    let fault = Fault::bad_gateway().on(On::Cancel).always();
    let scenario = Scenario { faults: vec![fault], ..Scenario::default() };
    let story = Story::of(Timetable::stuck(), 5, scenario).await;
    assert!(story.cancel().await.unwrap_err().is_passing());
    assert_eq!((story.asked("/cancel"), story.stands().1.as_str()), (3, "in_progress"));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_run_again_as_its_next_attempt() {
    let story = Story::failed(Vec::new()).await;
    assert_eq!(story.rerun().await, Ok(()));
    assert_eq!(story.stands(), (2, "queued".to_owned()));
    let error = story.rerun().await.unwrap_err();
    let said = "This workflow is already running";
    assert_eq!(error, GithubError::Forbidden(said.to_owned()));
    story.world.passes(Duration::from_secs(10)).await;
    assert_eq!(story.rerun_failed_jobs().await, Ok(()));
    assert_eq!(story.stands(), (3, "queued".to_owned()));
    assert_eq!((story.asked("/rerun"), story.asked("/rerun-failed-jobs")), (2, 1));
}

#[rstest]
#[case::bad_gateway(What::AnswerLost { status: Some(502) })]
#[case::dropped(What::AnswerLost { status: None })]
#[tokio::test(start_paused = true)]
async fn a_re_run_whose_answer_is_lost_is_not_done_twice(#[case] what: What) {
    let story = Story::failed(vec![Fault::new(On::Rerun, what)]).await;
    assert_eq!(story.rerun().await, Ok(()));
    assert_eq!((story.asked("/rerun"), story.stands().0), (1, 2));
}

#[rstest]
#[case::bad_gateway(Fault::bad_gateway())]
#[case::dropped(Fault::new(On::Rerun, What::Reset))]
#[case::twice(Fault::bad_gateway().times(2))]
#[tokio::test(start_paused = true)]
async fn a_re_run_that_was_not_taken_is_sent_again(#[case] fault: Fault) {
    let story = Story::failed(vec![fault.on(On::Rerun)]).await;
    assert_eq!(story.rerun_failed_jobs().await, Ok(()));
    assert_eq!(story.stands().0, 2);
    assert!(story.asked("/rerun-failed-jobs") > 1);
}

#[tokio::test(start_paused = true)]
async fn a_re_run_that_nobody_can_tell_of_is_not_sent_again() {
    let lost = Fault::new(On::Rerun, What::AnswerLost { status: Some(502) });
    let blind = Fault::bad_gateway().on(On::RunGet).always();
    let story = Story::failed(vec![lost, blind]).await;
    assert!(matches!(story.rerun().await, Err(GithubError::Lost(_))));
    assert_eq!((story.asked("/rerun"), story.stands().0), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_github_refuses_is_told_at_once() {
    let story = Story::of(Timetable::default(), 10, Scenario::default()).await;
    let said = "Unable to retry this workflow run because it was not attempted with failed jobs.";
    assert_eq!(story.rerun_failed_jobs().await, Err(GithubError::Forbidden(said.to_owned())));
    let old = NewRun {
        repo: Some(REPOSITORY.to_owned()),
        created: TimeDelta::days(-31),
        ..NewRun::default()
    };
    let old = Story { run_id: story.world.github.add_run(old), ..story };
    let said = "Unable to retry this workflow run because it was created over a month ago";
    assert_eq!(old.rerun().await, Err(GithubError::Forbidden(said.to_owned())));
    let gone = Story { run_id: 7, ..old };
    assert_eq!(gone.rerun().await, Err(GithubError::NotFound));
    assert_eq!(gone.cancel().await, Err(GithubError::NotFound));
    assert_eq!((gone.asked("/rerun-failed-jobs"), gone.asked("/cancel")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn it_needs_to_write_actions() {
    let denied = Scenario { denied: vec![Permission::ActionsWrite], ..Scenario::default() };
    let story = Story::of(Timetable::ending("failure"), 10, denied).await;
    for answer in [story.rerun().await, story.cancel().await] {
        assert!(answer.unwrap_err().to_string().contains("Resource not accessible"));
    }
    assert_eq!((story.asked("/rerun"), story.asked("/cancel"), story.stands().0), (1, 1, 1));
}
