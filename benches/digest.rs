//! Measures a weekly digest while each answer of GitHub is delayed by 80 ms. Also reads the same pages one
//! after another, to compare. `cargo bench --bench digest`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement stops at the first fault"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DurationRound, TimeDelta, Utc};
use deckhand::agents::file;
use deckhand::aws::{Aws, Parameters};
use deckhand::bot::registration;
use deckhand::bot::tasks::Tasks;
use deckhand::clock::SystemClock;
use deckhand::commands::TABLE;
use deckhand::digest::{Period, Window, Zone};
use deckhand::discord::registration::Scope;
use deckhand::github::settings::{Settings, SignIn};
use deckhand::github::window::{Listed, Reading, Span};
use deckhand::host::startup;
use deckhand::net::transport::Https;
use deckhand::secrets::Secret;
use deckhand::secrets::SecretSource;
use futures_util::future::join_all;
use standins::discord::{Discord, Endpoint, GUILD_ID, User};
use standins::github::{Fault, Github, NewRun, On, Scenario, What};
use standins::{Clock, Gauge, Scratch};
use tokio::sync::Semaphore;

const ADDED: Duration = Duration::from_millis(80);
const ROUNDS: usize = 5;
const REPOSITORY: &str = "octo-org/web-client";

#[tokio::main]
async fn main() {
    println!("{ADDED:?} added to each answer of GitHub; medians of {ROUNDS}\n");
    println!(
        "| runs | what | wall time | requests | of those 304 |\n| --- | --- | --- | --- | --- |"
    );
    for (count, weeks, which) in [(1500, 1, "1500, none before"), (3000, 2, "1500, 1500 before")] {
        let history = NewRun::history(count, TimeDelta::weeks(weeks));
        row(which, "one page after another", || pages(&history, 1)).await;
        row(which, "the same pages, 8 at once", || pages(&history, 8)).await;
        row(which, "the whole command", || command(&history, false)).await;
        row(which, "the whole command again", || command(&history, true)).await;
    }
}

type Measured = (Duration, usize, usize);

async fn row<F: Future<Output = Measured>>(runs: &str, what: &str, measure: impl Fn() -> F) {
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        all.push(measure().await);
    }
    all.sort();
    let (wall, requests, unchanged) = all.get(ROUNDS / 2).expect("some rounds");
    println!("| {runs} | {what} | {} ms | {requests} | {unchanged} |", wall.as_millis());
}

async fn github(history: &[NewRun]) -> Github {
    let faults = vec![Fault::new(On::Any, What::Delay(ADDED)).always()];
    let github =
        Github::start(Clock::start(), Gauge::new(), Scenario { faults, ..Scenario::default() })
            .await;
    github.add_runs(history.iter().cloned());
    github
}

fn measured(began: Instant, github: &Github, skip: usize) -> Measured {
    let wall = began.elapsed();
    let requests = github.requests();
    let new = requests.iter().skip(skip);
    (wall, new.clone().count(), new.filter(|request| request.status == 304).count())
}

/// Only reads the pages, with the bot's own client.
async fn pages(history: &[NewRun], calls_at_once: usize) -> Measured {
    let standin = github(history).await;
    let settings = Settings {
        sign_in: SignIn::Token(SecretSource::Given(Secret::new("ghs_standin_token"))),
        repository: REPOSITORY.parse().expect("a repository"),
        api_base: standin.url(),
    };
    let transport = Arc::new(Https::default());
    let vault = Arc::new(Parameters(Aws::new(transport.clone(), Arc::new(SystemClock))));
    let client = deckhand::github::Github::new(settings, transport, vault, Arc::new(SystemClock));
    let calls = Semaphore::new(calls_at_once);
    let reading = Reading {
        repository: client.default_repository(),
        workflow: "client-deploy.yml",
        calls: &calls,
    };
    let window = Window::ending(Utc::now(), Period::Weekly, &Zone::utc());
    let hour = |time: chrono::DateTime<Utc>| time.duration_trunc(TimeDelta::hours(1)).unwrap();
    // Two weeks before the window, one of them for what the other one's numbers need to know.
    let since = window.from - TimeDelta::weeks(2);
    let edges = [hour(since), hour(window.from), hour(window.to), window.to];
    let began = Instant::now();
    let spans = edges.windows(2).map(|pair| match pair {
        [from, to] => client.runs_between(reading, Span { from: *from, to: *to }),
        _ => unreachable!("windows of two"),
    });
    let read: Result<Vec<_>, _> = join_all(spans).await.into_iter().collect();
    let measured = measured(began, &standin, 0);
    let found = Listed::joined(read.unwrap()).runs.len();
    assert!(found >= history.len() - 2, "{found}");
    measured
}

/// From the interaction until Discord has the message with its image.
async fn command(history: &[NewRun], again: bool) -> Measured {
    let github = github(history).await;
    let discord = Discord::start(Clock::start(), Gauge::new()).await;
    let scratch = Scratch::new().unwrap();
    let data_file = scratch.file("deckhand.redb").to_string_lossy().into_owned();
    let env = |name: &str| match name {
        "DISCORD_PUBLIC_KEY" => Some(discord.public_key()),
        "DISCORD_APPLICATION_ID" => Some(discord.application_id()),
        "DISCORD_API_BASE" => Some(discord.url()),
        "GITHUB_API_BASE" => Some(github.url()),
        "GITHUB_TOKEN" => Some("ghs_standin_token".to_owned()),
        "GITHUB_REPO" => Some(REPOSITORY.to_owned()),
        "ALLOWED_GUILD_IDS" => Some(GUILD_ID.to_owned()),
        "DATA_FILE" => Some(data_file.clone()),
        _ => None,
    };
    let tasks = Tasks::default();
    let app = startup::app(env, tasks.clone()).unwrap();
    discord.set_commands(registration(TABLE, &file::load(None).unwrap(), Scope::Guild));
    let endpoint = Endpoint::Direct(Arc::new(move |request| {
        let app = app.clone();
        Box::pin(async move { app.handle(request, None).await })
    }));
    let type_it = async || {
        let text = "/status-digest period:weekly";
        let interaction = discord.interaction(&User::named("ada"), text).unwrap();
        discord.deliver(&interaction, &endpoint).await;
        tasks.drained().await;
        assert_eq!(discord.messages(&interaction.id)[0].attachments.len(), 1);
    };
    if again {
        type_it().await;
    }
    let (before, began) = (github.requests().len(), Instant::now());
    type_it().await;
    measured(began, &github, before)
}
