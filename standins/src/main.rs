//! Runs the stand-ins for scripts and people, with a control API.

// Dev-only: stopping loudly is the right end of a run that cannot go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod control;

use control::Control;
use serde_json::json;
use standins::{
    Clock, Gauge,
    discord::{CHANNEL_ID, Discord, GUILD_ID},
    github::{Github, Scenario},
    server::serve,
    site::Site,
};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// What the arguments ask for.
#[derive(Debug, PartialEq)]
struct Options {
    github_port: u16,
    discord_port: u16,
    control_port: u16,
    site_port: u16,
    scenario: String,
}

/// What the arguments come to.
#[derive(Debug, PartialEq)]
enum Asked {
    Run(Options),
    Help,
}

fn read(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut options = Options {
        github_port: 0,
        discord_port: 0,
        control_port: 0,
        site_port: 0,
        scenario: "success".to_owned(),
    };
    while let Some(name) = arguments.next() {
        if matches!(name.as_str(), "--help" | "-h") {
            return Ok(Asked::Help);
        }
        let mut value = || {
            let value = arguments.next();
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        let port = |value: String| {
            let port = value.parse::<u16>();
            port.map_err(|_| format!("{value:?} is no port"))
        };
        match name.as_str() {
            "--github-port" => options.github_port = port(value()?)?,
            "--discord-port" => options.discord_port = port(value()?)?,
            "--control-port" => options.control_port = port(value()?)?,
            "--site-port" => options.site_port = port(value()?)?,
            "--scenario" => options.scenario = value()?,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(Asked::Run(options))
}

fn help() -> String {
    let mut text = String::from(
        "Stand-ins for GitHub Actions, Discord and a website, on the loopback.\n\n\
         standins [--github-port N] [--discord-port N] [--site-port N] [--control-port N]\n\
         \x20        [--scenario NAME]\n\n\
         Port 0, the default, is any that is free. Prints one line of JSON with the URLs, the\n\
         public key, the tokens and a GitHub App's test key, then runs until SIGTERM or Ctrl-C.\n\nScenarios:\n",
    );
    for (name, what) in Scenario::names() {
        text.push_str(&format!("  {name:18} {what}\n"));
    }
    text.push_str(
        "\nControl: POST /command {text, endpoint, user?, twice?} · POST /ping {endpoint} · PUT /commands [..]\n\
         POST /sign {timestamp, body} · POST /scenario {name, queued_ms?, running_ms?, jobs?} · GET /scenarios · GET /conversation\n\
         GET /messages?interaction_id= · GET /github/requests · GET /github/dispatches\n\
         GET /github/runs · GET /discord/requests · POST /autocomplete {text with |, endpoint, user?}\n\
         POST /click {message_id, endpoint, label or custom_id (forged), user?}\n\
         PUT /endpoint {url} · GET /channel · PUT /channel {view?, send?, attach?, history?, in_server?}\n\
         POST /hook {url, repo, secret, form?, latency_ms?, before_answer?, lose_each?, twice?, late_ms?, out_of_order?}\n\
         GET /github/deliveries · POST /github/rerun {run_id, user?} · POST /github/cancel {run_id}\n\
         GET /site/requests · POST /site {path, status?, body?, location?, delay_ms?}\n\
         A command with `twice` is delivered two times at the same moment; the later answer is the `twin`.\n",
    );
    text
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(Asked::Run(options)) => options,
        Ok(Asked::Help) => {
            print!("{}", help());
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("standins: {why}\n\n{}", help());
            return ExitCode::from(2);
        }
    };
    let Some(scenario) = Scenario::named(&options.scenario) else {
        eprintln!("standins: there is no scenario {:?}", options.scenario);
        return ExitCode::from(2);
    };
    // Before the line is printed: from then on a SIGTERM ends the program cleanly.
    let mut terminated = signal(SignalKind::terminate()).expect("SIGTERM can be listened for");
    let (clock, gauge) = (Clock::start(), Gauge::new());
    let github_token = scenario.token.clone();
    let github =
        Github::start_on(options.github_port, clock.clone(), gauge.clone(), scenario).await;
    let discord = Discord::start_on(options.discord_port, clock.clone(), gauge.clone()).await;
    let site = Site::start_on(options.site_port, clock, gauge).await;
    site.follow(&options.scenario);
    let control = Control { github: github.clone(), discord: discord.clone(), site: site.clone() };
    let address = serve(options.control_port, move |request| {
        let control = control.clone();
        async move { control.handle(request).await }
    })
    .await;
    let line = json!({
        "github": github.url(),
        "discord": discord.url(),
        "site": site.url(),
        "control": format!("http://{address}"),
        "public_key": discord.public_key(),
        "application_id": discord.application_id(),
        "channel_id": CHANNEL_ID,
        "guild_id": GUILD_ID,
        "bot_token": discord.bot_token(),
        "github_token": github_token,
        "github_app_id": github.app_id(),
        "github_app_installation_id": github.installation_id(),
        "github_app_private_key": github.app_private_key_pem(),
    });
    println!("{line}");
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Asked, String> {
        read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_read_or_refused() {
        let Ok(Asked::Run(options)) = of("--control-port 9000 --scenario stuck") else {
            panic!("not read")
        };
        assert_eq!((options.control_port, options.scenario.as_str()), (9000, "stuck"));
        assert_eq!(of("--help"), Ok(Asked::Help));
        for (line, why) in [
            ("--port 1", "there is no option --port"),
            ("--scenario", "--scenario needs a value"),
            ("--github-port x", "\"x\" is no port"),
        ] {
            assert_eq!(of(line), Err(why.to_owned()));
        }
    }
}
