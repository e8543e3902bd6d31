//! Which run: by its id, its number or a URL, and suggested.

use standins::discord::User;

use super::*;

#[tokio::test(start_paused = true)]
async fn each_option_takes_an_id_a_number_and_a_url() {
    let (world, _site) = live(Scenario::default()).await;
    let id = deployed(&world, 600, Timetable::ending("cancelled"));
    let page = format!("{}/octo-org/web-client/actions/runs/{id}", world.github.url());
    for run in [id.to_string(), "#42".to_owned(), page.clone(), format!("{page}/attempts/1")] {
        for option in ["/verify-run run_id", "/verify-latest run_url"] {
            let told = content(&world.types("ada", &format!("{option}:{run}")).await);
            assert!(
                told.starts_with("⚠️ **Client deploy**: the run was cancelled"),
                "{run}: {told}"
            );
        }
    }
}

#[rstest]
#[case(
    "/verify-latest run_url:https://github.com/octo-org/web-client/actions/runs/7",
    "`run_url` is refused"
)]
#[case("/verify-latest run_url:GITHUB/octo-org/api/actions/runs/7", "of another repository")]
#[case("/verify-run run_id:GITHUB/octo-org/api/actions/runs/7", "of another repository")]
#[case("/verify-latest run_url:GITHUB/octo-org/web-client/pull/7", "does not lead to a run")]
#[case("/verify-latest run_url:javascript:alert(1)", "no URL of a run")]
#[case("/verify-run run_id:7/../../secrets", "does not lead to the GitHub")]
#[case("/verify-run run_id:-7", "`run_id` is refused, it is no id")]
#[tokio::test(start_paused = true)]
async fn a_run_that_is_not_ours_is_refused_with_the_reason(#[case] text: &str, #[case] why: &str) {
    let (world, site) = live(Scenario::default()).await;
    let told = world.types("ada", &text.replace("GITHUB", &world.github.url())).await;
    assert!(told.original().ephemeral);
    assert!(content(&told).contains(why), "{}", told.transcript());
    assert!(world.github.requests().is_empty() && site.requests().is_empty());
}

#[rstest]
#[case::pull_request(
    "pull_request_target",
    "main",
    "run `#42` is of a pull request, so it is no deploy."
)]
#[case::branch(
    "push",
    "feature/x",
    "run `#42` is on `feature/x`, which this agent does not deploy."
)]
#[case::hostile("push", "`@everyone`", "run `#42` is on `ˋ@everyoneˋ`, which this")]
#[tokio::test(start_paused = true)]
async fn a_run_that_is_no_deploy_is_not_verified(
    #[case] event: &str,
    #[case] branch: &str,
    #[case] why: &str,
) {
    let (world, _site) = live(Scenario::default()).await;
    let (event, branch) = (event.to_owned(), branch.to_owned());
    let id = world.github.add_run(NewRun { event, branch, ..NewRun::default() });
    let told = world.types("ada", &format!("/verify-run run_id:{id}")).await;
    assert!(
        content(&told).starts_with(&format!("⚠️ **Client deploy**: {why}")),
        "{}",
        told.transcript()
    );
    assert!(told.original().pings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_number_that_no_run_has_is_said() {
    let (world, _site) = live(Scenario::default()).await;
    let told = content(&world.types("ada", "/verify-run run_id:#99").await);
    assert!(
        told.starts_with("⚠️ Nothing was verified: `client-deploy.yml` has no run `#99`."),
        "{told}"
    );
}

async fn suggested(world: &World, typed: &str) -> Vec<(String, String)> {
    let asking = world.discord.autocomplete(&User::named("ada"), typed).unwrap();
    let (_, body) = world.post(&asking).await;
    let choice = |choice: &serde_json::Value| {
        let text = |key: &str| choice[key].as_str().unwrap().to_owned();
        (text("name"), text("value"))
    };
    body["data"]["choices"].as_array().unwrap().iter().map(choice).collect()
}

#[rstest]
#[case("/verify-run run_id")]
#[case("/verify-latest run_url")]
#[tokio::test(start_paused = true)]
async fn runs_are_suggested_with_number_title_outcome_and_age(#[case] option: &str) {
    let (world, _site) = live(Scenario::default()).await;
    let failed = world.github.add_run(NewRun {
        title: "Fix `@everyone` \u{202e}now".to_owned(),
        created: TimeDelta::minutes(-30),
        timetable: Timetable::ending("failure"),
        ..NewRun::default()
    });
    world.github.add_run(NewRun { event: "pull_request".to_owned(), ..NewRun::default() });
    let id = failed.to_string();
    let page = format!("{}/octo-org/web-client/actions/runs/{id}", world.github.url());
    for (typed, count) in [
        ("", 2),
        ("FAILURE", 1),
        ("#42", 1),
        ("#4", 2),
        ("42", 1),
        ("fix", 1),
        (&id, 1),
        (&page, 1),
        ("nothing", 0),
    ] {
        let choices = suggested(&world, &format!("{option}:{typed}|")).await;
        assert_eq!(choices.len(), count, "{typed}: {choices:?}");
        if count > 0 {
            let name = "🔴 #42 failure · Fix `@everyone` now · main · 30m ago";
            assert_eq!(choices[0], (name.to_owned(), id.clone()), "{typed}");
        }
    }
}

/// Discord gives three seconds, and the suggestions are not worth all of them.
#[tokio::test(start_paused = true)]
async fn a_slow_github_suggests_nothing_in_time() {
    let slow = Fault::new(On::RunList, standins::github::What::Delay(Duration::from_secs(10)));
    let (world, _site) =
        live(Scenario { faults: vec![slow.always()], ..Scenario::default() }).await;
    let asked = tokio::time::Instant::now();
    assert_eq!(suggested(&world, "/verify-run run_id:|").await, []);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}
