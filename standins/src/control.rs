//! The control API of the binary: what a person, or a script, does to the stand-ins.

use serde_json::{Value, json};
use standins::{
    Endpoint,
    discord::{Discord, Interaction, Permissions, User},
    github::{Fate, Github, Hook, Mishap, Scenario},
    server::{Answer, Outcome, Received},
    site::{Page, Site},
};
use std::{collections::BTreeMap, time::Duration};

/// The stand-ins under control.
#[derive(Clone)]
pub struct Control {
    /// GitHub Actions.
    pub github: Github,
    /// Discord.
    pub discord: Discord,
    /// The website.
    pub site: Site,
}

impl Control {
    /// Answers one request; what was wrong with it is `{"error": …}`.
    pub async fn handle(&self, request: Received) -> Outcome {
        Outcome::Answer(match self.route(&request).await {
            Ok(body) => Answer::json(200, &body),
            Err((status, why)) => Answer::json(status, &json!({"error": why})),
        })
    }

    async fn route(&self, request: &Received) -> Result<Value, (u16, String)> {
        let bad = |why: String| (400, why);
        let body: Value = if request.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&request.body).map_err(|error| bad(error.to_string()))?
        };
        let text = |field: &str| {
            let value = body[field].as_str().map(str::to_owned);
            value.ok_or_else(|| bad(format!("{field:?} is missing")))
        };
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/command") => {
                let user = User::named(body["user"].as_str().unwrap_or("ada"));
                let typed = self.discord.interaction(&user, &text("text")?);
                let (typed, endpoint) = (typed.map_err(bad)?, text("endpoint")?);
                if body["twice"] != true {
                    return Ok(self.deliver(&typed, endpoint).await);
                }
                let once = || self.deliver(&typed, endpoint.clone());
                let (one, other) = tokio::join!(once(), once());
                let in_order = one["wrong"].is_null();
                let (mut taken, twin) = if in_order { (one, other) } else { (other, one) };
                taken["twin"] = twin;
                Ok(taken)
            }
            ("POST", "/click") => {
                let user = User::named(body["user"].as_str().unwrap_or("ada"));
                let (message, endpoint) = (text("message_id")?, text("endpoint")?);
                let pressed = match body["custom_id"].as_str() {
                    Some(forged) => self.discord.click_forged(&user, &message, forged),
                    None => self.discord.click(&user, &message, &text("label")?),
                };
                Ok(self.deliver(&pressed.map_err(bad)?, endpoint).await)
            }
            ("POST", "/autocomplete") => {
                let user = User::named(body["user"].as_str().unwrap_or("ada"));
                let typed = self.discord.autocomplete(&user, &text("text")?);
                Ok(self.deliver(&typed.map_err(bad)?, text("endpoint")?).await)
            }
            ("PUT", "/endpoint") => {
                self.discord.set_interactions_endpoint(body["url"].as_str());
                Ok(json!({"url": body["url"]}))
            }
            ("POST", "/ping") => {
                let ping = self.discord.ping();
                Ok(self.deliver(&ping, text("endpoint")?).await)
            }
            ("PUT", "/commands") => {
                self.discord.try_set_commands(&body).map_err(bad)?;
                Ok(json!({"commands": body.as_array().map_or(0, Vec::len)}))
            }
            ("POST", "/sign") => {
                let (timestamp, signed) = (text("timestamp")?, text("body")?);
                let signature = self.discord.sign(&timestamp, signed.as_bytes());
                Ok(json!({"signature": signature}))
            }
            ("POST", "/scenario") => {
                let name = text("name")?;
                let scenario = Scenario::named(&name)
                    .ok_or_else(|| bad(format!("there is no scenario {name:?}")))?;
                let scenario = paced(scenario, &body);
                self.github.update(|current| *current = scenario);
                self.site.follow(&name);
                Ok(json!({"scenario": name}))
            }
            ("GET", "/scenarios") => Ok(json!(Scenario::names())),
            ("GET", "/conversation") => Ok(json!(self.discord.conversation())),
            ("GET", "/messages") => {
                let id = request.query("interaction_id").unwrap_or_default();
                Ok(json!(self.discord.messages(id)))
            }
            ("PUT", "/channel") => {
                let may = |what: &str| body[what].as_bool().unwrap_or(true);
                self.discord.permit(Permissions {
                    view: may("view"),
                    send: may("send"),
                    attach: may("attach"),
                    history: may("history"),
                });
                self.discord.set_in_server(may("in_server"));
                Ok(json!({}))
            }
            ("GET", "/channel") => Ok(json!(self.discord.channel_messages())),
            ("POST", "/hook") => {
                let id = self.github.add_hook(hook(&body, &text("url")?).map_err(bad)?);
                Ok(json!({"id": id}))
            }
            ("GET", "/github/deliveries") => Ok(json!(self.github.deliveries())),
            ("POST", "/github/rerun") => {
                let run = self.github.runs().into_iter().find(|run| body["run_id"] == run.id);
                let run = run.ok_or_else(|| bad("there is no such run".to_owned()))?;
                let by = body["user"].as_str().unwrap_or("ada");
                Ok(json!({"attempt": self.github.rerun(run.id, by, None)}))
            }
            ("POST", "/github/cancel") => {
                self.github.cancel(body["run_id"].as_u64().unwrap_or_default());
                Ok(json!({}))
            }
            ("POST", "/site") => {
                let path = text("path")?;
                self.site.set(&path, page(&body));
                Ok(json!({"path": path}))
            }
            ("GET", "/site/requests") => Ok(json!(self.site.requests())),
            ("GET", "/github/requests") => Ok(json!(self.github.requests())),
            ("GET", "/github/dispatches") => Ok(json!(self.github.dispatches())),
            ("GET", "/github/runs") => Ok(json!(self.github.runs())),
            ("GET", "/discord/requests") => Ok(json!(self.discord.requests())),
            (method, path) => Err((404, format!("there is no {method} {path}"))),
        }
    }

    async fn deliver(&self, interaction: &Interaction, endpoint: String) -> Value {
        let endpoint = Endpoint::Http(endpoint);
        let answer = self.discord.deliver(interaction, &endpoint).await;
        let headers: BTreeMap<_, _> = interaction.headers.iter().cloned().collect();
        json!({
            "interaction_id": interaction.id,
            "token": interaction.token,
            "sent": {"headers": headers, "body": String::from_utf8_lossy(&interaction.body)},
            "status": answer.status,
            "body": answer.body,
            "elapsed_ms": u64::try_from(answer.elapsed.as_millis()).unwrap_or(u64::MAX),
            "wrong": answer.wrong,
        })
    }
}

/// A scenario whose runs take as long, and whose deploys have as many jobs, as a request says: `queued_ms`,
/// `running_ms`, `jobs`.
fn paced(mut scenario: Scenario, body: &Value) -> Scenario {
    let milliseconds = |field: &str| body[field].as_u64().map(Duration::from_millis);
    let timetable = &mut scenario.timetable;
    timetable.queued = milliseconds("queued_ms").unwrap_or(timetable.queued);
    timetable.running = milliseconds("running_ms").unwrap_or(timetable.running);
    let steps = [("Set up job", 1), ("Work", 8), ("Complete job", 1)];
    for number in 1..body["jobs"].as_u64().unwrap_or(1) {
        let workflow = scenario.workflow_mut("client-deploy.yml");
        *workflow = workflow.clone().job_before(&format!("part {number}"), &steps);
    }
    scenario
}

/// The hook that a request describes: `repo`, `secret`, `form`, `latency_ms`, `before_answer`, and
/// what goes wrong: `lose_each`, `twice`, `late_ms`, `out_of_order`.
fn hook(body: &Value, url: &str) -> Result<Hook, String> {
    let repo = body["repo"].as_str().ok_or("\"repo\" is missing")?;
    let secret = body["secret"].as_str().ok_or("\"secret\" is missing")?;
    let milliseconds = |field: &str| body[field].as_u64().map(Duration::from_millis);
    let mut hook = Hook::new(Endpoint::Http(url.to_owned()), repo, secret);
    hook.form = body["form"] == true;
    hook.before_answer = body["before_answer"] == true;
    hook.latency = milliseconds("latency_ms").unwrap_or(hook.latency);
    if let Some(each) = body["lose_each"].as_u64() {
        let each = usize::try_from(each).map_err(|error| error.to_string())?;
        hook.mishaps.push(Mishap::new(Fate::Lost).when(|what| what.event != "ping").each(each));
    }
    if body["twice"] == true {
        hook.mishaps.push(Mishap::new(Fate::Twice(Duration::from_millis(50))));
    }
    if let Some(late) = milliseconds("late_ms") {
        hook.mishaps.push(Mishap::new(Fate::Late(late)));
    }
    if body["out_of_order"] == true {
        hook.mishaps.push(Mishap::new(Fate::OutOfOrder));
    }
    Ok(hook)
}

/// The page that a request describes: `status`, `body`, `location`, `delay_ms`.
fn page(body: &Value) -> Page {
    let status = body["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let mut page = match (&body["body"], &body["location"]) {
        (_, Value::String(location)) => Page::redirect(location),
        (Value::Null, _) => Page::failing(status.unwrap_or(200)),
        (Value::String(text), _) => Page::html(text),
        (other, _) => Page::json(other),
    };
    if let Some(status) = status {
        page = page.status(status);
    }
    page.delay(Duration::from_millis(body["delay_ms"].as_u64().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_takes_the_times_and_jobs_that_are_given() {
        let paces = |body: Value| {
            let mut scenario = paced(Scenario::default(), &body);
            let before = scenario.workflow_mut("client-deploy.yml").before.len();
            let timetable = &scenario.timetable;
            (timetable.queued.as_millis(), timetable.running.as_millis(), before)
        };
        let given = json!({"queued_ms": 300, "running_ms": 19_700, "jobs": 3});
        assert_eq!(paces(given), (300, 19_700, 2));
        assert_eq!(paces(json!({"running_ms": 700})), (2000, 700, 0));
        assert_eq!(paces(json!({})), (2000, 5000, 0));
    }
}
