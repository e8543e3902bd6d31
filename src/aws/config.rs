//! The SDK's configuration. It is read on the first call to AWS, so a PING never pays for it.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use super::environment;
use super::error::AwsError;
use crate::clock::{Clock, SystemClock};
use crate::net::transport::Transport;

/// After the environment had no region or no credentials, it is not looked at again for this long: a command
/// with many calls waits once.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// AWS as configured by the environment: region, credentials, endpoints (`AWS_ENDPOINT_URL`).
pub struct Aws {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    config: OnceCell<SdkConfig>,
    missing: Mutex<Option<(AwsError, Instant)>>,
    /// The region that was asked for, in place of the environment's.
    asked: Option<Region>,
}

impl Aws {
    /// Configured from the environment, on first use.
    pub fn new(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::in_region(None, transport, clock)
    }

    /// The same in this region, whatever the environment says.
    pub fn in_region(
        region: Option<String>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let (config, missing) = (OnceCell::new(), Mutex::default());
        Arc::new(Self { transport, clock, config, missing, asked: region.map(Region::new) })
    }

    /// With an explicit configuration, made with [`loader`](super::loader).
    pub fn of(config: SdkConfig, transport: Arc<dyn Transport>) -> Arc<Self> {
        let (config, missing) = (OnceCell::new_with(Some(config)), Mutex::default());
        Arc::new(Self { transport, clock: Arc::new(SystemClock), config, missing, asked: None })
    }

    /// The region, once the configuration was loaded.
    pub fn region(&self) -> Option<String> {
        Some(self.config.get()?.region()?.to_string())
    }

    /// The configuration for the SDK's clients. Loaded on the first call. An error if there is no region, or
    /// no credentials.
    pub async fn config(&self) -> Result<&SdkConfig, AwsError> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let mut missing = self.missing.lock().await;
        if let Some((error, at)) = &*missing
            && at.elapsed() < LOOK_AGAIN
        {
            return Err(error.clone());
        }
        let load =
            || environment::load(self.asked.clone(), self.transport.clone(), self.clock.clone());
        let loaded = self.config.get_or_try_init(load).await;
        *missing = loaded.as_ref().err().map(|error| (error.clone(), Instant::now()));
        loaded
    }
}
