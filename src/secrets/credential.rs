//! Secrets from the environment or from an SSM parameter.
//!
//! A parameter is read on first use and cached. It is read again when the cache expires or the server refuses
//! the secret. So a secret can be rotated while the bot runs.
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
    /// The secret itself.
    Given(Secret),
    /// The SSM parameter that holds it.
    Parameter(Parameter),
}

/// An SSM parameter that holds a secret.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The setting that names the parameter, like `GITHUB_TOKEN_PARAMETER`.
    pub setting: &'static str,
    /// Name or ARN of the parameter.
    pub name: String,
    /// The valid form, for the error text.
    pub shape: &'static str,
    /// Parses the value; `None` if it is not valid.
    pub parse: fn(&str) -> Option<Secret>,
}

/// Why there is no secret. It names the parameter and shows no value; safe as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the SSM parameter `{name}` (`{setting}`) {why}")]
pub struct NoSecret {
    /// The setting that names the parameter.
    pub setting: &'static str,
    /// Name or ARN of the parameter.
    pub name: String,
    /// What is wrong, and the fix.
    pub why: String,
}

/// Why a parameter cannot be read: the problem and the fix. Follows the parameter's name in a sentence. Safe
/// as Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

/// Reads parameters from AWS. Tests replace it.
pub trait SecretStore: Send + Sync {
    /// Reads the decrypted value of a parameter.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, Unreadable>>;
}

/// For a build or process without a parameter store.
pub struct NoParameters;

impl SecretStore for NoParameters {
    fn read<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Secret, Unreadable>> {
        Box::pin(std::future::ready(Err(Unreadable("cannot be read: there are none".to_owned()))))
    }
}

/// A secret with its source and its cache.
pub struct Credential {
    source: SecretSource,
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

/// The cached result of a read.
struct Known {
    secret: Result<Secret, NoSecret>,
    at: DateTime<Utc>,
    /// How long it is cached.
    holds: TimeDelta,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Credential {
    /// A secret that is read from this source on first use.
    pub fn new(source: SecretSource, store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        Self { source, store, clock, known: Mutex::default() }
    }

    /// The secret, from the cache if that is fresh. If a refresh fails, the stale value is used.
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
        // Copy the old value instead of taking it: the caller may be cancelled while it waits.
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

    /// A new value after the server refused this one. Reads the parameter again; `None` if there is no other
    /// value.
    pub async fn instead_of(&self, refused: &Secret) -> Option<Secret> {
        let SecretSource::Parameter(parameter) = &self.source else { return None };
        let mut known = self.known.lock().await;
        if let Some(Known { secret: Ok(secret), .. }) = &*known
            && secret != refused
        {
            // Another caller was refused too and has already read the new value.
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

    /// Answers reads with `value` and counts them.
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
    async fn a_parameter_is_cached_until_it_expires() {
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
    async fn the_cache_expires_when_the_clock_is_set_back() {
        let scene = Scene::new(Ok("first"));
        scene.get().await.unwrap();
        scene.minutes_pass(-60);
        scene.get().await.unwrap();
        assert_eq!(scene.asked(), 2);
    }

    #[tokio::test]
    async fn a_stale_value_is_used_while_a_refresh_fails() {
        let scene = Scene::new(Ok("first"));
        scene.get().await.unwrap();
        scene.holds(Err(unreadable("cannot be read now")));
        scene.minutes_pass(60);
        assert_eq!(scene.get().await, Ok("first".to_owned()));
    }

    #[tokio::test]
    async fn a_slow_failure_is_cached_briefly() {
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
    async fn a_cancelled_read_leaves_the_cached_value() {
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
    async fn a_fast_failure_is_not_cached() {
        let scene = Scene::new(Err(unreadable("does not exist")));
        assert!(scene.get().await.is_err());
        scene.holds(Ok("first"));
        assert_eq!(scene.get().await, Ok("first".to_owned()));
    }

    #[tokio::test]
    async fn a_refused_value_is_replaced_only_by_a_different_one() {
        let scene = Scene::new(Ok("old"));
        let old = scene.credential.get().await.unwrap();
        assert_eq!(scene.credential.instead_of(&old).await, None);
        scene.holds(Ok("new"));
        let new = scene.credential.instead_of(&old).await.unwrap();
        assert_eq!(new.expose(), "new");
        assert_eq!(scene.asked(), 3);
        // A second caller that was refused the old value gets the new one without another read.
        assert_eq!(scene.credential.instead_of(&old).await, Some(new));
        assert_eq!(scene.asked(), 3);
    }

    #[rstest]
    #[case(Err(unreadable("does not exist")), "does not exist")]
    #[case(Ok("two secret words"), "it must be one word")]
    #[tokio::test]
    async fn an_error_names_the_parameter_and_shows_no_value(
        #[case] value: Result<&'static str, Unreadable>,
        #[case] said: &str,
    ) {
        let error = Scene::new(value).get().await.unwrap_err();
        assert!(error.contains("`/deckhand/github-token` (`GITHUB_TOKEN_PARAMETER`)"), "{error}");
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("secret words"), "{error}");
    }

    #[tokio::test]
    async fn a_secret_from_the_environment_reads_no_parameter() {
        let scene = Scene::new(Err(unreadable("does not exist")));
        let source = SecretSource::Given(Secret::new("given"));
        let credential = Credential::new(source, scene.store.clone(), scene.clock.clone());
        let secret = credential.get().await.unwrap();
        assert_eq!(credential.instead_of(&secret).await, None);
        assert_eq!(scene.asked(), 0);
    }
}
