//! Properties of a deploy under random orders of events, faults and crashes: a model of the world around `step` and
//! `next`, which goes on as `Actor` and `Draft` do, one second at a time.

mod clicks;
mod outside;
mod process;
mod promises;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use self::clicks::Clicks;
use self::outside::{Discord, Github};
use self::process::Process;
use super::DeployKey;
use super::correlation::Requester;
use super::lease::LEASE;
use super::next::due;
use super::order::{Extra, Order};
use super::place::Place;
use super::record::{Deploy, Lease, Phase};
use crate::discord::{InteractionId, Permissions};
use crate::secrets::Secret;

/// Decides what happens. When it is used up, nothing goes wrong any more.
struct Chance(std::vec::IntoIter<u8>);

impl Chance {
    fn one_in(&mut self, n: u8) -> bool {
        self.0.next().is_some_and(|byte| byte >= u8::MAX - u8::MAX / n)
    }

    fn is_over(&self) -> bool {
        self.0.as_slice().is_empty()
    }
}

/// What the world is like.
#[derive(Debug, Clone, Copy)]
struct Setting {
    waits: bool,
    has_bot: bool,
    may_post: bool,
    may_read: bool,
    /// Whether GitHub names the run of a dispatch.
    names_runs: bool,
    /// How long a run takes.
    takes: i64,
    fails: bool,
    ends: bool,
}

fn settings() -> impl Strategy<Value = Setting> {
    let rights =
        (any::<bool>(), any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.8));
    let run = (
        any::<bool>(),
        prop_oneof![2..40_i64, 900..1200_i64],
        any::<bool>(),
        prop::bool::weighted(0.9),
    );
    (rights, run).prop_map(
        |((waits, has_bot, may_post, may_read), (names_runs, takes, fails, ends))| Setting {
            waits,
            has_bot,
            may_post,
            may_read,
            names_runs,
            takes,
            fails,
            ends,
        },
    )
}

struct World {
    setting: Setting,
    chance: Chance,
    now: DateTime<Utc>,
    stored: Deploy,
    revision: u64,
    processes: Vec<Process>,
    github: Github,
    discord: Discord,
    clicks: Clicks,
    next_id: u128,
}

fn requested(setting: Setting) -> Deploy {
    let began_at: DateTime<Utc> = "2026-11-22T10:00:00Z".parse().unwrap();
    let ms = u64::try_from(began_at.timestamp_millis()).unwrap() - 1_420_070_400_000;
    let id = InteractionId(ms << 22);
    let bits: u64 = 1 << 10 | u64::from(setting.may_post) << 11 | u64::from(setting.may_read) << 16;
    let permissions: Permissions = serde_json::from_value(json!(bits.to_string())).unwrap();
    let order = Order {
        title: "Client".to_owned(),
        command: "deploy-client".to_owned(),
        repository: "octo-org/web".parse().unwrap(),
        workflow: "deploy.yml".to_owned(),
        workflow_page: "https://github.com/octo-org/web".to_owned(),
        git_ref: "main".to_owned(),
        environment: None,
        shares_workflow: false,
        inputs: serde_json::Map::new(),
        given: Vec::new(),
        key: DeployKey { agent: "client".to_owned(), interaction_id: id },
        correlation_id: id.correlation_id(),
        requester: Requester { user_id: 1, username: "ada".to_owned() },
        extra: Extra::Nothing,
        rolls_back: None,
        verified_by: None,
        by_admin: false,
    };
    let place = Place {
        guild_id: Some(1),
        channel_id: Some(2),
        in_thread: false,
        message_id: None,
        permissions: Some(permissions),
        application_id: None,
        token: Some(Secret::new("t")),
        on_screen: false,
        text_only: false,
        no_buttons: false,
        closed: None,
        has_bot: setting.has_bot,
        bot_refused: false,
    };
    let wait = std::time::Duration::from_secs(20);
    Deploy::requested(order, Some(place), setting.waits, wait, began_at)
}

impl World {
    fn new(setting: Setting, chance: Vec<u8>) -> Self {
        let mut stored = requested(setting);
        let me = Uuid::from_u128(1);
        stored.lease = Some(Lease { by: me, until: stored.began_at + LEASE });
        let first = Process::of(1, true, stored.clone(), 0);
        Self {
            setting,
            chance: Chance(chance.into_iter()),
            now: stored.began_at,
            stored,
            revision: 0,
            processes: vec![first],
            github: Github::default(),
            discord: Discord::default(),
            clicks: Clicks::default(),
            next_id: 2,
        }
    }

    /// Everything until it comes to rest.
    fn goes_on(&mut self) {
        let mut quiet_since = None;
        let mut last_sweep = self.now;
        loop {
            self.others_act();
            self.people_click();
            for mut process in std::mem::take(&mut self.processes) {
                if self.lives(&mut process).is_some() {
                    self.processes.push(process);
                }
            }
            assert!(self.github.dispatches <= 1, "dispatched twice");
            for attempt in 1..=self.github.attempt {
                let told = self.discord.told.iter().filter(|(told, _)| *told == attempt);
                assert!(told.count() <= 1, "told twice: {:#?}", self.stored);
            }
            if self.now - last_sweep >= TimeDelta::minutes(1) {
                last_sweep = self.now;
                if due(&self.stored).is_some_and(|due| due <= self.now) {
                    self.visit(None);
                }
            }
            if self.chance.is_over() {
                let since = *quiet_since.get_or_insert(self.now);
                let is_over = match self.stored.phase {
                    Phase::Ended(_) => due(&self.stored).is_none(),
                    Phase::Running if !self.setting.ends => self.now - since > TimeDelta::hours(1),
                    _ => false,
                };
                if is_over && self.processes.is_empty() && self.discord.late.is_empty() {
                    return;
                }
                let waited = self.now - since;
                assert!(waited < TimeDelta::hours(3), "no rest: {:#?}", self.stored);
            }
            let pause = match self.processes[..] {
                [] if self.chance.one_in(8) => 600,
                [] => 60,
                _ => 1,
            };
            self.now += TimeDelta::seconds(pause);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_deploy_comes_to_rest_and_keeps_its_promises(
        setting in settings(),
        chance in prop::collection::vec(any::<u8>(), 0..1500),
    ) {
        let mut world = World::new(setting, chance);
        world.goes_on();
        world.is_right();
    }
}
