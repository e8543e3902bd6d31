//! Deploys for tests.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;

use super::click::{Action, Click};
use super::correlation::{Matched, Requester};
use super::given::Given;
use super::key::DeployKey;
use super::order::{Extra, Order};
use super::outcome::{NotFound, Outcome};
use super::place::Place;
use super::record::{Deploy, Ending, Phase, Telling};
use super::stored::Entry;
use super::target::Target;
use crate::discord::InteractionId;

/// Interaction ids count up with the time: here one step is a minute.
const STEP: u64 = 60_000 << 22;

/// The id of the interaction of this minute.
pub(crate) fn interaction(at: u64) -> InteractionId {
    // 2026-11-22 10:00:00 UTC in Discord's milliseconds.
    InteractionId((375_271_200_000 << 22) + at * STEP)
}

/// An order of this minute.
pub(crate) fn order(at: u64, environment: Option<&str>) -> Order {
    let interaction_id = interaction(at);
    Order {
        title: "Web client".to_owned(),
        command: "deploy-client".to_owned(),
        repository: "octo-org/web".parse().unwrap(),
        workflow: "deploy.yml".to_owned(),
        workflow_page: "https://github.com/octo-org/web/actions/workflows/deploy.yml".to_owned(),
        git_ref: "main".to_owned(),
        environment: environment.map(str::to_owned),
        shares_workflow: false,
        inputs: serde_json::Map::new(),
        given: vec![Given { name: "stage".to_owned(), value: "blue".to_owned() }],
        key: DeployKey { agent: "client".to_owned(), interaction_id },
        correlation_id: interaction_id.correlation_id(),
        requester: Requester { user_id: 7, username: "ada".to_owned() },
        extra: Extra::Nothing,
        rolls_back: None,
        verified_by: None,
        by_admin: false,
    }
}

/// A deploy of this minute whose run goes on.
pub(crate) fn open(at: u64) -> Deploy {
    let order = order(at, Some("production"));
    let began_at = order.key.interaction_id.created_at();
    let place = Place {
        guild_id: Some(41),
        channel_id: Some(42),
        in_thread: false,
        message_id: Some(43),
        permissions: None,
        application_id: None,
        token: None,
        on_screen: true,
        text_only: false,
        no_buttons: false,
        closed: None,
        has_bot: true,
        bot_refused: false,
    };
    let run = json!({
        "id": 100 + at, "run_number": at, "status": "in_progress", "head_branch": "main",
        "head_sha": format!("{:07x}{:033}", 0xabc_def0 + at, 0), "head_commit": {"message": "Fix the footer"},
        "html_url": format!("https://github.com/octo-org/web/actions/runs/{}", 100 + at),
        "created_at": began_at, "run_started_at": began_at,
    });
    let target = Target {
        run_id: 100 + at,
        url: format!("https://github.com/octo-org/web/actions/runs/{}", 100 + at),
        matched: Matched::RunId,
        run: serde_json::from_value(run).unwrap(),
    };
    let mut deploy =
        Deploy::requested(order, Some(place), true, Duration::from_secs(180), began_at);
    deploy.phase = Phase::Running;
    deploy.target = Some(target);
    deploy
}

/// A deploy of this minute whose run ended like this after 85 s.
pub(crate) fn deploy(at: u64, conclusion: &str) -> Deploy {
    let mut deploy = open(at);
    let began_at = deploy.began_at;
    let run = deploy.target.as_mut().unwrap().run.as_mut().unwrap();
    run.status = Some("completed".to_owned());
    run.conclusion = Some(conclusion.to_owned());
    run.updated_at = Some(began_at + TimeDelta::seconds(85));
    deploy.phase = ended(&deploy, Outcome::Concluded);
    deploy
}

/// A deploy of this minute whose run could not be told from another.
pub(crate) fn not_found(at: u64) -> Entry {
    let mut deploy = open(at);
    deploy.target = None;
    deploy.phase = ended(&deploy, Outcome::NotFound(NotFound::Ambiguous { runs: 2 }));
    Entry::of_deploy(&deploy)
}

fn ended(deploy: &Deploy, outcome: Outcome) -> Phase {
    let at = deploy.began_at + TimeDelta::seconds(90);
    Phase::Ended(Ending { outcome, at, telling: Telling::Nobody, rerun: None })
}

/// Somebody has cancelled a deploy.
pub(crate) fn click() -> Click {
    Click {
        action: Action::Cancel,
        user_id: 8,
        username: "grace".to_owned(),
        at: interaction(2).created_at(),
        interaction_id: interaction(2).0,
        attempt: 1,
        result: super::click::Acted::Done,
        asked_at: None,
    }
}
