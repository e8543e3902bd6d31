//! `/status-digest`.

use std::time::Duration;

use chrono::TimeDelta;
use deckhand::bot::Plan::Answer;
use deckhand::bot::{Command, Serves};
use deckhand::discord::Attachment;
use standins::discord::{Fault as DiscordFault, On as OnDiscord, What as DiscordWhat};
use standins::github::{Fault, NewRun, On, Scenario, Timetable, What, Workflow};

use crate::status::TWO_AGENTS;
use crate::world::{Plan, Told, World};

const WEEK: TimeDelta = TimeDelta::days(7);

fn run(seconds_ago: i64, conclusion: &str) -> NewRun {
    NewRun {
        created: -TimeDelta::seconds(seconds_ago),
        timetable: Timetable::ending(conclusion),
        ..NewRun::default()
    }
}

fn with_api() -> Scenario {
    let mut scenario = Scenario::default();
    scenario.add_workflow(Workflow::new("api-deploy.yml", "API Deploy"));
    scenario
}

/// One agent that deploys from `main`, and releases.
const RELEASES: &str = r#"
    [[agent]]
    id = "status_reporter"
    name = "Status"
    description = "Tells"
    command = "status"
    kind = "status"

    [[agent]]
    id = "staging"
    name = "Staging"
    description = "Deploys"
    command = "staging"
    kind = "deploy"
    workflow = "client-deploy.yml"

    [[agent]]
    id = "production"
    name = "Production"
    description = "Deploys"
    command = "production"
    kind = "deploy"
    workflow = "client-deploy.yml"
    ref = "release/1"
    repository = "Octo-Org/web-client"
"#;

async fn releases() -> World {
    World::of(Plan { agents: Some(RELEASES), ..Plan::default() }).await
}

/// A run that was run again after a minute: its first attempt ended in one way, its second in another.
fn again(seconds_ago: i64, first: &str, second: &str) -> NewRun {
    let seconds = Duration::from_secs;
    let timetable = Timetable::path(&[
        (seconds(0), "in_progress", None),
        (seconds(30), "completed", Some(first)),
        (seconds(60), "in_progress", None),
        (seconds(90), "completed", Some(second)),
    ]);
    NewRun { timetable, ..run(seconds_ago, "") }
}

async fn two_agents(scenario: Scenario) -> World {
    World::of(Plan { agents: Some(TWO_AGENTS), scenario, ..Plan::default() }).await
}

fn said(world: &World, told: &Told) -> String {
    told.original().content.replace(&world.github.url(), "GITHUB")
}

/// How many calls to GitHub were answered in full, and how many 304.
fn calls(world: &World) -> (usize, usize) {
    let requests = world.github.requests();
    let unchanged = requests.iter().filter(|request| request.status == 304).count();
    (requests.len() - unchanged, unchanged)
}

#[tokio::test(start_paused = true)]
async fn a_week_of_1500_runs() {
    let world = World::new().await;
    world.github.add_runs(NewRun::history(3000, WEEK * 2));
    let told = world.types("ada", "/status-digest period:weekly").await;
    insta::assert_snapshot!(said(&world, &told));
    let (calls, _) = calls(&world);
    assert!(calls <= 45, "{calls} calls for 3000 runs");
}

#[tokio::test(start_paused = true)]
async fn a_day_of_two_agents() {
    let world = two_agents(with_api()).await;
    world.github.add_runs(NewRun::history(60, TimeDelta::days(2)));
    let api = |run: NewRun| NewRun { workflow: "api-deploy.yml".to_owned(), ..run };
    world.github.add_runs([api(run(7200, "failure")), api(run(3600, "success"))]);
    let told = world.types("ada", "/status-digest").await;
    insta::assert_snapshot!(said(&world, &told));
}

#[tokio::test(start_paused = true)]
async fn nothing_ran() {
    let world = World::new().await;
    let told = world.types("ada", "/status-digest").await;
    insta::assert_snapshot!(said(&world, &told));
}

#[tokio::test(start_paused = true)]
async fn the_window_includes_its_start_and_excludes_its_end() {
    let day = 24 * 60 * 60;
    for (ago, counted) in [(day + 1, false), (day, true), (1, true), (0, false)] {
        let world = World::new().await;
        // The window ends at the second in which the command is typed.
        world.github.add_run(run(ago, "success"));
        let interaction = world.interaction("ada", "/status-digest");
        let answer = world.deliver(&interaction).await;
        world.settle().await;
        let told = said(&world, &world.told(&interaction, answer));
        assert_eq!(told.contains("1 run:"), counted, "{ago} s ago: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_that_ends_at_1000_is_split_and_no_run_is_lost() {
    let world = World::new().await;
    // All within one hour, so that the pieces have to be cut again.
    world.github.add_runs(NewRun::history(1200, TimeDelta::hours(1)));
    let told = world.types("ada", "/status-digest").await;
    assert!(said(&world, &told).contains("1200 runs:"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn runs_that_github_does_not_list_are_mentioned() {
    let world = World::new().await;
    world.github.add_runs((0..1100).map(|_| run(600, "success")));
    let told = world.types("ada", "/status-digest").await;
    let said = said(&world, &told);
    assert!(said.contains("1000 runs:") && said.contains("does not list 100 more runs"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_second_digest_within_the_hour_costs_no_rate_limit_for_what_is_unchanged() {
    let world = World::new().await;
    world.github.add_runs(NewRun::history(500, WEEK * 2));
    let told = world.types("ada", "/status-digest period:weekly").await;
    assert!(said(&world, &told).contains("runs:"));
    let (first, _) = calls(&world);
    world.passes(Duration::from_secs(60)).await;
    let told = world.types("ada", "/status-digest period:weekly").await;
    let (all, unchanged) = calls(&world);
    // Of both workflows the current hour is new.
    assert!(unchanged >= 5 && all - first <= 2, "{first}, then {} and {unchanged}", all - first);
    assert!(said(&world, &told).contains("runs:"));
}

#[tokio::test(start_paused = true)]
async fn delivery_counts_deploys_and_nothing_else_of_the_workflow() {
    let world = releases().await;
    for (event, branch) in [
        ("workflow_dispatch", "main"),
        ("workflow_dispatch", "release/1"),
        ("workflow_dispatch", "feature"),
        ("pull_request", "main"),
        ("push", "main"),
        ("schedule", "main"),
    ] {
        for seconds_ago in [7000, 5000, 3000] {
            let sha = Some(format!("{event} {branch} {seconds_ago}"));
            let (event, branch) = (event.to_owned(), branch.to_owned());
            world.github.add_run(NewRun { event, branch, sha, ..run(seconds_ago, "success") });
        }
    }
    let told = world.types("ada", "/status-digest").await;
    let said = said(&world, &told);
    assert!(said.contains("18 runs: "), "{said}");
    assert!(said.contains("Deployment frequency: **6 a day**"), "{said}");
    assert!(said.contains("Change lead time: **10m 7s** before: n/a (n = 6, before 0)"), "{said}");
    // Both agents dispatch one workflow: it is asked for and counted once.
    assert_eq!(said.matches("client-deploy.yml").count(), 2, "in one link: {said}");
    assert!(said.contains("**Staging**, **Production**"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_re_run_that_became_green_does_not_erase_the_failure() {
    let world = releases().await;
    world.github.add_runs([run(9000, "success"), again(8000, "failure", "success")]);
    world.github.add_run(run(7000, "success"));
    let told = world.types("ada", "/status-digest").await;
    let said = said(&world, &told);
    assert!(said.contains("3 runs: 🟢 3 succeeded (1 after a re-run) · 🔴 0 failed"), "{said}");
    assert!(said.contains("Change fail rate: **25 %** before: n/a (n = 4, before 0)"), "{said}");
    assert!(said.contains("Deployment rework rate: **25 %**"), "{said}");
    assert!(said.contains("Failed deployment recovery time: n/a (n = 1, fewer than 3)"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn how_a_run_ended_before_its_re_run_is_said_to_be_unknown() {
    let faults = vec![Fault::status(404, "Not Found").on(On::RunGet).always()];
    let scenario = Scenario { faults, ..Scenario::default() };
    let world = World::of(Plan { agents: Some(RELEASES), scenario, ..Plan::default() }).await;
    world.github.add_runs((1..=40).map(|number| again(number * 600, "failure", "success")));
    let told = world.types("ada", "/status-digest").await;
    let said = said(&world, &told);
    assert!(said.contains("⚠️ How 40 re-run runs had ended before is not known."), "{said}");
    let asked =
        world.github.requests().iter().filter(|one| one.path.contains("/attempts/")).count();
    assert_eq!(asked, 30, "there is a limit to what one digest asks for");
}

#[tokio::test(start_paused = true)]
async fn both_windows_know_equally_well_when_an_outage_began() {
    let world = releases().await;
    let hour = 3600;
    // Three outages in each of two days; all of them began on the day before.
    for day in [0, 24 * hour] {
        for (hours, conclusion) in [(30, "success"), (29, "failure"), (20, "success")] {
            world.github.add_run(run(day + hours * hour, conclusion));
        }
        for hours in [16, 12] {
            world.github.add_run(run(day + hours * hour, "failure"));
            world.github.add_run(run(day + (hours - 1) * hour, "success"));
        }
    }
    let told = world.types("ada", "/status-digest").await;
    let said = said(&world, &told);
    let expected = "Failed deployment recovery time: **1h 0m** → from 1h 0m (n = 3, before 3)";
    assert!(said.contains(expected), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_lead_time_of_days_is_told_in_days_and_once_for_a_commit() {
    let world = releases().await;
    let old = |seconds_ago: i64, sha: &str, conclusion: &str| NewRun {
        sha: Some(sha.to_owned()),
        committed: TimeDelta::hours(51),
        ..run(seconds_ago, conclusion)
    };
    world.github.add_runs([
        old(9000, "a", "failure"),
        old(8000, "a", "success"),
        old(7000, "a", "success"),
        old(6000, "b", "success"),
        old(5000, "c", "success"),
    ]);
    let told = world.types("ada", "/status-digest period:weekly").await;
    let said = said(&world, &told);
    assert!(said.contains("Change lead time: **2d 3h** before: n/a (n = 3, before 0)"), "{said}");
    assert!(said.contains("Deployment frequency: **4 a week** before: none"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_workflow_does_not_hide_the_other_agents() {
    let world = two_agents(Scenario::default()).await;
    world.github.add_runs(NewRun::history(60, TimeDelta::days(2)));
    let told = world.types("ada", "/status-digest").await;
    let said = said(&world, &told);
    assert!(said.contains("GitHub does not know this workflow (404)"), "{said}");
    assert!(said.contains("1 of 2 agents") && said.contains("29 runs:"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn when_github_is_down_it_says_so() {
    let world = World::named("github-down").await;
    let told = world.types("ada", "/status-digest").await;
    assert_eq!(told.kind(), 4);
    assert!(told.original().content.contains("GitHub did not answer"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_single_github_error_is_retried() {
    let faults = vec![Fault::bad_gateway().on(On::RunList).skip(1).times(1)];
    let scenario = Scenario { faults, ..Scenario::default() };
    let world = World::with(scenario).await;
    world.github.add_runs(NewRun::history(300, TimeDelta::days(2)));
    let told = world.types("ada", "/status-digest").await;
    assert!(said(&world, &told).contains("149 runs:"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn a_slow_github_defers_the_answer() {
    let faults = vec![Fault::new(On::RunList, What::Delay(Duration::from_secs(3))).always()];
    let scenario = Scenario { faults, ..Scenario::default() };
    let world = World::with(scenario).await;
    world.github.add_runs(NewRun::history(300, TimeDelta::days(2)));
    let told = world.types("ada", "/status-digest").await;
    assert_eq!(told.kind(), 5);
    assert!(said(&world, &told).contains("149 runs:"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn hostile_run_titles_are_escaped() {
    let world = World::new().await;
    for conclusion in ["`@everyone`", "\u{202e}**x**", &"long".repeat(800)] {
        let title = format!(
            "Client Deploy — 0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d by {}",
            "@everyone `x` \u{202e}".repeat(100)
        );
        world.github.add_run(NewRun { title, ..run(60, conclusion) });
    }
    let told = world.types("ada", "/status-digest").await;
    let message = told.original();
    assert!(message.content.contains("3 others"), "{}", message.content);
    assert!(message.content.contains("fewer than 3"), "{}", message.content);
    assert!(message.pings.is_empty());
    assert!(!message.content.contains('\u{202e}'));
}

#[tokio::test(start_paused = true)]
async fn the_picture_is_uploaded_after_a_deferred_answer() {
    for (text, unit) in [("/status-digest", "3 hours"), ("/status-digest period:weekly", "day")] {
        let world = World::new().await;
        world.github.add_runs(NewRun::history(300, WEEK * 2));
        let told = world.types("ada", text).await;
        // It was done in time, but a file can only be delivered after the answer.
        assert_eq!(told.kind(), 5);
        let message = told.original();
        assert!(!told.has_follow_up() && !message.ephemeral && !message.content.is_empty());
        let [picture] = message.attachments.as_slice() else {
            panic!("{:#?}", message.attachments)
        };
        assert_eq!(picture.filename, "digest.png");
        assert_eq!(picture.content_type.as_deref(), Some("image/png"));
        assert!(picture.bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
        let words = picture.description.as_deref().unwrap();
        assert!(words.contains(&format!("runs per {unit} (UTC)")), "{words}");
        assert!(words.ends_with('.'), "not cut: {words}");
        if let Some(folder) = std::env::var_os("DIGEST_PICTURES") {
            let name = format!("{}.png", unit.replace(' ', "-"));
            std::fs::write(std::path::Path::new(&folder).join(name), &picture.bytes).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_runs_there_is_no_picture_and_the_answer_comes_at_once() {
    let world = World::new().await;
    let told = world.types("ada", "/status-digest").await;
    assert_eq!(told.kind(), 4);
    assert!(told.original().attachments.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_text_is_shown_where_discord_refuses_the_file() {
    let world = World::new().await;
    world.github.add_run(run(60, "success"));
    let message = "Missing Permissions".to_owned();
    let refused = DiscordWhat::Refused { status: 403, code: 50013, message };
    world.discord.fault(DiscordFault::new(OnDiscord::Edit, refused));
    let told = world.types("ada", "/status-digest").await;
    assert!(told.original().content.contains("1 run:"), "{}", told.transcript());
    assert!(told.original().attachments.is_empty() && !told.has_follow_up());
}

const PRIVATE_PICTURE: Command = Command {
    serves: Serves::Own {
        name: "secret",
        description: "Shows a picture",
        options: Vec::new,
        access: deckhand::bot::authorize::AccessLevel::Agent,
    },
    start: |_| {
        let picture = Attachment::png("x.png", "A picture", (&b"\x89PNG"[..]).into());
        let message = deckhand::discord::Message::private("look").with(picture);
        Box::pin(async { Ok(Answer(message)) })
    },
    needs: &[],
    complete: None,
};

#[tokio::test(start_paused = true)]
async fn a_private_picture_stays_private() {
    let plan = Plan { table: &[PRIVATE_PICTURE], ..Plan::default() };
    let world = World::of(plan).await;
    let told = world.types("ada", "/secret").await;
    assert_eq!(told.kind(), 5);
    assert!(told.original().ephemeral && told.original().content == "look");
    assert_eq!(told.original().attachments.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_may_use_status_may_use_the_digest() {
    let agents = Box::leak(
        TWO_AGENTS
            .replacen("kind = \"status\"", "kind = \"status\"\nallowed_roles = [\"777\"]", 1)
            .into_boxed_str(),
    );
    let world = World::of(Plan { agents: Some(agents), ..Plan::default() }).await;
    for text in ["/status", "/status-digest"] {
        let told = world.types("ada", text).await;
        assert!(told.original().content.contains("Who can: <@&777>"), "{}", told.transcript());
    }
    assert!(world.github.requests().is_empty());
}
