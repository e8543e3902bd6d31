//! What becomes of `agents.toml`.

use std::fs;

use deckhand::setup::Ended;
use rstest::rstest;
use standins::github::{Scenario, Workflow};

use super::scene::{AGENTS, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_becomes_a_command_with_its_inputs() {
    let mut scenario = Scenario::default();
    scenario.add_workflow(
        Workflow::new("release.yml", "Release the API")
            .run_name("{correlation_id} by {requester}")
            .input("correlation_id", false)
            .input("requester", false)
            .choice("stage", true, &["staging", "production"])
            .input("Version", false),
    );
    let scene = Scene::with(scenario).await;
    let person = scene.person().answers("--workflow FILE", "3");
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let commands = scene.discord.commands();
    let release = commands.iter().find(|command| command["name"] == "release").unwrap();
    let options = release["options"].as_array().unwrap();
    let names: Vec<_> = options.iter().map(|option| option["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stage", "version", "wait", "ref"]);
    let values: Vec<_> =
        options[0]["choices"].as_array().unwrap().iter().map(|choice| &choice["value"]).collect();
    assert_eq!(values, ["staging", "production"]);
    assert_eq!(
        (&options[0]["required"], &options[0]["description"]),
        (&true.into(), &"The stage".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_added_to_a_file_of_ones_own() {
    let scene = Scene::new().await;
    fs::write(scene.file("agents.toml"), AGENTS).unwrap();
    // Enter adds none.
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert_eq!(scene.read("agents.toml"), AGENTS);
    assert!(person.said().contains("Which workflows are added to"), "{}", person.said());
    // A flag adds one, and the rest stays as it is.
    let mut flags = scene.flags();
    flags.workflows = vec!["diagnose-dispatch.yml".to_owned()];
    let person = scene.person();
    let ended = scene.set_up_with(&flags, &person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    let text = scene.read("agents.toml");
    assert!(text.starts_with(AGENTS) && text.contains("command = \"diagnose-dispatch\""), "{text}");
    // The server that runs does not know it yet.
    let said = person.said();
    assert!(said.contains("Commands were changed.") && said.contains("restart it: sudo"), "{said}");
    assert!(scene.discord.commands().iter().any(|command| command["name"] == "diagnose-dispatch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_that_came_along_is_replaced_and_the_question_says_so() {
    let scene = Scene::new().await;
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/agents.toml")).unwrap();
    fs::write(scene.file("agents.toml"), &example).unwrap();
    let person = scene.person().without("--workflow FILE");
    assert!(scene.set_up(&person).await.is_err());
    assert!(person.said().contains("They replace the examples in"), "{}", person.said());
    assert_eq!(scene.read("agents.toml"), example);
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert!(
        scene
            .read("agents.toml")
            .starts_with("# What this bot can do. Each [[agent]] is a slash command.")
    );
}

const WATCH: &str = "\
# Mine.
[[watch]]
repository = \"octo-org/web-client\"
workflows = [\"client-deploy.yml\"]
channel = \"1190000000000000002\"
";

#[rstest]
#[case::empty("\n", "They are written to")]
#[case::with_watches(WATCH, "They are added to")]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_agents_gets_them_and_the_rest_stays(
    #[case] text: &str,
    #[case] words: &str,
) {
    let scene = Scene::new().await;
    fs::write(scene.file("agents.toml"), text).unwrap();
    let person = scene.person();
    let ended = scene.set_up(&person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    let agents = scene.read("agents.toml");
    assert!(
        agents.starts_with(text.trim_start()) && agents.contains("client-deploy.yml"),
        "{agents}"
    );
    assert!(person.said().contains(words), "{}", person.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_file_without_agents_is_named_with_its_line() {
    let scene = Scene::new().await;
    fs::write(scene.file("agents.toml"), WATCH.replace("channel =", "room =")).unwrap();
    let error = scene.set_up(&scene.person()).await.unwrap_err().to_string();
    assert!(error.contains("agents.toml:5: ") && !error.contains("no agent"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_is_named_with_its_line_and_stays() {
    let scene = Scene::new().await;
    let wrong = AGENTS.replace("kind = \"deploy\"", "kind = \"ship\"");
    fs::write(scene.file("agents.toml"), &wrong).unwrap();
    let person = scene.person();
    let error = scene.set_up(&person).await.unwrap_err().to_string();
    assert!(error.contains("agents.toml:7: kind \"ship\""), "{error}");
    assert_eq!(person.asked(), ["--to server or --to aws"]);
    assert_eq!(scene.read("agents.toml"), wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_is_named_and_not_there_is_told_with_those_that_are() {
    let scene = Scene::new().await;
    let mut flags = scene.flags();
    flags.workflows = vec!["octo-org/web-client:nope.yml".to_owned()];
    let error = scene.set_up_with(&flags, &scene.person()).await.unwrap_err().to_string();
    assert!(error.contains("octo-org/web-client:client-deploy.yml"), "{error}");
    assert!(!scene.file("agents.toml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn enter_takes_the_workflows_of_one_repository_only_and_says_who_may_use_them() {
    let mut scenario = Scenario::default();
    scenario.listed.push("octo-org/api".to_owned());
    let scene = Scene::with(scenario).await;
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let (said, agents) = (person.said(), scene.read("agents.toml"));
    assert!(said.contains("Everybody in the bot's servers may use them"), "{said}");
    assert!(said.contains("octo-org/api"), "{said}");
    assert!(agents.contains("octo-org/web-client") && !agents.contains("octo-org/api"), "{agents}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_is_too_large_for_a_command_is_left_out() {
    let mut scenario = Scenario::default();
    let choices: Vec<String> = (0..25).map(|n| format!("{n:02}{}", "x".repeat(90))).collect();
    let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
    let large = ["a", "b", "c", "d"].into_iter();
    scenario.add_workflow(large.fold(Workflow::new("large.yml", "Large"), |workflow, input| {
        workflow.choice(input, false, &choices)
    }));
    let scene = Scene::with(scenario).await;
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    let (said, agents) = (person.said(), scene.read("agents.toml"));
    assert!(said.contains("large.yml is left out: ") && said.contains("8000"), "{said}");
    assert!(agents.contains("client-deploy.yml") && !agents.contains("large"), "{agents}");
    assert!(!said.contains(".new"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_workflows_the_first_that_fit_become_commands() {
    let mut scenario = Scenario::default();
    for n in 0..90 {
        scenario.add_workflow(Workflow::new(&format!("w{n:03}.yml"), "W"));
    }
    let scene = Scene::with(scenario).await;
    let person = scene.person();
    assert_eq!(scene.set_up(&person).await, Ok(Ended::Well), "{}", person.said());
    assert_eq!(scene.discord.commands().len(), 100);
    let said = person.said();
    assert!(
        said.contains("w089.yml is left out: ") && said.contains("one command too many"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_of_any_page_is_found_and_where_the_list_ends_is_said() {
    let mut scenario = Scenario::default();
    for n in 0..499 {
        let workflow = Workflow::new(&format!("w{n:03}.yml"), "W");
        scenario.add_workflow(Workflow { dispatchable: n == 450, ..workflow });
    }
    let scene = Scene::with(scenario).await;
    let mut flags = scene.flags();
    flags.workflows = vec!["w450.yml".to_owned()];
    let person = scene.person();
    assert_eq!(scene.set_up_with(&flags, &person).await, Ok(Ended::Well), "{}", person.said());
    assert!(scene.read("agents.toml").contains("w450.yml"));
    let said = person.said();
    assert!(said.contains("beyond its first 500 workflows"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_a_repository_is_of_the_default_one_only() {
    let mut scenario = Scenario::default();
    scenario.listed.push("octo-org/api".to_owned());
    let scene = Scene::with(scenario).await;
    fs::write(scene.file("agents.toml"), AGENTS).unwrap();
    fs::write(scene.file(".env"), "GITHUB_REPO=octo-org/web-client\n").unwrap();
    let mut flags = scene.flags();
    // In the other repository the same file has no agent yet.
    flags.workflows = vec!["octo-org/api:client-deploy.yml".to_owned()];
    let person = scene.person();
    let ended = scene.set_up_with(&flags, &person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    let text = scene.read("agents.toml");
    assert!(text.starts_with(AGENTS) && text.contains("repository = \"octo-org/api\""), "{text}");
    // In the default one it has.
    flags.workflows = vec!["octo-org/web-client:client-deploy.yml".to_owned()];
    let person = scene.person();
    let ended = scene.set_up_with(&flags, &person).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", person.said());
    assert!(person.said().contains("client-deploy.yml has an agent already"), "{}", person.said());
    assert_eq!(scene.read("agents.toml"), text);
}
