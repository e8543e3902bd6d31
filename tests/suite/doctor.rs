//! `/doctor`.

pub(crate) mod command_line;

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use standins::github::{Fault, On, Permission, Scenario, Title, What};

use crate::app;
use crate::world::{Plan, Remembers, World};

const ADA: &str = "810000000000000001";

fn scenario(change: impl FnOnce(&mut Scenario)) -> Scenario {
    let mut scenario = Scenario::default();
    change(&mut scenario);
    scenario
}

async fn world(scenario: Scenario, env: &[(&'static str, &str)]) -> World {
    let mut all = vec![("ADMIN_USER_IDS", ADA.to_owned())];
    all.extend(env.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let remembers = Remembers::InMemory;
    World::of(Plan { scenario, env: all, remembers, ..Plan::default() }).await
}

async fn told(scenario: Scenario) -> String {
    let world = world(scenario, &[]).await;
    let told = world.types("ada", "/doctor").await;
    assert!(told.original().ephemeral);
    told.original().content.replace(&world.github.url(), "GITHUB")
}

/// The lines of this icon, each with its fix.
fn marked(told: &str, icon: &str) -> Vec<String> {
    let lines: Vec<&str> = told.lines().collect();
    let at = lines.iter().enumerate().filter(|(_, line)| line.starts_with(icon));
    at.map(|(n, line)| format!("{line} {}", lines.get(n + 1).unwrap_or(&""))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_correct_setup_passes() {
    let told = told(Scenario::default()).await;
    assert!(marked(&told, "❌").is_empty(), "{told}");
    insta::assert_snapshot!(told);
}

#[tokio::test(start_paused = true)]
async fn problems_are_listed_first() {
    let told = told(scenario(|s| {
        s.denied = vec![Permission::Variables, Permission::Secrets];
        s.workflow_mut("client-deploy.yml").state = "disabled_manually".to_owned();
        s.title = Title::Neither;
    }))
    .await;
    insta::assert_snapshot!(told);
}

#[rstest]
#[case(
    Permission::ActionsRead,
    "❌",
    "Actions, which /deploy-client, /diagnose, /status, /status-digest, /cancel, /rerun, /rollback, /verify-latest and /verify-run need"
)]
#[case(Permission::Contents, "⚠️", "Contents, which /doctor needs")]
#[case(Permission::Variables, "⚠️", "Variables, which /set-frontend needs")]
#[case(Permission::Secrets, "⚠️", "Secrets, which /set-api-base needs")]
#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named_with_its_commands(
    #[case] denied: Permission,
    #[case] icon: &str,
    #[case] what: &str,
) {
    let told = told(scenario(|s| s.denied = vec![denied])).await;
    assert!(marked(&told, icon).iter().any(|line| line.contains(what)), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_renamed_command_is_still_named_with_the_permission_that_it_lacks() {
    let agents = include_str!("../../agents.toml").replace("\"verify-latest\"", "\"is-it-live\"");
    let scenario = scenario(|s| s.denied = vec![Permission::ActionsRead]);
    let env = vec![("ADMIN_USER_IDS", ADA.to_owned())];
    let plan = Plan { scenario, env, agents: Some(agents.leak()), ..Plan::default() };
    let world = World::of(plan).await;
    let told = world.types("ada", "/doctor").await;
    let content = &told.original().content;
    assert!(content.contains("/is-it-live and /verify-run need"), "{content}");
}

#[rstest]
#[case("Resource protected by organization SAML enforcement.", "single sign-on")]
#[case("This installation has been suspended", "Unsuspend the app")]
#[tokio::test(start_paused = true)]
async fn a_403_that_is_no_lack_of_permission_shows_githubs_reason(
    #[case] said: &str,
    #[case] cure: &str,
) {
    let told =
        told(scenario(|s| s.faults.push(Fault::status(403, said).on(On::RunList).always()))).await;
    assert!(told.contains(said.trim_end_matches('.')) && told.contains(cure), "{told}");
}

#[tokio::test(start_paused = true)]
async fn where_no_permission_can_be_read_there_is_no_empty_line() {
    use Permission::{ActionsRead, Contents, Secrets, Variables};
    let (app, denied) = (app::env().await, vec![ActionsRead, Contents, Secrets, Variables]);
    for env in [Vec::new(), app] {
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let world = world(scenario(|s| s.denied = denied.clone()), &env).await;
        let told = world.types("ada", "/doctor").await;
        let content = &told.original().content;
        assert!(content.contains("lacks the permission Actions"), "{content}");
        let empty = |line: &&str| line.trim_end_matches(['*', ' ']).ends_with("web-client:");
        assert_eq!(content.lines().find(empty), None, "{content}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_and_unchecked_permissions_are_named() {
    let world = world(scenario(|s| s.denied = vec![Permission::ActionsWrite]), &[]).await;
    let told = world.types("ada", "/doctor").await;
    assert!(world.github.requests().iter().all(|request| request.method == "GET"));
    let content = &told.original().content;
    assert!(content.contains("cannot be seen without writing"), "{content}");
    assert!(
        content.contains("Actions: write for /deploy-client, /diagnose, /cancel, /rerun, /rollback and /verify-latest"),
        "{content}"
    );
}

#[rstest]
#[case::missing(|s: &mut Scenario| s.workflows.retain(|w| w.file != "client-deploy.yml"),
    "❌", "GitHub knows no workflow client-deploy.yml")]
#[case::disabled(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").state = "disabled_inactivity".into(),
    "❌", "is disabled (disabled\\_inactivity)")]
#[case::not_dispatchable(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").dispatchable = false,
    "❌", "has no workflow\\_dispatch trigger")]
#[case::input_missing(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").inputs.retain(|i| i.name != "VITE_API_BASE"),
    "❌", "does not declare VITE\\_API\\_BASE: GitHub refuses a dispatch that gives it")]
#[case::no_inputs(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").inputs.clear(),
    "⚠️", "does not declare correlation\\_id and requester, so a dispatch leaves that out")]
#[case::channel(|s: &mut Scenario| s.workflow_mut("diagnose-dispatch.yml").inputs.retain(|i| i.name != "channel"),
    "⚠️", "diagnose-dispatch.yml does not declare channel, so a dispatch leaves that out")]
#[case::never_given(|s: &mut Scenario| {
    let changed = s.workflow_mut("client-deploy.yml").clone().input("stage", true);
    s.add_workflow(changed);
}, "❌", "requires stage, which is never given")]
#[case::not_always_given(|s: &mut Scenario| {
    for input in &mut s.workflow_mut("client-deploy.yml").inputs { input.required = true; }
}, "⚠️", "requires VITE\\_API\\_BASE, but the command's option for it may be left out")]
#[case::run_name(|s: &mut Scenario| s.workflow_mut("client-deploy.yml").run_name = None,
    "⚠️", "run name of client-deploy.yml does not carry the correlation id")]
#[case::no_ref(|s: &mut Scenario| s.refs.retain(|r| r != "main"),
    "❌", "client-deploy.yml does not exist on main")]
#[case::no_repository(|s: &mut Scenario| s.repo = Some("octo-org/other".into()),
    "❌", "does not exist, or the token may not see it")]
#[case::rate_low(|s: &mut Scenario| s.rate_limit = 0, "❌", "nothing works until then")]
#[case::clock(|s: &mut Scenario| s.clock_skew = TimeDelta::minutes(4), "⚠️", "clock and GitHub's are")]
#[case::token(|s: &mut Scenario| s.token = "another".into(), "❌", "refuses the token (401)")]
#[case::down(|s: &mut Scenario| s.faults.push(Fault::bad_gateway().always()),
    "❌", "GitHub could not be checked: GitHub's answer was lost (status 502)")]
#[case::account(|s: &mut Scenario| s.faults.push(Fault::bad_gateway().on(On::User).always()),
    "⚠️", "The token's account could not be checked")]
#[tokio::test(start_paused = true)]
async fn problems_on_github_are_found(
    #[case] change: fn(&mut Scenario),
    #[case] icon: &str,
    #[case] what: &str,
) {
    let told = told(scenario(change)).await;
    let found = marked(&told, icon);
    assert!(found.iter().any(|line| line.contains(what) && line.contains("→ ")), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_rate_limit_is_reported() {
    let told = told(scenario(|s| s.rate_limit = 5)).await;
    let found = marked(&told, "⚠️");
    assert!(found.iter().any(|line| line.contains("GitHub's rate limit is used up")), "{told}");
}

#[rstest]
#[case::granted(Vec::new(), "✅", "The app was granted what these commands write.")]
#[case::actions(vec![Permission::ActionsWrite], "❌", "not granted Actions: write, which /deploy-client, /diagnose, /cancel, /rerun, /rollback and /verify-latest need")]
#[case::variables(vec![Permission::VariablesWrite], "⚠️", "not granted Variables: write")]
#[tokio::test(start_paused = true)]
async fn an_apps_write_permissions_are_checked(
    #[case] denied: Vec<Permission>,
    #[case] icon: &str,
    #[case] what: &str,
) {
    let env = app::env().await;
    let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let world = world(scenario(|s| s.denied = denied), &env).await;
    let told = world.types("ada", "/doctor").await.original().content.clone();
    assert!(marked(&told, icon).iter().any(|line| line.contains(what)), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_not_installed_is_reported() {
    let mut env = app::env().await;
    env.push(("GITHUB_APP_INSTALLATION_ID", "7".to_owned()));
    let env: Vec<_> = env.iter().rev().map(|(name, value)| (*name, value.as_str())).collect();
    let world = world(Scenario::default(), &env).await;
    let told = world.types("ada", "/doctor").await;
    let found = marked(&told.original().content, "❌");
    assert!(found.iter().any(|line| line.contains("(404)")), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn an_unauthorized_user_learns_nothing() {
    let world = world(Scenario::default(), &[]).await;
    let told = world.types("grace", "/doctor").await;
    assert!(told.original().ephemeral);
    assert!(told.original().content.starts_with("⚠️ You may not use this command"));
    assert!(world.github.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_stays_private() {
    let slow = What::Delay(Duration::from_secs(2));
    let world = world(scenario(|s| s.faults.push(Fault::new(On::Any, slow).always())), &[]).await;
    let told = world.types("ada", "/doctor").await;
    assert_eq!(told.kind(), 5);
    let found: Vec<_> = told.messages().iter().filter(|m| m.content.contains("🩺")).collect();
    assert!(found.len() == 1 && found[0].ephemeral, "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn who_may_use_each_agent_is_listed() {
    let agent = |id: &str, rule: &str| {
        format!(
            "[[agent]]\nid = \"{id}\"\nname = \"Deploy {id}\"\ndescription = \"x\"\ncommand = \"{id}\"\n\
             kind = \"deploy\"\nworkflow = \"client-deploy.yml\"\n{rule}\n"
        )
    };
    let agents = [
        agent("open", ""),
        agent("for_role", "allowed_roles = [\"77\"]"),
        agent("for_both", "allowed_roles = [\"77\"]\nallowed_users = [\"7\", \"8\"]"),
    ];
    let env = vec![("ADMIN_USER_IDS", ADA.to_owned())];
    let plan = Plan { env, agents: Some(agents.concat().leak()), ..Plan::default() };
    let world = World::of(plan).await;
    let told = world.types("ada", "/doctor").await;
    for expected in [
        "Deploy open (/open) is for everyone in the server.",
        "Deploy for\\_role (/for\\_role) is for role 77; admins.",
        "Deploy for\\_both (/for\\_both) is for role 77, users 7 and 8; admins.",
    ] {
        assert!(told.original().content.contains(expected), "{}", told.transcript());
    }
}
