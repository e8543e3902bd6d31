//! Where is asked: the setting against the repository's variable, a check's own URL, and the commit.

use standins::github::Permission;

use super::*;

#[tokio::test(start_paused = true)]
async fn another_address_in_the_repository_is_said() {
    let (world, site) = live(Scenario::default()).await;
    world.github.set_variable("FRONTEND_BASE_URL", "https://new.example.com/");
    world.github.set_variable("VITE_API_BASE", &format!("{}/", site.url()));
    world.and_more();
    let told = latest(&world).await;
    let expected =
        "⚠️ **Client deploy**: 4 of 4 checks passed, but the repository names another address\n";
    assert!(told.starts_with(expected), "{told}");
    let lines = format!(
        "\n⚠️ Checked was `{}`, but the repository's variable `FRONTEND_BASE_URL` is \
         `https://new.example.com`.\n-# ↳ Set Deckhand's `FRONTEND_BASE_URL` to what is right, or the \
         variable.\n",
        site.url()
    );
    assert!(told.contains(&lines) && !told.contains("VITE_API_BASE"), "{told}");
    assert_eq!(site.requests().len(), 4, "the setting is what is asked");
}

/// The variable is set by a command, and the setting stays.
#[tokio::test(start_paused = true)]
async fn after_set_frontend_the_old_address_is_not_called_live() {
    let (world, site) = with_site(Scenario::default(), |site| {
        vec![
            ("FRONTEND_BASE_URL", site.url()),
            ("VITE_API_BASE", site.url()),
            ("ALLOW_SECRET_WRITES", "true".to_owned()),
            ("ADMIN_USER_IDS", standins::discord::User::named("ada").id),
        ]
    })
    .await;
    deployed(&world, 120, Timetable::default());
    assert!(latest(&world).await.starts_with("✅"));
    world.types("ada", "/set-frontend url:https://new.example.com confirm:true").await;
    world.and_more();
    let told = latest(&world).await;
    assert!(told.starts_with("⚠️ **Client deploy**: 4 of 4 checks passed, but the"), "{told}");
    assert!(told.contains(&format!("Checked was `{}`", site.url())), "{told}");
    assert!(told.contains("variable `FRONTEND_BASE_URL` is `https://new.example.com`."), "{told}");
}

#[tokio::test(start_paused = true)]
async fn failed_checks_do_not_hide_another_address() {
    let (world, site) = live(Scenario::default()).await;
    site.set("/health", Page::failing(500));
    world.github.set_variable("VITE_API_BASE", "https://api.example.com");
    world.and_more();
    let told = latest(&world).await;
    assert!(told.starts_with("❌ **Client deploy**: 1 of 4 checks failed\n"), "{told}");
    assert!(told.contains("variable `VITE_API_BASE` is `https://api.example.com`."), "{told}");
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_a_small_line_says_so() {
    let denied = vec![Permission::Variables, Permission::VariablesWrite];
    let (world, _site) = live(Scenario { denied, ..Scenario::default() }).await;
    let told = latest(&world).await;
    assert!(told.starts_with("✅ **Client deploy** is live"), "{told}");
    let line = "\n-# Not compared with the repository's `FRONTEND_BASE_URL` and `VITE_API_BASE`: the token \
                lacks `Variables: read`.\n";
    assert!(told.contains(line), "{told}");
    assert!(!told.contains("(403)"), "{told}");
}

/// A verifier of the deploy with these checks.
fn with_checks(checks: &str) -> &'static str {
    let agents = format!("{DEPLOY_AND_VERIFY}{checks}");
    Box::leak(agents.into_boxed_str())
}

const DEPLOY_AND_VERIFY: &str = r#"
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
    run_command = "verify-run"
"#;

/// A world with a site whose URL stands for `SITE` in the checks.
async fn checked(checks: &str, env: &[(&'static str, String)]) -> (World, Site) {
    let clock = standins::Clock::start_at("2026-11-22T10:00:00Z".parse().unwrap());
    let site = Site::start(clock, standins::Gauge::new()).await;
    let agents = Some(with_checks(&checks.replace("SITE", &site.url())));
    let mut env = env.to_vec();
    env.push(("SAFE_LOCAL", "true".to_owned()));
    let world = World::of(Plan { agents, env, ..Plan::default() }).await;
    deployed(&world, 120, Timetable::default());
    (world, site)
}

#[tokio::test(start_paused = true)]
async fn a_check_asks_its_own_url() {
    let (world, site) = checked(
        r#"
        [[agent.checks]]
        target = "api"
        url = "SITE/"
        path = "/health"
        [[agent.checks]]
        url = "SITE/hello"
        "#,
        &[("VITE_API_BASE", "https://api.example.com".to_owned())],
    )
    .await;
    world.github.set_variable("VITE_API_BASE", "https://new.example.com");
    world.and_more();
    let told = latest(&world).await;
    // No check uses the setting, so nobody is told that it differs.
    assert!(told.starts_with("✅ **Client deploy** is live: all 2 checks passed\n"), "{told}");
    let host = site.url();
    assert!(told.contains(&format!("✅ API `{host}/health` · 200")), "{told}");
    assert!(told.contains(&format!("✅ Page `{host}/hello` · 200")), "{told}");
    site.set("/hello", Page::failing(404));
    let told = latest(&world).await;
    assert!(told.contains(&format!("❌ Page `{host}/hello` · 404, expected 200")), "{told}");
}

/// The guard holds at each request, whatever was checked at start.
#[tokio::test(start_paused = true)]
async fn a_url_of_its_own_is_guarded() {
    let env = [("ALLOWED_DOMAINS", "example.com".to_owned())];
    let (world, _site) =
        checked("[[agent.checks]]\nurl = \"https://other.example.net\"\npath = \"/\"", &env).await;
    let told = latest(&world).await;
    let expected = "❌ Page `other.example.net/` · `other.example.net` may not be asked";
    assert!(told.contains(expected), "{told}");
    assert!(told.contains("not in `ALLOWED_DOMAINS`"), "{told}");
}

const VERSION: &str = r#"
    [[agent.checks]]
    target = "frontend"
    url = "SITE"
    path = "/version.json"
    body = "{sha}"
"#;

/// The commit of the first run.
fn commit(world: &World) -> String {
    world.github.runs()[0].sha.clone()
}

#[tokio::test(start_paused = true)]
async fn the_deployed_commit_must_answer() {
    let (world, site) = checked(VERSION, &[]).await;
    let sha = commit(&world);
    let version = |sha: &str| Page::json(&serde_json::json!({"sha": sha}));
    site.set("/version.json", version(&sha));
    let told = latest(&world).await;
    assert!(told.starts_with("✅ **Client deploy** is live: its check passed\n"), "{told}");
    assert!(told.contains(" · this commit"), "{told}");

    // An older deploy, and one that tells too little.
    for other in ["0123456789012345678901234567890123456789", sha.get(..12).unwrap()] {
        site.set("/version.json", version(other));
        let told = latest(&world).await;
        assert!(told.starts_with("❌ **Client deploy**: 1 of 1 check failed\n"), "{told}");
        assert!(told.contains(&format!("· the body does not contain `{sha}`")), "{told}");
        assert!(told.contains("Another commit is live"), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_live_is_said_beside_a_doubt() {
    let (world, site) = checked(VERSION, &[]).await;
    site.set("/version.json", Page::html(&commit(&world)));
    deployed(&world, 1, Timetable::stuck());
    let told = latest(&world).await;
    let expected = "⚠️ **Client deploy**: run #42 is newer (in progress). What is live passes its checks \
                    and has this commit.";
    assert!(told.starts_with(expected), "{told}");
}

#[tokio::test(start_paused = true)]
async fn without_a_run_the_commit_is_not_checked() {
    let (world, site) = checked(VERSION, &[]).await;
    site.set("/version.json", Page::html("anything"));
    let told = content(&world.types("ada", "/verify-run run_id:7").await);
    assert!(told.contains("has no run `7` (404)."), "{told}");
    assert!(site.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hash_that_is_none_proves_nothing() {
    let (world, site) = checked(VERSION, &[]).await;
    site.set("/version.json", Page::html("anything"));
    world.github.add_run(NewRun {
        sha: Some(String::new()),
        created: TimeDelta::minutes(-9),
        ..NewRun::default()
    });
    let told = latest(&world).await;
    assert!(
        told.starts_with("⚠️ **Client deploy**: the run succeeded. Nothing was checked."),
        "{told}"
    );
}
