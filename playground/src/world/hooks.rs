//! What GitHub tells of by itself: its webhooks, and pushes that nobody in Discord began.

use standins::discord::Endpoint;
use standins::github::{Fate, Hook, Mishap, NewRun};

use super::{REPO, WEBHOOK_SECRET, World, made_up};

/// With lossy webhooks, each delivery whose number this divides is lost.
const LOST_EACH: usize = 3;

/// Whether GitHub tells the bot what becomes of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Webhooks {
    /// It does.
    On,
    /// It does not.
    Off,
    /// It does, and every third delivery is lost.
    Lossy,
}

impl Webhooks {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Lossy => "lossy",
        }
    }
}

impl World {
    /// Changes whether GitHub tells the bot of runs, from now on.
    pub(crate) fn set_webhooks(&mut self, webhooks: Webhooks) {
        self.webhooks = webhooks;
        let (hook, url) = &mut self.hook;
        if webhooks == Webhooks::Off {
            if let Some(id) = hook.take() {
                self.github.remove_hook(id);
            }
            return;
        }
        let id = *hook.get_or_insert_with(|| {
            let to = Endpoint::Http(url.clone());
            self.github.add_hook(Hook::new(to, REPO, WEBHOOK_SECRET))
        });
        let lost = || Mishap::new(Fate::Lost).when(|what| what.event != "ping").each(LOST_EACH);
        let lossy = webhooks == Webhooks::Lossy;
        self.github.update_hook(id, |hook| {
            hook.mishaps = lossy.then(lost).into_iter().collect();
        });
    }

    /// Somebody pushes to a branch, which starts a run. Only webhooks tell of it, so they are switched on.
    pub(crate) fn push(&mut self, branch: &str) {
        if self.webhooks == Webhooks::Off {
            self.set_webhooks(Webhooks::On);
        }
        self.begin_scenario();
        let Ok(scenario) = Self::scenario_named(&self.scenario) else { return };
        self.github.add_run(NewRun {
            workflow: made_up::of_pushes(&self.registry).to_owned(),
            title: "Make the header sticky".to_owned(),
            branch: branch.to_owned(),
            event: "push".to_owned(),
            actor: "octocat".to_owned(),
            timetable: scenario.timetable,
            ..NewRun::default()
        });
    }
}
