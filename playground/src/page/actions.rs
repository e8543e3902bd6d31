//! What a person does on the page.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use serde_json::{Value, json};
use standins::discord::{Chosen, Interaction};

use crate::feed::Feed;
use crate::process::Process;
use crate::world::{Webhooks, World};

/// How long a killed bot is away.
const AWAY: Duration = Duration::from_millis(1500);
/// GitHub's own limit for the name of a branch.
const LONGEST_BRANCH: usize = 255;

pub(super) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what is asked. The error is what the person reads.
pub(super) async fn act(
    world: &Arc<Mutex<World>>,
    action: &str,
    asked: &Value,
) -> Result<Value, String> {
    let text = |field: &str| asked[field].as_str().unwrap_or_default();
    match action {
        "command" => {
            let mut world = lock(world);
            let (user, channel) = (world.user(text("as")), text("channel"));
            let options = pairs(&asked["options"]);
            let chosen = Chosen { command: text("command"), options: &options, focused: None };
            let sent = world.discord.chosen(&user, channel, chosen)?;
            world.send(sent, &chosen.text());
        }
        "suggest" => return suggest(world, asked).await,
        "press" => {
            let mut world = lock(world);
            let user = world.user(text("as"));
            let pressed = world.discord.click(&user, text("message"), text("label"))?;
            world.send(pressed, text("label"));
        }
        "submit" => {
            let mut world = lock(world);
            let user = world.user(text("as"));
            let fields = pairs(&asked["fields"]);
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
            let opened_by = Interaction::opened(text("interaction"), text("channel"));
            let sent = world.discord.submit(&user, &opened_by, &fields)?;
            world.send(sent, "sends the form off");
        }
        "say" => say(&lock(world), asked)?,
        "scenario" => {
            let mut world = lock(world);
            world.set_scenario(text("name"))?;
            tell_state(&world);
        }
        "webhooks" => {
            let how = Webhooks::from_str(text("how"), false)
                .map_err(|_| "Webhooks are on, off or lossy.".to_owned())?;
            let mut world = lock(world);
            world.set_webhooks(how);
            tell_state(&world);
        }
        "push" => {
            let branch = text("branch").trim();
            if branch.is_empty() || branch.len() > LONGEST_BRANCH {
                return Err("Name a branch.".to_owned());
            }
            let mut world = lock(world);
            world.push(branch);
            tell_state(&world);
        }
        "kill" => {
            let (process, feed) = {
                let world = lock(world);
                (world.process(), world.post.feed.clone())
            };
            kill(process.ok_or("The bot has no process of its own.")?, feed)?;
        }
        _ => return Err(format!("There is no action {action:?}.")),
    }
    Ok(json!({}))
}

/// The bot's suggestions for the option that is being typed.
async fn suggest(world: &Arc<Mutex<World>>, asked: &Value) -> Result<Value, String> {
    let text = |field: &str| asked[field].as_str().unwrap_or_default();
    let (post, going) = {
        let world = lock(world);
        let options = pairs(&asked["options"]);
        let focused = Some(text("focused"));
        let chosen = Chosen { command: text("command"), options: &options, focused };
        let user = world.user(text("as"));
        let going = world.discord.chosen(&user, text("channel"), chosen)?;
        (world.post.clone(), going)
    };
    let what = format!("suggestions for {}", text("focused"));
    let answer = post.deliver(&going, &what).await;
    match answer.wrong {
        Some(_) => Err("Loading options failed".to_owned()),
        None => Ok(json!({"choices": answer.body.pointer("/data/choices")})),
    }
}

/// A message that is no command: the bot does not read it.
fn say(world: &World, asked: &Value) -> Result<(), String> {
    let text = |field: &str| asked[field].as_str().unwrap_or_default();
    let (user, said) = (world.user(text("as")), text("text").trim());
    if said.is_empty() || said.chars().count() > 2000 {
        return Err("A message has 1 to 2000 characters.".to_owned());
    }
    let id = world.discord.writes(&user, text("channel"), said, None);
    world.post.feed.push(json!({"t": "message", "message": {
        "id": id,
        "author": user.id,
        "channel": text("channel"),
        "content": said,
        "at": chrono::Utc::now().to_rfc3339(),
        "components": [],
        "attachments": [],
        "pings": [],
        "flags": 0,
    }}));
    Ok(())
}

fn tell_state(world: &World) {
    world.post.feed.push(json!({
        "t": "state",
        "scenario": world.scenario,
        "webhooks": world.webhooks.word(),
    }));
}

/// Kills the bot, and starts it again a little later.
fn kill(process: Process, feed: Feed) -> Result<(), String> {
    if !process.kill().map_err(|error| error.to_string())? {
        return Err("It is killed already.".to_owned());
    }
    feed.push(json!({"t": "bot", "up": false}));
    tokio::spawn(async move {
        tokio::time::sleep(AWAY).await;
        let again = process.spawn().await;
        let why = again.as_ref().err().map(ToString::to_string);
        feed.push(json!({"t": "bot", "up": again.is_ok(), "why": why}));
    });
    Ok(())
}

/// `[["name", "value"], …]`.
fn pairs(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}
