//! One session: reads lines, sends commands to the bot, shows the conversation.

use std::time::Duration;

use standins::discord::Interaction;
use tokio::signal::ctrl_c;
use tokio::sync::mpsc::UnboundedReceiver;

use super::guess;
use super::input::{self, Input};
use super::prompt::Typed;
use super::show::Show;
use crate::Result;
use crate::world::World;

/// Show the waiting message only for work that takes longer than this.
const SOON: Duration = Duration::from_millis(200);

pub(crate) struct Session {
    world: World,
    show: Show,
    user: String,
    /// Whether a line was wrong where nobody could correct it (not at a prompt).
    mistyped: bool,
}

impl Session {
    /// A session in which `user` types all lines that name no other user.
    pub(crate) fn new(world: World, show: Show, user: String) -> Self {
        Self { world, show, user, mistyped: false }
    }

    /// Runs all lines; returns whether Ctrl-C ended them. At the prompt a command goes on while the next line is
    /// typed; elsewhere each command ends before the next line, unless that presses a button or the line before
    /// ends with `&`.
    pub(crate) async fn run(
        &mut self,
        mut lines: UnboundedReceiver<Typed>,
        at_prompt: bool,
    ) -> bool {
        if at_prompt {
            self.show.say(&input::welcome());
        }
        self.show.say(&self.world.scenario_line());
        let mut goes_on = false;
        for number in 0.. {
            let line = match self.show.until(lines.recv()).await {
                Some(Typed::Line(line)) => line,
                Some(Typed::Interrupted) => return true,
                None => break,
            };
            if !at_prompt {
                match input::read(&line) {
                    Ok(Input::Press { label, .. }) => self.appears(label).await,
                    _ if goes_on => {}
                    _ => self.settle().await,
                }
                if number > 0 {
                    self.show.gap();
                }
            }
            let (line, and) = without_and(&line);
            goes_on = and;
            let taken = self.take(line);
            match taken {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => {
                    self.mistyped |= !at_prompt;
                    self.show.say(&why);
                }
            }
        }
        self.show.leave_prompt();
        if !at_prompt {
            self.settle().await;
        }
        if tokio::time::timeout(SOON, self.settle()).await.is_err() {
            self.show.say("Waiting for what is under way; Ctrl-C cuts it short.");
            self.settle().await;
        }
        false
    }

    /// Executes a line. Returns false if it ends the session.
    fn take(&mut self, line: &str) -> std::result::Result<bool, String> {
        let text = match self.read(line)? {
            Input::Nothing => String::new(),
            Input::Help => input::help(&self.world.commands()),
            Input::Scenarios => input::scenarios(&self.world.scenario),
            Input::Scenario(name) => {
                self.world.set_scenario(name)?;
                self.world.scenario_line()
            }
            Input::Command { user, text } => {
                let interaction = self.interaction(user, text)?;
                self.world.send(interaction, text);
                return Ok(true);
            }
            Input::Press { user, label } => {
                let (pressed, label) = self.world.press(user.unwrap_or(&self.user), label)?;
                self.world.send(pressed, &label);
                return Ok(true);
            }
            Input::Push(branch) => {
                self.world.push(branch);
                let card = if self.world.is_watched() {
                    "the [[watch]] of agents.toml shows its run"
                } else {
                    "agents.toml has no [[watch]], so nothing is shown"
                };
                format!("octocat pushed to {branch} on GitHub; {card}.")
            }
            Input::Webhooks(webhooks) => {
                self.world.set_webhooks(webhooks);
                format!("GitHub's webhooks are {}.", webhooks.word())
            }
            Input::Quit => return Ok(false),
        };
        self.show.say(&text);
        Ok(true)
    }

    /// Checks a line without executing it.
    pub(crate) fn check(&self, line: &str) -> std::result::Result<(), String> {
        match self.read(without_and(line).0)? {
            Input::Command { user, text } => self.interaction(user, text).map(drop),
            Input::Scenario(name) => World::scenario_named(name).map(drop),
            _ => Ok(()),
        }
    }

    /// Parses a line. The error says what was probably meant.
    fn read<'l>(&self, line: &'l str) -> std::result::Result<Input<'l>, String> {
        input::read(line).map_err(|why| self.guessed(why, line))
    }

    fn guessed(&self, why: String, line: &str) -> String {
        match guess::meant(line, &self.world.commands()) {
            Some(meant) => format!("{why}\nDid you mean: {meant}"),
            None => why,
        }
    }

    fn interaction(
        &self,
        user: Option<&str>,
        text: &str,
    ) -> std::result::Result<Interaction, String> {
        let typed = self.world.interaction(user.unwrap_or(&self.user), text);
        typed.map_err(|why| {
            let line = user.map_or_else(|| text.to_owned(), |user| format!("{user}: {text}"));
            self.guessed(format!("Discord would not send {text:?}: {why}"), &line)
        })
    }

    /// Shows the conversation until all running commands have ended.
    async fn settle(&mut self) {
        self.show.until(self.world.done()).await;
    }

    /// Shows the conversation until the latest command's messages have this button, or nothing runs any more.
    async fn appears(&mut self, label: &str) {
        let discord = self.world.discord.clone();
        let latest = self.world.latest.clone();
        let appears = async {
            while discord.button(&latest, label).is_none() {
                tokio::time::sleep(SOON).await;
            }
        };
        let done = self.world.done();
        self.show
            .until(async {
                tokio::select! {
                    () = appears => {}
                    () = done => {}
                }
            })
            .await;
    }

    /// Stops the bot and returns the exit code. After Ctrl-C the bot winds up its work, and its last
    /// messages are shown. A second Ctrl-C does not wait for that.
    pub(crate) async fn end(mut self, interrupted: bool) -> Result<u8> {
        self.show.leave_prompt();
        tokio::select! {
            () = self.show.until(self.world.stop()) => {}
            pressed = ctrl_c() => pressed?,
        }
        self.show.report_unanswered();
        if self.world.lost {
            self.show.report_lost();
        }
        Ok(if interrupted {
            130
        } else if self.show.trouble {
            1
        } else if self.mistyped {
            2
        } else {
            0
        })
    }
}

/// A line without the `&` at its end, and whether it had one.
fn without_and(line: &str) -> (&str, bool) {
    match line.trim_end().strip_suffix(" &") {
        Some(line) => (line, true),
        None => (line, false),
    }
}
