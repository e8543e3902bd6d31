//! Whatever befalls a process or its store, and whenever: nothing is deployed twice, and every deploy comes to its
//! end. Each story is told once for each call that it makes to GitHub, Discord or the store.

use std::sync::Arc;
use std::time::Duration;

use deckhand::deploy::outcome::{NotFound, Outcome};
use deckhand::deploy::record::{Phase, Telling};
use deckhand::deploy::stored::load;
use deckhand::deploy::{Deploy, DeployKey};
use deckhand::discord::InteractionId;
use deckhand::store::{Memory, Store};
use rstest::rstest;
use standins::discord::{Interaction, Message};
use standins::github::{Scenario, Timetable};

use crate::world::{Blow, Lying, Plan, Remembers, World};

const MINUTE: Duration = Duration::from_secs(60);

/// A search is given up after ten minutes; then the sweep must come by.
const LONGEST: usize = 14;

/// What a deploy meets.
#[derive(Clone, Copy, Debug)]
enum Mishap {
    /// The process is killed.
    Dies,
    /// The process stands still while another one sweeps.
    Freezes,
    /// The store is not heard, and has done it.
    LosesAnswer,
    /// The store says that somebody else was faster.
    Conflicts,
    /// The store is down for longer than a lease lasts.
    BreaksDown,
}

/// A deploy, and what is promised about it.
struct Tale {
    command: &'static str,
    has_bot: bool,
    scenario: Scenario,
    /// What its message says once it was dispatched.
    ends: &'static str,
    /// Sweeps until it has ended, if its run is known.
    sweeps: usize,
    /// It is told for the first call, and then for every one in so many.
    stride: usize,
}

fn waits() -> Tale {
    Tale {
        command: "/deploy-client wait:true",
        has_bot: true,
        scenario: Scenario::default(),
        ends: "🟢 **Client deploy** succeeded",
        sweeps: 3,
        stride: 1,
    }
}

fn fails() -> Tale {
    let ends = "🔴 **Client deploy** failed";
    Tale { scenario: Scenario::named("failure").unwrap(), ends, stride: 3, ..waits() }
}

fn has_no_bot() -> Tale {
    Tale { has_bot: false, stride: 2, ..waits() }
}

fn waits_not() -> Tale {
    Tale { command: "/deploy-client", stride: 2, ..waits() }
}

fn is_searched() -> Tale {
    Tale { scenario: Scenario::named("late-run").unwrap(), stride: 5, ..waits() }
}

/// It outlives the wait and the interaction's token.
fn is_long() -> Tale {
    let running = Duration::from_secs(16 * 60);
    let timetable = Timetable { running, ..Timetable::default() };
    Tale {
        scenario: Scenario { timetable, ..Scenario::default() },
        sweeps: 19,
        stride: 17,
        ..waits()
    }
}

struct Story {
    tale: Tale,
    world: World,
    memory: Arc<dyn Store>,
    store: Arc<Lying>,
    interaction: Interaction,
}

impl Story {
    async fn of(tale: Tale) -> Self {
        let memory: Arc<dyn Store> = Arc::new(Memory::default());
        let store = Lying::around(memory.clone());
        let mut env = vec![("WAIT_TIMEOUT_SECONDS", "20".to_owned())];
        if tale.has_bot {
            env.push(("DISCORD_BOT_TOKEN", BOT_TOKEN.to_owned()));
        }
        let remembers = Remembers::In(store.clone());
        let scenario = tale.scenario.clone();
        let world = World::of(Plan { scenario, env, remembers, ..Plan::default() }).await;
        world.and_more();
        world.discord.set_bot_token(BOT_TOKEN);
        let interaction = world.interaction("ada", tale.command);
        Self { tale, world, memory, store, interaction }
    }

    /// The mishap comes at this call, or commit.
    fn meets(&self, mishap: Mishap, at: usize) {
        match mishap {
            Mishap::Dies => self.world.life.meets(Blow::Dies, at),
            Mishap::Freezes => {
                self.world.life.meets(Blow::Freezes(Duration::from_secs(100)), at);
            }
            _ => self.store.does(at - 1),
        }
        match mishap {
            Mishap::LosesAnswer => self.store.loses_answers(1),
            Mishap::Conflicts => self.store.conflicts(1),
            Mishap::BreaksDown => self.store.breaks_down(Duration::from_secs(90)),
            Mishap::Dies | Mishap::Freezes => {}
        }
    }

    /// The command is typed, and a sweep comes every minute, from whatever process there is. How many came until
    /// the deploy had ended, and whether the mishap came.
    async fn is_told(&mut self, mishap: Mishap, at: usize) -> (usize, bool) {
        let life = self.world.life.clone();
        let mut was_struck = false;
        self.world.deliver(&self.interaction).await;
        for sweeps in 0..self.tale.sweeps.max(LONGEST) {
            let settles = async {
                self.world.settle().await;
                self.world.passes(MINUTE).await;
                self.world.app.sweep(None).await;
            };
            let is_struck = tokio::select! {
                biased;
                () = life.struck(), if !was_struck => true,
                () = settles => false,
            };
            was_struck |= is_struck;
            match mishap {
                Mishap::Dies if is_struck => self.world.kill(),
                Mishap::Freezes if is_struck => self.world.restart(),
                _ => {}
            }
            let deploy = self.deploy().await;
            if !is_struck && deploy.is_none_or(|deploy| matches!(deploy.phase, Phase::Ended(_))) {
                // Whoever was frozen goes on; a new process sweeps.
                let commits = self.store.asked().commits;
                self.world.restart();
                self.world.passes(2 * MINUTE).await;
                self.world.app.sweep(None).await;
                let met = match mishap {
                    Mishap::Dies | Mishap::Freezes => life.is_struck(),
                    _ => commits >= at,
                };
                return (sweeps, met);
            }
        }
        panic!("it does not end: {:#?}\n{}", self.deploy().await, self.transcript());
    }

    async fn deploy(&self) -> Option<Deploy> {
        let interaction_id = InteractionId(self.interaction.id.parse().unwrap());
        let key = DeployKey { agent: "deploy_client".to_owned(), interaction_id };
        let stored = load(self.memory.as_ref(), &key).await.unwrap();
        stored.map(|stored| stored.deploy)
    }

    fn original(&self) -> Option<Message> {
        let messages = self.world.discord.messages(&self.interaction.id);
        messages.into_iter().find(|message| !message.follow_up)
    }

    /// The messages that tell how it ended.
    fn outcomes(&self) -> Vec<Message> {
        let follow_ups = self.world.discord.messages(&self.interaction.id).into_iter();
        let follow_ups = follow_ups.filter(|message| message.follow_up);
        follow_ups.chain(self.world.discord.channel_messages()).collect()
    }

    fn transcript(&self) -> String {
        let requests = self.world.discord.requests();
        let sent = requests.iter().map(|r| format!("{} {} {}", r.method, r.path, r.body));
        let messages = [self.original().into_iter().collect(), self.outcomes()].concat();
        let messages = messages.iter().map(|m| format!("{} {}", m.at, m.content));
        sent.chain(messages).collect::<Vec<_>>().join("\n")
    }

    /// What was promised is kept.
    async fn is_right(&self, mishap: Mishap, sweeps: usize) {
        let dispatches = self.world.dispatches();
        assert!(dispatches.len() <= 1, "dispatched {} times", dispatches.len());
        let original = self.original();
        let outcomes = self.outcomes();
        let Some(deploy) = self.deploy().await else {
            assert!(dispatches.is_empty() && outcomes.is_empty(), "{}", self.transcript());
            return;
        };
        let Phase::Ended(ending) = &deploy.phase else { panic!("not ended: {deploy:#?}") };
        let run_id = deploy.target.as_ref().map(|target| target.run_id);
        let says = match &ending.outcome {
            Outcome::Concluded => {
                assert_eq!(run_id, Some(dispatches[0].run_id));
                assert!(sweeps <= self.tale.sweeps, "only after {sweeps} sweeps");
                self.tale.ends
            }
            Outcome::NotFound(NotFound::Nowhere { lost: true, listed: true }) => {
                assert!(dispatches.is_empty(), "it was dispatched: {deploy:#?}");
                "it is unknown whether it started"
            }
            Outcome::NothingDone { .. } => {
                assert!(dispatches.is_empty(), "it was dispatched: {deploy:#?}");
                "not started"
            }
            outcome => panic!("{outcome:?}: {deploy:#?}"),
        };
        // Whose answer says that nothing was done has no deploy's message.
        let original = original.filter(|original| !original.ephemeral);
        // An edit that a frozen process had begun is sent when it goes on, after the last edit of another.
        let may_be_late = matches!(mishap, Mishap::Freezes);
        if let Some(original) = original.as_ref().filter(|_| !may_be_late) {
            assert!(original.content.contains(says), "{says}: {}", self.transcript());
        }
        assert!(original.is_some() || !deploy.waits || dispatches.is_empty());
        let told = match &ending.telling {
            Telling::Told { .. } => 1..=1,
            Telling::Untold { .. } if !self.tale.has_bot => 0..=1,
            Telling::Nobody => 0..=0,
            telling => panic!("{telling:?}: {}", self.transcript()),
        };
        assert!(told.contains(&outcomes.len()), "{told:?}: {}", self.transcript());
        if deploy.waits && !dispatches.is_empty() {
            assert_ne!(ending.telling, Telling::Nobody);
        }
        for outcome in outcomes {
            assert!(outcome.content.contains(says), "{says}: {}", self.transcript());
            assert_eq!(outcome.pings.len(), 1, "{}", self.transcript());
        }
    }
}

const BOT_TOKEN: &str = "standin.bot-token-of-the-stories";

#[rstest]
#[case::waits(waits, Mishap::Dies)]
#[case::waits(waits, Mishap::Freezes)]
#[case::waits(waits, Mishap::LosesAnswer)]
#[case::waits(waits, Mishap::Conflicts)]
#[case::waits(waits, Mishap::BreaksDown)]
#[case::fails(fails, Mishap::Dies)]
#[case::has_no_bot(has_no_bot, Mishap::Dies)]
#[case::has_no_bot(has_no_bot, Mishap::Freezes)]
#[case::has_no_bot(has_no_bot, Mishap::BreaksDown)]
#[case::waits_not(waits_not, Mishap::Dies)]
#[case::waits_not(waits_not, Mishap::LosesAnswer)]
#[case::is_searched(is_searched, Mishap::Dies)]
#[case::is_searched(is_searched, Mishap::BreaksDown)]
#[case::is_long(is_long, Mishap::Dies)]
#[tokio::test(start_paused = true)]
async fn every_deploy_is_dispatched_once_and_told_once(
    #[case] tale: fn() -> Tale,
    #[case] mishap: Mishap,
) {
    for at in (1..).step_by(tale().stride) {
        let mut story = Story::of(tale()).await;
        story.meets(mishap, at);
        let (sweeps, met) = story.is_told(mishap, at).await;
        story.is_right(mishap, sweeps).await;
        if !met {
            assert!(at > 3, "the mishap came too seldom: {at}");
            return;
        }
    }
}
