//! `/verify-latest` and `/verify-run`, against the stand-in of what is deployed.

mod others;
mod places;
mod references;

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use standins::discord::Interaction;
use standins::github::{Fault, NewRun, On, Scenario, Timetable};
use standins::site::{Page, Site};

use crate::world::{Plan, Told, World};

/// A world with a site in it, whose last deploy succeeded two hours ago.
async fn live(scenario: Scenario) -> (World, Site) {
    let (world, site) = with_site(scenario, |site| {
        vec![("FRONTEND_BASE_URL", site.url()), ("VITE_API_BASE", site.url())]
    })
    .await;
    deployed(&world, 120, Timetable::default());
    (world, site)
}

async fn with_site(
    scenario: Scenario,
    env: impl Fn(&Site) -> Vec<(&'static str, String)>,
) -> (World, Site) {
    let mut site = None;
    let world = World::with_site(Plan { scenario, ..Plan::default() }, |started| {
        let mut given = env(&started);
        given.push(("SAFE_LOCAL", "true".to_owned()));
        site = Some(started);
        given
    })
    .await;
    (world, site.expect("a site"))
}

fn deployed(world: &World, minutes: i64, timetable: Timetable) -> u64 {
    world.github.add_run(NewRun {
        title: "Client Deploy — 0b3b1c8e-6a3e-4c52-9f1d-0d5f6a7b8c9d by ada#7".to_owned(),
        created: TimeDelta::minutes(-minutes),
        timetable,
        ..NewRun::default()
    })
}

fn content(told: &Told) -> String {
    told.original().content.clone()
}

async fn latest(world: &World) -> String {
    content(&world.types("ada", "/verify-latest").await)
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_is_live() {
    let (world, site) = live(Scenario::default()).await;
    let told = world.types("ada", "/verify-latest").await;
    assert_eq!(told.kind(), 4);
    assert!(!told.original().ephemeral);
    insta::assert_snapshot!(content(&told).replace(&world.github.url(), "GITHUB"));
    let mut paths: Vec<_> = site.requests().iter().map(|visit| visit.path.clone()).collect();
    paths.sort();
    assert_eq!(paths, ["/", "/health", "/hello", "/index.html"]);
    for visit in site.requests() {
        assert!(visit.user_agent.starts_with("Deckhand-Verify/"), "{visit:?}");
        assert!(
            !visit.headers.contains_key("cookie") && !visit.headers.contains_key("authorization")
        );
    }
    assert!(world.dispatches().is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_problem_of_a_site_is_explained() {
    let (world, site) = live(Scenario::default()).await;
    site.set("/", Page::html("`@everyone` **x**").delay(Duration::from_secs(30)));
    site.change("/index.html", |page| page.without_header("cache-control"));
    site.set("/health", Page::failing(500));
    site.set("/hello", Page::redirect("https://169.254.169.254/latest/meta-data"));
    let told = world.types("ada", "/verify-latest").await;
    assert_eq!(told.kind(), 5);
    insta::assert_snapshot!(content(&told).replace(&world.github.url(), "GITHUB"));
}

#[tokio::test(start_paused = true)]
async fn a_single_failed_check_is_retried() {
    let (world, site) = live(Scenario::default()).await;
    site.change("/health", |page| page.flaky(1));
    site.change("/hello", |page| page.flaky(2));
    let told = latest(&world).await;
    assert!(told.starts_with("❌ **Client deploy**: 1 of 4 checks failed"), "{told}");
    assert!(
        told.contains("✅ API `/health` · 200 in 0 ms · at the second try, at first 503"),
        "{told}"
    );
    assert!(told.contains("❌ API `/hello` · 503, expected 200"), "{told}");
    let asked = |path: &str| site.requests().iter().filter(|visit| visit.path == path).count();
    assert_eq!((asked("/"), asked("/health"), asked("/hello")), (1, 2, 2));
    let times: Vec<_> =
        site.requests().into_iter().filter(|visit| visit.path == "/health").map(|v| v.at).collect();
    assert!((2000..2500).contains(&(times[1] - times[0]).num_milliseconds()), "{times:?}");
}

#[rstest]
#[case::dropped(Page::reset(), "❌ API `/health` · the connection broke")]
#[case::endless(Page::new("text/plain", vec![b'x'; 16 << 10]).endless(), "✅ API `/health` · 200")]
#[case::redirected(Page::redirect("/hello"), "✅ API `/health` · 200")]
#[case::circle(Page::redirect("/health"), "❌ API `/health` · more than 5 redirects")]
#[case::metadata(
    Page::redirect("https://169.254.169.254/"),
    "❌ API `/health` · `169.254.169.254` may not"
)]
#[case::not_https(
    Page::redirect("http://example.com/"),
    "❌ API `/health` · `example.com` may not be asked"
)]
#[case::nonsense(
    Page::redirect("http://[everyone`"),
    "❌ API `/health` · redirects to `http://[everyoneˋ`"
)]
#[case::gone(Page::failing(404), "❌ API `/health` · 404, expected 200")]
#[tokio::test(start_paused = true)]
async fn each_kind_of_answer_is_explained(#[case] page: Page, #[case] expected: &str) {
    let (world, site) = live(Scenario::default()).await;
    site.set("/health", page);
    let told = latest(&world).await;
    assert!(told.contains(expected), "{told}");
    assert_eq!(told.starts_with("✅"), expected.starts_with("✅"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_header_is_shown_escaped() {
    let (world, site) = live(Scenario::default()).await;
    let hostile = "`@everyone` **x** [a](https://evil.test)";
    site.change("/index.html", |page| page.header("cache-control", hostile));
    let told = world.types("ada", "/verify-latest").await;
    let expected = "the header is `cache-control: ˋ@everyoneˋ **x** [a](https://evil.test)`\n";
    assert!(content(&told).contains(expected), "{}", told.transcript());
    assert!(told.original().pings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn checks_run_concurrently() {
    let (world, site) = live(Scenario::default()).await;
    for path in ["/", "/index.html", "/health", "/hello"] {
        site.change(path, |page| page.delay(Duration::from_millis(1500)));
    }
    let told = world.types("ada", "/verify-latest").await;
    assert_eq!(told.kind(), 4, "within the three seconds: {}", told.transcript());
    assert!(content(&told).starts_with("✅"), "{}", told.transcript());
}

#[tokio::test(start_paused = true)]
async fn without_urls_it_says_what_to_set() {
    let (world, site) = with_site(Scenario::default(), |_| Vec::new()).await;
    deployed(&world, 120, Timetable::default());
    insta::assert_snapshot!(latest(&world).await.replace(&world.github.url(), "GITHUB"));
    assert!(site.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_running_and_another_workflows_run_are_explained() {
    let (world, _site) = live(Scenario::default()).await;
    let running = deployed(&world, 1, Timetable::stuck());
    let workflow = "diagnose-dispatch.yml".to_owned();
    let other = world.github.add_run(NewRun {
        workflow,
        created: TimeDelta::minutes(-9),
        ..NewRun::default()
    });
    for (id, expected) in [
        (running, "⚠️ **Client deploy**: the run has not ended (in progress). What is live passes"),
        (other, "is of another workflow (`.github/workflows/diagnose-dispatch.yml`), not of"),
    ] {
        let told = content(&world.types("ada", &format!("/verify-run run_id:{id}")).await);
        assert!(told.contains(expected), "{told}");
        assert_eq!(told.matches('✅').count(), 4, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_any_run_the_site_is_still_checked() {
    let (world, _site) =
        with_site(Scenario::default(), |site| vec![("VITE_API_BASE", site.url())]).await;
    let told = latest(&world).await;
    let expected = "⚠️ **Client deploy**: no run of `client-deploy.yml` on `main` or `release/*` has ended \
                    yet. What is live passes 2 of 4 checks; 2 not made.";
    assert!(told.starts_with(expected), "{told}");
}

#[tokio::test(start_paused = true)]
async fn when_github_is_down_the_site_is_still_checked() {
    let (world, _site) = live(Scenario::named("github-down").unwrap()).await;
    let told = latest(&world).await;
    assert!(
        told.starts_with("⚠️ **Client deploy**: GitHub did not answer as it should."),
        "{told}"
    );
    assert_eq!(told.matches('✅').count(), 4, "{told}");
}

#[tokio::test(start_paused = true)]
async fn unreadable_steps_do_not_hide_the_verdict() {
    let faults = vec![Fault::forbidden().on(On::Jobs).always()];
    let (world, _site) = live(Scenario { faults, ..Scenario::default() }).await;
    let told = latest(&world).await;
    assert!(told.starts_with("✅ **Client deploy** is live"), "{told}");
    assert!(
        told.contains("⚠️ The steps are not known. An admin of the bot must mend it."),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn diagnose_is_dispatched_exactly_once_for_the_checked_urls() {
    let (world, site) = live(Scenario::named("site-down").unwrap()).await;
    site.follow("site-down");
    let interaction: Interaction = world.interaction("ada", "/verify-latest diagnose:true");
    let answer = world.deliver(&interaction).await;
    world.settle().await;
    let dispatch = world.dispatch();
    assert_eq!(dispatch.workflow, "diagnose-dispatch.yml");
    assert_eq!(dispatch.inputs["frontend_url"], site.url());
    assert_eq!(dispatch.inputs["api_base"], site.url());
    assert_eq!(dispatch.inputs["channel"], standins::discord::CHANNEL_ID);
    let told = content(&world.told(&interaction, answer));
    let mut lines = told.lines().skip_while(|line| *line != "🚀 **Diagnose runner** started");
    let line = lines.nth(1).unwrap();
    let id = dispatch.inputs["correlation_id"].as_str().unwrap();
    assert!(line.contains(id) && line.contains(&dispatch.run_id.to_string()), "{line}");
    assert!(told.starts_with("❌ **Client deploy**: 4 of 4 checks failed"), "{told}");
    let (_, again) = world.post(&interaction).await;
    world.settle().await;
    assert!(again["data"]["content"].as_str().unwrap().contains("not done twice"), "{again}");
    world.dispatch();
}

const DIAGNOSE_FOR_SOME: &str = r#"
    [[agent]]
    id = "deploy_client"
    name = "Client deploy"
    description = "Deploys the client"
    command = "deploy-client"
    kind = "deploy"
    workflow = "client-deploy.yml"

    [[agent]]
    id = "verifier"
    name = "Verifier"
    description = "Verifies"
    command = "verify-latest"
    kind = "verify"
    verifies = "deploy_client"

    [[agent]]
    id = "diagnose"
    name = "Diagnose"
    description = "Diagnoses"
    command = "diagnose"
    kind = "diagnose"
    workflow = "diagnose-dispatch.yml"
    allowed_users = ["1"]
"#;

#[tokio::test(start_paused = true)]
async fn verifying_does_not_bypass_the_permission_to_diagnose() {
    let agents = Some(DIAGNOSE_FOR_SOME);
    let world = World::of(Plan { agents, ..Plan::default() }).await;
    let told = world.types("ada", "/verify-latest diagnose:true").await;
    assert!(told.original().ephemeral);
    assert!(content(&told).contains("You may not use this command."), "{}", told.transcript());
    assert!(world.github.requests().is_empty());
    let told = latest(&world).await;
    assert!(told.starts_with("⚠️ **Client deploy**: no run of"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_diagnosis_does_not_hide_the_checks() {
    let faults = vec![Fault::forbidden().on(On::Dispatch).always()];
    let (world, _site) = live(Scenario { faults, ..Scenario::default() }).await;
    let told = content(&world.types("ada", "/verify-latest diagnose:true").await);
    assert!(told.starts_with("✅ **Client deploy** is live"), "{told}");
    assert!(told.contains("🔴 **Diagnose runner**: not started."), "{told}");
}
