//! Secrets from the environment or from an SSM parameter.
//!
//! A parameter is read on first use and cached. It is read again when the cache expires or the server refuses
//! the secret. So a secret can be rotated while the bot runs.
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use super::parameter::Parameter;
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
    /// Whether it may pass by itself: the parameter's store did not answer.
    pub passes: bool,
}

/// Why a parameter cannot be read. Follows the parameter's name in a sentence. Safe as Markdown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is none of this name in this region.
    #[error("does not exist")]
    Missing,
    /// The problem and the fix.
    #[error("{0}")]
    Failed(String),
    /// The store does not answer as it should; that may pass by itself. The problem.
    #[error("{0}")]
    Now(String),
}

/// What a parameter holds.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The value.
    pub secret: Secret,
    /// Whether it is kept in the clear: the parameter is of type String.
    pub in_the_clear: bool,
}

/// Reads parameters from AWS. Tests replace it.
pub trait SecretStore: Send + Sync {
    /// Reads the decrypted value of a parameter.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Stored, Unreadable>>;

    /// The region that was read from last, if there is one.
    fn region(&self) -> Option<String> {
        None
    }
}

/// For a build or process without a parameter store.
pub struct NoParameters;

impl SecretStore for NoParameters {
    fn read<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Stored, Unreadable>> {
        let why = Unreadable::Failed("cannot be read: there are none".to_owned());
        Box::pin(std::future::ready(Err(why)))
    }
}

/// A secret with its source and its cache.
pub struct Credential {
    source: SecretSource,
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
    /// Whether the value read last is kept in the clear.
    in_the_clear: AtomicBool,
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
        let (known, in_the_clear) = (Mutex::default(), AtomicBool::default());
        Self { source, store, clock, known, in_the_clear }
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

    /// What is wrong with the place of a secret that can be read all the same; known once it was read. Safe as
    /// Markdown.
    pub fn kept_in_the_clear(&self) -> Option<String> {
        let SecretSource::Parameter(parameter) = &self.source else { return None };
        let in_the_clear = self.in_the_clear.load(Ordering::Relaxed);
        let region = self.store.region();
        in_the_clear.then(|| {
            let Parameter { setting, name, .. } = parameter;
            format!(
                "the SSM parameter `{name}` (`{setting}`) is of type String, so whoever may list parameters can \
                 read it. Its type cannot be changed: delete it with `aws ssm delete-parameter`, then {}",
                parameter.stored_by(region.as_deref())
            )
        })
    }

    async fn ask(&self, parameter: &Parameter) -> Result<Secret, NoSecret> {
        let Parameter { setting, name, parse } = parameter;
        let read = self.store.read(name).await;
        let region = self.store.region();
        let anew = || parameter.stored_by(region.as_deref());
        let passes = matches!(read, Err(Unreadable::Now(_)));
        let why = match read {
            Ok(Stored { secret, in_the_clear }) => match parse(secret.expose().trim()) {
                Ok(secret) => {
                    self.in_the_clear.store(in_the_clear, Ordering::Relaxed);
                    return Ok(secret);
                }
                Err(what) => format!(
                    "holds a value that cannot be used: {what}. Store it anew, it is read within five minutes: {}",
                    anew()
                ),
            },
            Err(Unreadable::Missing) => {
                let place = region.as_deref().unwrap_or("where it was looked for");
                format!(
                    "does not exist in the region {place}. If it is in another, set AWS_REGION to that; else store \
                     it: {}",
                    anew()
                )
            }
            Err(Unreadable::Failed(why) | Unreadable::Now(why)) => why,
        };
        Err(NoSecret { setting, name: name.clone(), why, passes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::sync::Mutex as StdMutex;
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
        fn region(&self) -> Option<String> {
            Some("eu-central-1".to_owned())
        }

        fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Stored, Unreadable>> {
            assert_eq!(name, "/deckhand/github-token");
            *self.asked.lock().unwrap() += 1;
            *self.clock.0.lock().unwrap() += *self.takes.lock().unwrap();
            if self.hangs.load(Ordering::Relaxed) {
                return Box::pin(std::future::pending());
            }
            let stored =
                |value| Stored { secret: Secret::new(value), in_the_clear: value == "plain" };
            let value = self.value.lock().unwrap().clone().map(stored);
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
        Unreadable::Failed(why.to_owned())
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
                parse: |text| {
                    if text.contains(' ') {
                        Err("it must be one word")
                    } else {
                        Ok(Secret::new(text))
                    }
                },
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

    #[rstest]
    #[case(Ok("two words"))]
    #[case(Err(Unreadable::Missing))]
    #[tokio::test]
    async fn the_cure_is_the_whole_line(#[case] value: Result<&'static str, Unreadable>) {
        let error = Scene::new(value).get().await.unwrap_err();
        let line = "`read -rs SECRET; aws ssm put-parameter --overwrite --type SecureString --region eu-central-1 \
                    --name /deckhand/github-token --value \"$SECRET\"; unset SECRET`";
        assert!(error.ends_with(line), "{error}");
    }

    #[rstest]
    #[case("plain", true)]
    #[case("secret", false)]
    #[tokio::test]
    async fn a_parameter_in_the_clear_is_used_and_named(
        #[case] value: &'static str,
        #[case] named: bool,
    ) {
        let scene = Scene::new(Ok(value));
        assert_eq!(scene.get().await, Ok(value.to_owned()));
        let said = scene.credential.kept_in_the_clear();
        assert_eq!(said.is_some_and(|said| said.contains("is of type String")), named);
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
