//! `/status`.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use standins::discord::User;
use standins::github::{Fault, NewRun, On, Scenario, Timetable, What, Workflow};

use crate::world::{Plan, World};

/// Two agents of which the reports tell, one of which they do not.
pub(crate) const TWO_AGENTS: &str = r#"
    [[agent]]
    id = "status_reporter"
    name = "Status"
    description = "Tells"
    command = "status"
    kind = "status"

    [[agent]]
    id = "deploy_client"
    name = "Client deploy"
    description = "Deploys the client"
    command = "deploy-client"
    kind = "deploy"
    workflow = "client-deploy.yml"
    reported = true

    [[agent]]
    id = "deploy_api"
    name = "API deploy"
    description = "Deploys the API"
    command = "deploy-api"
    kind = "deploy"
    workflow = "api-deploy.yml"
    reported = true

    [[agent]]
    id = "triage"
    name = "Triage"
    description = "Is not told of"
    command = "triage"
    kind = "workflow"
    workflow = "triage.yml"
    reported = false
"#;

fn runs(world: &World) {
    let run = |title: &str, minutes: i64, timetable| NewRun {
        title: title.to_owned(),
        created: TimeDelta::minutes(-minutes),
        timetable,
        ..NewRun::default()
    };
    world.github.add_run(run("Fix the footer", 600, Timetable::ending("failure")));
    let asked = "Client Deploy — 0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d by ada#7";
    world.github.add_run(run(asked, 120, Timetable::ending("success")));
    let hostile =
        "Client Deploy — 0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9e by `@everyone` \u{202e}**x**";
    world.github.add_run(run(hostile, 0, Timetable::stuck()));
}

async fn status(scenario: Scenario, text: &str) -> String {
    let agents = Some(TWO_AGENTS);
    let world = World::of(Plan { agents, scenario, ..Plan::default() }).await;
    runs(&world);
    let told = world.types("ada", text).await;
    assert!(!told.original().ephemeral);
    told.original().content.replace(&world.github.url(), "GITHUB")
}

fn with_api(state: &str) -> Scenario {
    let mut scenario = Scenario::default();
    let mut workflow = Workflow::new("api-deploy.yml", "API Deploy");
    workflow.state = state.to_owned();
    scenario.add_workflow(workflow);
    scenario
}

#[tokio::test(start_paused = true)]
async fn the_last_runs_of_every_reported_agent() {
    insta::assert_snapshot!(status(with_api("active"), "/status count:3").await);
}

#[tokio::test(start_paused = true)]
async fn two_runs_are_shown_unless_another_number_is_asked_for() {
    for (text, count) in [("/status", 2), ("/status count:1", 1), ("/status count:3", 3)] {
        let told = status(with_api("active"), text).await;
        assert_eq!(told.matches("[Run #").count(), count, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_runs_are_shown_in_less_detail_and_eleven_are_refused() {
    let world = World::new().await;
    world.github.add_runs(NewRun::history(30, TimeDelta::days(3)));
    let told = world.types("ada", "/status count:10").await;
    let content = told.original().content.clone();
    assert_eq!(
        content.matches("🟢 ").count()
            + content.matches("🔴 ").count()
            + content.matches("⚪ ").count(),
        11,
        "{content}"
    );
    assert!(!content.contains("more do not fit"), "{content}");
    for count in [0, 11] {
        let interaction = world.interaction("ada", "/status count:10");
        let mut payload: serde_json::Value = serde_json::from_slice(&interaction.body).unwrap();
        payload["data"]["options"][0]["value"] = count.into();
        let (_, body) = world.post(&world.discord.signed(payload)).await;
        let content = body["data"]["content"].as_str().unwrap();
        assert!(content.contains("`count` must be 1 to 10"), "{content}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_workflow_of_the_built_in_agents_is_shown() {
    let world = World::new().await;
    let told = world.types("ada", "/status").await;
    let content = told.original().content.clone();
    assert!(
        content.contains("**Client deploy**") && content.contains("**Diagnose runner**"),
        "{content}"
    );
}

#[rstest]
#[case::id("deploy_api")]
#[case::name("api deploy")]
#[case::command("/deploy-api")]
#[tokio::test(start_paused = true)]
async fn one_agent_can_be_asked_for(#[case] agent: &str) {
    let world = World::of(Plan {
        agents: Some(TWO_AGENTS),
        scenario: with_api("active"),
        ..Plan::default()
    })
    .await;
    let told = world.types("ada", &format!("/status agent:\"{agent}\"")).await;
    let content = told.original().content.clone();
    assert!(
        content.contains("**API deploy**") && !content.contains("**Client deploy**"),
        "{content}"
    );
    assert_eq!(world.github.requests().len(), 2, "only its workflow is asked for");
}

#[tokio::test(start_paused = true)]
async fn agents_are_suggested_and_an_unknown_or_hidden_one_is_refused() {
    let world = World::of(Plan { agents: Some(TWO_AGENTS), ..Plan::default() }).await;
    let suggested = async |typed: &str| {
        let text = format!("/status agent:{typed}|");
        let typing = world.discord.autocomplete(&User::named("ada"), &text).unwrap();
        let (_, body) = world.post(&typing).await;
        let choices = body["data"]["choices"].as_array().unwrap().clone();
        choices
            .iter()
            .map(|choice| choice["value"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(suggested("").await, ["deploy_client", "deploy_api"]);
    assert_eq!(suggested("API").await, ["deploy_api"]);
    assert!(suggested("triage").await.is_empty(), "it is not reported");
    for agent in ["triage", "`@everyone`"] {
        let told = world.types("ada", &format!("/status agent:{agent}")).await;
        let content = told.original().content.clone();
        assert!(
            content.contains("There is no agent")
                && content.contains("`deploy_client`, `deploy_api`"),
            "{content}"
        );
    }
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_or_disabled_workflow_does_not_hide_the_others() {
    let missing = status(Scenario::default(), "/status").await;
    assert!(missing.contains("GitHub does not know this workflow (404)"), "{missing}");
    assert!(missing.contains("[Run #"), "{missing}");
    let disabled = status(with_api("disabled_manually"), "/status").await;
    assert!(disabled.contains("disabled (`disabled_manually`)"), "{disabled}");
    assert!(disabled.contains("[Run #"), "{disabled}");
}

#[rstest]
#[case(
    Fault::status(451, "Repository access blocked"),
    "GitHub refuses it (451): Repository access blocked."
)]
#[case(
    Fault::status(403, "Resource protected by organization SAML enforcement."),
    "SAML enforcement. Authorize the token"
)]
#[case(Fault::status(401, "Bad credentials"), "GitHub refuses the token (401): Bad credentials.")]
#[tokio::test(start_paused = true)]
async fn a_refusal_shows_githubs_reason(#[case] fault: Fault, #[case] expected: &str) {
    let faults = vec![fault.on(On::Any).always()];
    let scenario = Scenario { faults, ..Scenario::default() };
    let env = vec![("ADMIN_USER_IDS", standins::discord::User::named("ada").id)];
    let world = World::of(Plan { scenario, env, ..Plan::default() }).await;
    let told = world.types("ada", "/status").await.original().content.clone();
    assert!(told.starts_with("⚠️ Not known: ") && told.contains(expected), "{told}");
}

#[tokio::test(start_paused = true)]
async fn workflows_are_read_concurrently_and_a_slow_one_defers_the_answer() {
    for (delay, kind) in [(1500, 4), (4000, 5)] {
        let mut scenario = with_api("active");
        let what = What::Delay(Duration::from_millis(delay));
        scenario.faults = vec![Fault::new(On::Any, what).always()];
        let world = World::of(Plan { agents: Some(TWO_AGENTS), scenario, ..Plan::default() }).await;
        runs(&world);
        let told = world.types("ada", "/status").await;
        assert_eq!(told.kind(), kind);
        assert!(told.original().content.contains("[Run #"), "{}", told.transcript());
        assert_eq!(world.github.requests().len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn when_github_is_down_it_says_so() {
    let told = status(Scenario::named("github-down").unwrap(), "/status").await;
    assert_eq!(told.matches("GitHub did not answer").count(), 2, "{told}");
}

#[tokio::test(start_paused = true)]
async fn every_agent_fits_into_one_message_and_titles_are_escaped() {
    let agent = |n: usize| {
        format!(
            "[[agent]]\nid = \"a{n}\"\nname = \"Deploy {n}\"\ndescription = \"x\"\ncommand = \"c{n}\"\n\
             kind = \"deploy\"\nworkflow = \"w{n}.yml\"\n"
        )
    };
    let reporter = "[[agent]]\nid = \"s\"\nname = \"S\"\ndescription = \"x\"\ncommand = \"status\"\n\
                    kind = \"status\"\n";
    let agents = reporter.to_owned() + &(0..10).map(agent).collect::<String>();
    let agents: &'static str = Box::leak(agents.into_boxed_str());
    let mut scenario = Scenario::default();
    for n in 0..10 {
        scenario.add_workflow(Workflow::new(&format!("w{n}.yml"), "W"));
    }
    let world = World::of(Plan { agents: Some(agents), scenario, ..Plan::default() }).await;
    let id = "0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d";
    for n in 0..100 {
        world.github.add_run(NewRun {
            title: format!("Deploy — {id} by `@everyone` \u{202e}{}", "x".repeat(2000)),
            branch: "b".repeat(2000),
            created: TimeDelta::minutes(-1 - n),
            workflow: format!("w{}.yml", n % 10),
            ..NewRun::default()
        });
    }
    for (text, shown) in [("/status", 2), ("/status count:10", 5)] {
        let told = world.types("ada", text).await;
        let content = &told.original().content;
        for n in 0..10 {
            assert!(content.contains(&format!("**Deploy {n}**")), "{content}");
        }
        // And the headline.
        assert_eq!(content.matches("🟢 ").count(), 10 * shown + 1, "{content}");
        let fewer = content.contains(&format!("\n-# {shown} of 10 runs each"));
        assert_eq!(fewer, text.contains("count"), "{content}");
        assert!(content.lines().all(|line| line.matches('`').count() % 2 == 0), "{content}");
        assert!(!content.contains('\u{202e}') && !content.contains("more lines"), "{content}");
        assert!(told.original().pings.is_empty());
    }
}
