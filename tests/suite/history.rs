//! `/history`, and the command line's `deckhand history`.

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use deckhand::clock::SystemClock;
use deckhand::store::{File, Memory, Store, Unset};
use serde_json::Value;
use standins::Scratch;
use standins::discord::User;
use standins::github::{Scenario, Timetable, Workflow};

use crate::world::{Plan, Remembers, World};

const AGENTS: &str = r#"
    [[agent]]
    id = "web"
    name = "Web"
    description = "Deploys the web client"
    command = "deploy-web"
    kind = "deploy"
    workflow = "client-deploy.yml"
    environment = "production"
    allowed_refs = ["release/*"]

    [[agent]]
    id = "api"
    name = "API"
    description = "Deploys the API"
    command = "deploy-api"
    kind = "deploy"
    workflow = "api-deploy.yml"
    environment = "staging"
    allowed_roles = ["77"]
"#;

async fn world(store: Arc<dyn Store>) -> World {
    let mut scenario = Scenario { timetable: Timetable::ending("failure"), ..Scenario::default() };
    let inputs = scenario.workflow_mut("client-deploy.yml").inputs.clone();
    scenario.add_workflow(Workflow { inputs, ..Workflow::new("api-deploy.yml", "API Deploy") });
    let agents = Some(AGENTS);
    let remembers = Remembers::In(store);
    World::of(Plan { scenario, agents, remembers, ..Plan::default() }).await
}

fn with_role(name: &str) -> User {
    User { roles: vec!["77".to_owned()], ..User::named(name) }
}

/// Three deploys: one that failed, one of another agent that succeeded, one that goes on.
async fn three_deploys(world: &World) {
    world.types("ada", "/deploy-web wait:true").await.tells_once("🔴");
    world.github.update(|s| s.timetable = Timetable::ending("success"));
    world.types_as(&with_role("grace"), "/deploy-api wait:true").await.tells_once("🟢");
    world.github.update(|s| s.timetable = Timetable::stuck());
    world.types("linus", "/deploy-web").await;
    world.and_more();
}

async fn said(world: &World, who: &User, text: &str) -> String {
    let told = world.types_as(who, text).await;
    assert!(told.original().ephemeral && told.original().pings.is_empty());
    told.original().content.replace(&world.github.url(), "GITHUB")
}

async fn suggested(world: &World, who: &User, text: &str) -> Vec<String> {
    let (_, body) = world.post(&world.discord.autocomplete(who, text).unwrap()).await;
    let choices = body["data"]["choices"].as_array().unwrap().clone();
    choices.iter().map(|choice| choice["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_latest_deploys_are_told_to_the_caller_alone() {
    let world = world(Arc::new(Memory::default())).await;
    let nothing = said(&world, &User::named("ada"), "/history").await;
    assert_eq!(nothing, "No deploys are known.");
    three_deploys(&world).await;
    let asked = world.github.requests().len();
    insta::assert_snapshot!(said(&world, &with_role("ada"), "/history").await);
    assert_eq!(world.github.requests().len(), asked, "GitHub is not asked");
}

#[tokio::test(start_paused = true)]
async fn deploys_of_agents_that_the_caller_may_not_use_are_not_shown() {
    let world = world(Arc::new(Memory::default())).await;
    three_deploys(&world).await;
    let ada = User::named("ada");
    for text in ["/history", "/history agent:web", "/history agent:/deploy-web count:25"] {
        let said = said(&world, &ada, text).await;
        assert_eq!((said.matches("Web").count(), said.matches("API").count()), (2, 0), "{said}");
    }
    for agent in ["api", "nobody", "`@everyone`"] {
        let said = said(&world, &ada, &format!("/history agent:{agent}")).await;
        assert!(said.contains("whose deploys you may see. You may see: `web`."), "{said}");
    }
    assert!(said(&world, &ada, "/history environment:staging").await.contains("No deploys"));
    assert_eq!(suggested(&world, &ada, "/history agent:|").await, ["web"]);
    assert_eq!(suggested(&world, &ada, "/history environment:|").await, ["production"]);
    let grace = with_role("grace");
    assert_eq!(suggested(&world, &grace, "/history agent:AP|").await, ["api"]);
    assert_eq!(
        suggested(&world, &grace, "/history environment:|").await,
        ["production", "staging"]
    );
}

#[tokio::test(start_paused = true)]
async fn deploys_are_chosen_by_agent_environment_and_count() {
    let world = world(Arc::new(Memory::default())).await;
    three_deploys(&world).await;
    let ada = with_role("ada");
    let lamps = async |text: &str| {
        let said = said(&world, &ada, text).await;
        said.lines().skip(1).map(|line| line.chars().next().unwrap()).collect::<String>()
    };
    assert_eq!(lamps("/history").await, "🔵🟢🔴");
    assert_eq!(lamps("/history count:1").await, "🔵");
    assert_eq!(lamps("/history agent:API").await, "🟢");
    assert_eq!(lamps("/history environment:Production count:5").await, "🔵🔴");
    assert_eq!(lamps("/history agent:web environment:staging").await, "");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_is_said() {
    let world = world(Arc::new(Unset)).await;
    let said = said(&world, &User::named("ada"), "/history").await;
    assert!(said.starts_with("⚠️ The history cannot be read: `TABLE_NAME` is not set"), "{said}");
}

/// What `deckhand history` prints on both channels, and its exit status.
async fn printed(env: &[(&str, &str)], arguments: &[&str]) -> (String, String, Option<i32>) {
    let env: Vec<(String, String)> =
        env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
    let run = move || {
        let folder = Scratch::new().unwrap();
        let mut history = std::process::Command::new(env!("CARGO_BIN_EXE_deckhand"));
        history.arg("history").args(arguments).current_dir(folder.path()).env_clear().envs(env);
        history.output().unwrap()
    };
    let Output { status, stdout, stderr } = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr), status.code())
}

#[tokio::test(start_paused = true)]
async fn the_command_line_reads_the_file_of_a_server_that_runs() {
    let folder = Scratch::new().unwrap();
    let (file, agents) = (folder.file("deckhand.redb"), folder.file("agents.toml"));
    std::fs::write(&agents, AGENTS).unwrap();
    let world = world(Arc::new(File::open(&file, Arc::new(SystemClock)).unwrap())).await;
    three_deploys(&world).await;
    let paths = [file, agents].map(|path| path.to_string_lossy().into_owned());
    let env = [("DATA_FILE", paths[0].as_str()), ("AGENTS_FILE", paths[1].as_str())];

    let (out, notes, status) = printed(&env, &["--json"]).await;
    assert_eq!((notes.as_str(), status), ("", Some(0)));
    let deploys: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |field: &str| deploys.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
    assert_eq!(told("agent"), ["web", "api", "web"]);
    assert_eq!(told("environment"), ["production", "staging", "production"]);
    assert_eq!(told("state"), ["open", "ended", "ended"]);
    assert_eq!(told("outcome"), [Value::Null, "success".into(), "failure".into()]);
    let names: Vec<_> = deploys.iter().map(|one| &one["requester"]["name"]).collect();
    assert_eq!(names, ["linus", "grace", "ada"]);
    let dispatched = world.dispatches();
    assert_eq!(told("run_id")[1], dispatched[1].run_id);
    assert_eq!(told("id")[1], dispatched[1].inputs["correlation_id"]);
    let mut of_the_failed = deploys[2].clone();
    for field in ["id", "run_id", "run_url", "commit", "links"] {
        of_the_failed.as_object_mut().unwrap().remove(field);
    }
    insta::assert_snapshot!(format!("{of_the_failed:#}"));

    let (out, _, _) = printed(&env, &["--json", "--agent", "web", "--count", "1"]).await;
    assert_eq!(out.lines().count(), 1);
    let (out, _, _) = printed(&env, &["--environment", "staging"]).await;
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.starts_with("BEGAN (UTC)") && out.contains("  success  "), "{out}");
    let (out, notes, status) = printed(&env, &["--environment", "elsewhere"]).await;
    assert_eq!((out.as_str(), notes.as_str(), status), ("", "no deploys are known\n", Some(0)));
    let (out, error, status) = printed(&env, &["--agent", "nobody"]).await;
    assert_eq!((out.as_str(), status), ("", Some(1)));
    assert!(error.contains("no agent that deploys has the id nobody"), "{error}");
    let (_, error, status) = printed(&env, &["--count", "0"]).await;
    assert!(status == Some(2) && error.contains("1..=1000"), "{error}");
    world.passes(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn without_a_store_or_with_another_file_the_command_line_says_so() {
    let (out, error, status) = printed(&[], &["--json"]).await;
    assert_eq!((out.as_str(), status), ("", Some(1)));
    assert!(error.contains("there is no history yet: the file deckhand.redb"), "{error}");

    let folder = Scratch::new().unwrap();
    let file = folder.file("notes.txt");
    std::fs::write(&file, "these are no deploys".repeat(500)).unwrap();
    let (out, error, status) = printed(&[("DATA_FILE", &file.to_string_lossy())], &[]).await;
    assert_eq!((out.as_str(), status), ("", Some(1)));
    assert!(error.contains("is damaged, or is no file of Deckhand's"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap().len(), 10_000, "it is left as it was");
}
