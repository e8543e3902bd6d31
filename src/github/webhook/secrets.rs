//! The secrets of webhooks at work: who signed a delivery.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use tokio::sync::Mutex;

use super::settings::Settings;
use super::signature::{NotSigned, Signature, Verified};
use crate::clock::Clock;
use crate::secrets::{Credential, NoSecret, SecretStore};

/// After a wrong signature the secrets in SSM are read again, as one may just have been changed: at most once in
/// this time, so that forged deliveries do not use up SSM's rate limit.
const READ_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(30);

/// The secrets that deliveries may be signed with, read when they are first needed.
pub struct Secrets {
    /// The present one first.
    accepted: Vec<Credential>,
    clock: Arc<dyn Clock>,
    /// When they were last read again.
    read_again: Mutex<Option<DateTime<Utc>>>,
}

/// Why a delivery is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAccepted {
    /// It is not signed with one of our secrets.
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
    /// One of our secrets cannot be read, so this is not known.
    #[error(transparent)]
    NoSecret(#[from] NoSecret),
}

impl Secrets {
    /// The secrets of these settings. It reads none.
    pub fn new(settings: Settings, store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>) -> Self {
        let sources = [settings.secret, settings.previous].into_iter().flatten();
        let accepted =
            sources.map(|source| Credential::new(source, store.clone(), clock.clone())).collect();
        Self { accepted, clock, read_again: Mutex::default() }
    }

    /// Whether there is one. Without any, deliveries are not taken.
    pub fn are_set(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// Checks the signature of a delivery over its raw bytes. No secret is read for what has none.
    pub(crate) async fn verify(
        &self,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Verified, NotAccepted> {
        let signature = Signature::of(headers)?;
        let (mut refused, mut unreadable) = (Vec::new(), None);
        for credential in &self.accepted {
            match credential.get().await {
                Ok(secret) => match signature.verify(body, &secret) {
                    Some(verified) => return Ok(verified),
                    None => refused.push((credential, secret)),
                },
                Err(why) => unreadable = unreadable.or(Some(why)),
            }
        }
        // Whoever waits for the lock gets what was read meanwhile.
        let mut read_again = self.read_again.lock().await;
        let now = self.clock.now();
        let may_read = read_again.is_none_or(|at| (now - at).abs() >= READ_AGAIN_AFTER);
        for (credential, secret) in refused {
            let other = if may_read {
                *read_again = Some(now);
                credential.instead_of(&secret).await
            } else {
                credential.get().await.ok().filter(|other| *other != secret)
            };
            if let Some(verified) = other.and_then(|other| signature.verify(body, &other)) {
                return Ok(verified);
            }
        }
        Err(unreadable.map_or(NotAccepted::NotSigned(NotSigned::Wrong), NotAccepted::NoSecret))
    }

    /// Those that cannot be read.
    pub(crate) async fn unreadable(&self) -> Vec<NoSecret> {
        let mut unreadable = Vec::new();
        for secret in &self.accepted {
            unreadable.extend(secret.get().await.err());
        }
        unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{Parameter, Secret, SecretSource, Stored, Unreadable};
    use futures_util::future::{BoxFuture, ready};
    use rstest::rstest;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    /// SHA-256 of "Hello, World!" by "It's a Secret to Everybody", from GitHub's documentation.
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    /// Answers with the parameter's own name as the secret, but for those that begin with "no".
    #[derive(Default)]
    struct Names {
        reads: AtomicUsize,
        /// What all parameters hold instead.
        changed: AtomicBool,
    }

    impl SecretStore for Names {
        fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Stored, Unreadable>> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let known = if name.starts_with("no") {
                Err(Unreadable::Failed("cannot be read now".to_owned()))
            } else if self.changed.load(Ordering::Relaxed) {
                Ok(RIGHT)
            } else {
                Ok(name)
            };
            let stored = |value| Stored { secret: Secret::new(value), in_the_clear: false };
            Box::pin(ready(known.map(stored)))
        }
    }

    struct Stopped(StdMutex<DateTime<Utc>>);

    impl Clock for Stopped {
        fn now(&self) -> DateTime<Utc> {
            *self.0.lock().unwrap()
        }
    }

    fn stopped() -> Arc<Stopped> {
        Arc::new(Stopped(StdMutex::new(DateTime::UNIX_EPOCH)))
    }

    async fn check(secrets: &Secrets, signature: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(signature) = signature {
            headers.insert("X-Hub-Signature-256", signature.parse().unwrap());
        }
        let verified = secrets.verify(&headers, &Bytes::from_static(b"Hello, World!")).await;
        verified.map_or_else(|why| why.to_string(), |_| "accepted".to_owned())
    }

    fn named(name: &str) -> Option<SecretSource> {
        (!name.is_empty()).then(|| {
            SecretSource::Parameter(Parameter {
                setting: "GITHUB_WEBHOOK_SECRET_PARAMETER",
                name: name.to_owned(),
                parse: |text| Ok(Secret::new(text)),
            })
        })
    }

    const RIGHT: &str = "It's a Secret to Everybody";

    #[rstest]
    #[case::present(RIGHT, "another", Some(SIGNATURE), "accepted", 1)]
    #[case::previous("another", RIGHT, Some(SIGNATURE), "accepted", 2)]
    #[case::previous_alone("", RIGHT, Some(SIGNATURE), "accepted", 1)]
    #[case::neither("one", "another", Some(SIGNATURE), "the signature does not verify", 4)]
    #[case::present_unreadable("nowhere", RIGHT, Some(SIGNATURE), "accepted", 2)]
    #[case::previous_not_needed(RIGHT, "nowhere", Some(SIGNATURE), "accepted", 1)]
    #[case::one_unreadable("another", "nowhere", Some(SIGNATURE), "`nowhere`", 3)]
    #[case::both_unreadable("nowhere", "none", Some(SIGNATURE), "`nowhere`", 2)]
    #[case::malformed("nowhere", "", Some("sha256=00"), "malformed", 0)]
    #[case::unsigned("nowhere", "", None, "there is no X-Hub-Signature-256", 0)]
    #[tokio::test]
    async fn each_secret_is_accepted_and_read_only_when_it_is_needed(
        #[case] secret: &str,
        #[case] previous: &str,
        #[case] signature: Option<&str>,
        #[case] expected: &str,
        #[case] reads: usize,
    ) {
        let store = Arc::new(Names::default());
        let settings = Settings { secret: named(secret), previous: named(previous) };
        let secrets = Secrets::new(settings, store.clone(), stopped());
        let said = check(&secrets, signature).await;
        assert!(said.contains(expected), "{said}");
        assert_eq!(store.reads.load(Ordering::Relaxed), reads);
    }

    #[tokio::test]
    async fn after_a_wrong_signature_they_are_read_again_now_and_then() {
        let (store, clock) = (Arc::new(Names::default()), stopped());
        let settings = Settings { secret: named("old"), previous: None };
        let secrets = Secrets::new(settings, store.clone(), clock.clone());
        for _ in 0..3 {
            assert!(check(&secrets, Some(SIGNATURE)).await.contains("does not verify"));
        }
        assert_eq!(store.reads.load(Ordering::Relaxed), 2);
        store.changed.store(true, Ordering::Relaxed);
        assert!(check(&secrets, Some(SIGNATURE)).await.contains("does not verify"));
        *clock.0.lock().unwrap() += READ_AGAIN_AFTER;
        for _ in 0..3 {
            assert_eq!(check(&secrets, Some(SIGNATURE)).await, "accepted");
        }
        assert_eq!(store.reads.load(Ordering::Relaxed), 3);
    }
}
