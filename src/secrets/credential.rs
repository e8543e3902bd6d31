//! Secrets that are given in the environment, or by the name of an SSM parameter that holds them.
//!
//! A parameter is read when its secret is first needed, remembered for a while, and read again when
//! the other side refuses what is remembered: so a secret can be changed while the bot runs.
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::secret::Secret;
use crate::clock::Clock;
use futures_util::future::BoxFuture;

/// Cache a secret for this long.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(5);
/// If a refresh fails, keep using the old secret for this long, so that polling is not stalled.
const STALE_FOR: TimeDelta = TimeDelta::seconds(30);
/// Cache a slow failure for this long, so that a command with many calls waits once. Do not cache a fast
/// one: the parameter may just have been created.
const MISSING_FOR: TimeDelta = TimeDelta::seconds(2);
const LONG: TimeDelta = TimeDelta::seconds(1);

/// Where a secret comes from.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// It was given itself.
    Given(Secret),
    /// Its place was given.
    Parameter(Parameter),
}

/// An SSM parameter that holds a secret.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The setting that names it, like `GITHUB_TOKEN_PARAMETER`.
    pub setting: &'static str,
    /// Its name or ARN.
    pub name: String,
    /// What the value must look like, for when it does not.
    pub shape: &'static str,
    /// Reads the value.
    pub parse: fn(&str) -> Option<Secret>,
}

/// Why there is no secret. It names the parameter and shows no value; safe as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the SSM parameter `{name}` (`{setting}`) {why}")]
pub struct NoSecret {
    /// The setting that names the parameter.
    pub setting: &'static str,
    /// The parameter.
    pub name: String,
    /// What is wrong, and what to do.
    pub why: String,
}

/// Why a parameter cannot be read, to follow its name: what is wrong and what to do. Safe as Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// Reads parameters: AWS, or what a test puts in its place.
pub trait SecretStore: Send + Sync {
    /// The decrypted value of a parameter.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Unreadable>>;
}

/// A store without parameters.
pub struct NoParameters;

impl SecretStore for NoParameters {
    fn read<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Secret, Unreadable>> {
        Box::pin(std::future::ready(Err(Unreadable("cannot be read: there are none".to_owned()))))
    }
}

/// A secret, wherever it comes from.
pub struct Credential {
    source: SecretSource,
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

/// What is known of a parameter.
struct Known {
    secret: Result<Secret, NoSecret>,
    at: DateTime<Utc>,
    /// From then on.
    holds: TimeDelta,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Credential {
    /// The secret of this source.
    pub fn new(source: SecretSource, store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { source, store, clock, known: Mutex::default() }
    }

    /// The secret: read when it was not read lately. If it cannot be read now, what was read before
    /// still serves.
    pub async fn get(&self) -> Result<Secret, NoSecret> {
        let parameter = match &self.source {
            SecretSource::Given(secret) => return Ok(secret.clone()),
            SecretSource::Parameter(parameter) => parameter,
        };
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some(Known { secret, at, holds }) = &*known
            && (TimeDelta::zero()..*holds).contains(&(now - *at))
        {
            return secret.clone();
        }
        // Left where it is: whoever waits for this may give up meanwhile.
        let before = known.as_ref().and_then(|known| known.secret.clone().ok());
        let (secret, holds) = match (self.ask(parameter).await, before) {
            (Ok(secret), _) => (Ok(secret), FRESH_FOR),
            (Err(error), Some(before)) => {
                tracing::warn!(%error, "a secret could not be read again; the one read before is used");
                (Ok(before), STALE_FOR)
            }
            (Err(error), None) => {
                tracing::warn!(%error, "a secret could not be read");
                let took = self.clock.now() - now;
                (Err(error), if took >= LONG { MISSING_FOR } else { TimeDelta::zero() })
            }
        };
        *known = Some(Known { secret: secret.clone(), at: self.clock.now(), holds });
        secret
    }

    /// Another value than this one, which was refused: read anew, if there is a parameter to read.
    pub async fn instead_of(&self, refused: &Secret) -> Option<Secret> {
        let SecretSource::Parameter(parameter) = &self.source else { return None };
        let mut known = self.known.lock().await;
        if let Some(Known { secret: Ok(secret), .. }) = &*known
            && secret != refused
        {
            // Somebody else was refused too and has read it by now.
            return Some(secret.clone());
        }
        let read = self.ask(parameter).await.inspect_err(|error| {
            tracing::warn!(%error, "a refused secret could not be read again");
        });
        let secret = read.ok().filter(|secret| secret != refused)?;
        let at = self.clock.now();
        *known = Some(Known { secret: Ok(secret.clone()), at, holds: FRESH_FOR });
        Some(secret)
    }

    async fn ask(&self, parameter: &Parameter) -> Result<Secret, NoSecret> {
        let Parameter { setting, name, shape, parse } = parameter;
        let why = match self.store.read(name).await {
            Ok(value) => match parse(value.expose().trim()) {
                Some(secret) => return Ok(secret),
                None => format!("holds no usable value: {shape}"),
            },
            Err(Unreadable(why)) => why,
        };
        Err(NoSecret { setting, name: name.clone(), why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::time::timeout;

    /// Answers with what is in it, and counts how often it was asked.
    struct Answers {
        value: StdMutex<Result<&'static str, Unreadable>>,
        asked: StdMutex<u32>,
        takes: StdMutex<TimeDelta>,
        hangs: AtomicBool,
        clock: Arc<StoppedClock>,
    }

    impl SecretStore for Answers {
        fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Unreadable>> {
            assert_eq!(name, "/deckhand/github-token");
            *self.asked.lock().unwrap() += 1;
            *self.clock.0.lock().unwrap() += *self.takes.lock().unwrap();
            if self.hangs.load(Ordering::Relaxed) {
                return Box::pin(std::future::pending());
            }
            let value = self.value.lock().unwrap().clone().map(Secret::new);
            Box::pin(std::future::ready(value))
        }
    }

    struct StoppedClock(StdMutex<DateTime<Utc>>);

    impl Clock for StoppedClock {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }
    }

    fn unreadable(why: &str) -> Unreadable {
        Unreadable(why.to_owned())
    }

    struct Scene {
        store: Arc<Answers>,
        clock: Arc<StoppedClock>,
        credential: Credential,
    }

    impl Scene {
        fn new(value: Result<&'static str, Unreadable>) -> Self {
            let clock = Arc::new(StoppedClock(StdMutex::new(DateTime::UNIX_EPOCH)));
            let store = Arc::new(Answers {
                value: StdMutex::new(value),
                asked: StdMutex::new(0),
                takes: StdMutex::new(TimeDelta::zero()),
                hangs: AtomicBool::new(false),
                clock: clock.clone(),
            });
            let source = SecretSource::Parameter(Parameter {
                setting: "GITHUB_TOKEN_PARAMETER",
                name: "/deckhand/github-token".to_owned(),
                shape: "it must be one word",
                parse: |text| (!text.contains(' ')).then(|| Secret::new(text)),
            });
            let credential = Credential::new(source, store.clone(), clock.clone());
            Self { store, clock, credential }
        }

        fn holds(&self, value: Result<&'static str, Unreadable>) {
            *self.store.value.lock().unwrap() = value;
        }

        fn minutes_pass(&self, minutes: i64) {
            *self.clock.0.lock().unwrap() += TimeDelta::minutes(minutes);
        }

        fn asked(&self) -> u32 {
            *self.store.asked.lock().unwrap()
        }

        async fn get(&self) -> Result<String, String> {
            let secret = self.credential.get().await;
            secret.map(|s| s.expose().to_owned()).map_err(|e| e.to_string())
        }
    }

    #[tokio::test]
    async fn a_parameter_is_read_once_and_again_after_a_while() {
        let scene = Scene::new(Ok("first\n"));
        assert_eq!(scene.get().await, Ok("first".to_owned()));
        scene.holds(Ok("second"));
        scene.minutes_pass(4);
        assert_eq!(scene.get().await, Ok("first".to_owned()));
        assert_eq!(scene.asked(), 1);
        scene.minutes_pass(1);
        assert_eq!(scene.get().await, Ok("second".to_owned()));
        assert_eq!(scene.asked(), 2);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_does_not_keep_it_fresh() {
        let scene = Scene::new(Ok("first"));
        scene.get().await.unwrap();
        scene.minutes_pass(-60);
        scene.get().await.unwrap();
        assert_eq!(scene.asked(), 2);
    }

    #[tokio::test]
    async fn what_was_read_before_serves_while_it_cannot_be_read() {
        let scene = Scene::new(Ok("first"));
        scene.get().await.unwrap();
        scene.holds(Err(unreadable("cannot be read now")));
        scene.minutes_pass(60);
        assert_eq!(scene.get().await, Ok("first".to_owned()));
    }

    #[tokio::test]
    async fn while_it_cannot_be_read_nobody_is_held_up_again_and_again() {
        let scene = Scene::new(Err(unreadable("cannot be read now")));
        *scene.store.takes.lock().unwrap() = TimeDelta::seconds(5);
        for _ in 0..3 {
            assert!(scene.get().await.is_err());
        }
        assert_eq!(scene.asked(), 1);
        scene.holds(Ok("first"));
        scene.minutes_pass(1);
        assert_eq!(scene.get().await, Ok("first".to_owned()));
        scene.holds(Err(unreadable("cannot be read now")));
        scene.minutes_pass(5);
        for _ in 0..3 {
            assert_eq!(scene.get().await, Ok("first".to_owned()));
        }
        assert_eq!(scene.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_takes_nothing_from_the_next() {
        let scene = Scene::new(Ok("first"));
        scene.get().await.unwrap();
        scene.holds(Err(unreadable("cannot be read now")));
        scene.minutes_pass(5);
        scene.store.hangs.store(true, Ordering::Relaxed);
        assert!(timeout(Duration::from_secs(1), scene.get()).await.is_err());
        scene.store.hangs.store(false, Ordering::Relaxed);
        assert_eq!(scene.get().await, Ok("first".to_owned()));
    }

    #[tokio::test]
    async fn a_parameter_that_was_just_put_there_is_found_at_once() {
        let scene = Scene::new(Err(unreadable("does not exist")));
        assert!(scene.get().await.is_err());
        scene.holds(Ok("first"));
        assert_eq!(scene.get().await, Ok("first".to_owned()));
    }

    #[tokio::test]
    async fn a_refused_value_is_read_anew_and_only_another_one_counts() {
        let scene = Scene::new(Ok("old"));
        let old = scene.credential.get().await.unwrap();
        assert_eq!(scene.credential.instead_of(&old).await, None);
        scene.holds(Ok("new"));
        let new = scene.credential.instead_of(&old).await.unwrap();
        assert_eq!(new.expose(), "new");
        assert_eq!(scene.asked(), 3);
        // Whoever was refused the old one at the same time need not ask.
        assert_eq!(scene.credential.instead_of(&old).await, Some(new));
        assert_eq!(scene.asked(), 3);
    }

    #[rstest]
    #[case(Err(unreadable("does not exist")), "does not exist")]
    #[case(Ok("two secret words"), "it must be one word")]
    #[tokio::test]
    async fn what_is_wrong_names_the_parameter_and_no_value(
        #[case] value: Result<&'static str, Unreadable>,
        #[case] said: &str,
    ) {
        let error = Scene::new(value).get().await.unwrap_err();
        assert!(error.contains("`/deckhand/github-token` (`GITHUB_TOKEN_PARAMETER`)"), "{error}");
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("secret words"), "{error}");
    }

    #[tokio::test]
    async fn a_given_secret_asks_nobody() {
        let scene = Scene::new(Err(unreadable("does not exist")));
        let source = SecretSource::Given(Secret::new("given"));
        let credential = Credential::new(source, scene.store.clone(), scene.clock.clone());
        let secret = credential.get().await.unwrap();
        assert_eq!(credential.instead_of(&secret).await, None);
        assert_eq!(scene.asked(), 0);
    }
}
