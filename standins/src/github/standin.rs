//! The stand-in itself: what it serves over HTTP.

use super::{
    artifacts, auth,
    fault::{self, Fault, On, What},
    permission, redirect, routes,
    scenario::Scenario,
    state::State,
    wire::error_body,
};
use crate::{
    clock::Clock,
    gauge::Gauge,
    request::{Recorder, Request},
    server::{Answer, Outcome, Received, serve},
};
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// A running stand-in; cheap to clone.
#[derive(Clone)]
pub struct Github {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub clock: Clock,
    pub gauge: Gauge,
    pub recorder: Recorder,
    pub api: OnceLock<String>,
    pub state: Mutex<State>,
}

impl Github {
    /// Starts on a port of 127.0.0.1 that is free.
    pub async fn start(clock: Clock, gauge: Gauge, scenario: Scenario) -> Self {
        Self::start_on(0, clock, gauge, scenario).await
    }

    /// Starts on this port of 127.0.0.1.
    pub async fn start_on(port: u16, clock: Clock, gauge: Gauge, scenario: Scenario) -> Self {
        let shared = Arc::new(Shared {
            clock,
            gauge,
            recorder: Recorder::from_env(),
            api: OnceLock::new(),
            state: Mutex::new(State::new(scenario)),
        });
        let serving = Arc::clone(&shared);
        let address = serve(port, move |received| {
            let shared = Arc::clone(&serving);
            async move { shared.handle(received).await }
        })
        .await;
        shared.api.get_or_init(|| format!("http://{address}"));
        let github = Self { shared };
        github.update(|_| {});
        github
    }

    /// The API's base URL, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.shared.api().to_owned()
    }

    /// Changes the scenario, faults included, while running.
    pub fn update(&self, change: impl FnOnce(&mut Scenario)) {
        let history = {
            let scenario = &mut self.shared.state().scenario;
            change(scenario);
            std::mem::take(&mut scenario.history)
        };
        self.shared.state().add_runs(self.shared.clock.now(), history);
    }

    /// Adds a fault behind those there are.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().scenario.faults.push(fault);
    }
}

impl Shared {
    pub fn api(&self) -> &str {
        self.api.get().map_or("", String::as_str)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn handle(self: Arc<Self>, received: Received) -> Outcome {
        let (outcome, what) = self.take(&received);
        if self.state().outbox.begins() {
            tokio::spawn(Arc::clone(&self).deliver_all());
        }
        if routes::kind(&received) == On::Dispatch {
            self.hold_back_answer().await;
        }
        if let Some(What::Delay(delay)) = what {
            let _stall = self.gauge.stall();
            tokio::time::sleep(delay).await;
        }
        outcome
    }

    /// Processes a request, or applies a fault to it, and records both.
    pub fn take(&self, received: &Received) -> (Outcome, Option<What>) {
        let now = self.clock.now();
        let mut state = self.state();
        let window_ends = state.window(now);
        let mut request = Request::new(now, received);
        let by_name = redirect::by_name(&state.scenario, self.api(), received);
        let received = by_name.as_ref().unwrap_or(received);
        let caller = auth::caller(&state, now, received);
        let downloads = artifacts::is_download(received);
        request.authorized = caller.is_ok();
        let what = fault::take(&mut state.scenario.faults, routes::kind(received), now);
        let github_now = now + state.scenario.clock_skew;
        let limit = state.scenario.rate_limit;
        let spoilt = what.as_ref().and_then(|what| fault::answer(what, github_now, limit));
        let reset = matches!(what, Some(What::Reset));
        let processed = spoilt.is_none() && !reset;
        let answer = match spoilt {
            Some(answer) => permission::explain(answer, received),
            None if reset => Answer::empty(0),
            None if downloads => {
                artifacts::download(&state.links, state.scenario.ranges, now, received)
            }
            None => routes::answer(&mut state, self.api(), now, window_ends, caller, received),
        };
        let free = downloads || reset || received.path == "/rate_limit";
        request.counted = answer.status != 304 && !free;
        if request.counted {
            state.used += 1;
        }
        // The store of archives is none of the API's operations.
        if processed && !downloads {
            // The description of the API names repositories only by name.
            let described = Request { path: received.path.clone(), ..request.clone() };
            self.recorder.request("github", &described, answer.status);
        }
        let github_reset = (window_ends + state.scenario.clock_skew).timestamp();
        let usual = if downloads {
            vec![("server".to_owned(), "Windows-Azure-Blob/1.0".to_owned())]
        } else {
            usual_headers(github_now, limit, state.used, github_reset)
        };
        let finish = |mut answer: Answer| {
            answer.headers.splice(..0, usual);
            answer
        };
        let outcome = match what {
            Some(What::Reset | What::AnswerLost { status: None }) => Outcome::Drop,
            Some(What::AnswerLost { status: Some(status) }) => {
                let body = error_body(status, "Server Error");
                Outcome::Answer(finish(Answer::json(status, &body)))
            }
            Some(What::Truncated) => Outcome::Truncated(finish(answer)),
            _ => Outcome::Answer(finish(answer)),
        };
        request.status = match &outcome {
            Outcome::Answer(answer) | Outcome::Truncated(answer) | Outcome::Endless(answer) => {
                answer.status
            }
            Outcome::Drop => 0,
        };
        if let Some(What::Delay(delay)) = &what {
            request.held = *delay;
        }
        // What a fault kept from being processed was planned by the test.
        if processed {
            state.unread.add(&request);
        }
        state.requests.push(request);
        (outcome, what)
    }
}

fn usual_headers(now: DateTime<Utc>, limit: u64, used: u64, reset: i64) -> Vec<(String, String)> {
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    [
        ("date", date),
        ("server", "github.com".into()),
        ("x-github-media-type", "github.v3; format=json".into()),
        ("x-ratelimit-limit", limit.to_string()),
        ("x-ratelimit-remaining", limit.saturating_sub(used).to_string()),
        ("x-ratelimit-used", used.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
        ("x-ratelimit-resource", "core".into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
