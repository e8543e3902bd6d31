//! A store that refuses everything: for Lambda without `TABLE_NAME`. Read-only commands work. Commands that
//! dispatch or write are refused, because a replay could repeat them.

use futures_util::future::{BoxFuture, ready};

use super::contract::{Begun, Deploy, DeployKey, DeployOutcome, Post, Store, StoreError};
use super::settings::{HOW_TO_GET_A_TABLE, TABLE_NAME};
use crate::discord::InteractionId;

/// Refuses everything because no table is configured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unset;

fn no_table<T: Send + 'static>() -> BoxFuture<'static, Result<T, StoreError>> {
    let name = TABLE_NAME.name;
    Box::pin(ready(Err(StoreError::NotSetUp(format!("`{name}` is not set: {HOW_TO_GET_A_TABLE}")))))
}

impl Store for Unset {
    fn take_interaction(&self, _: InteractionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        no_table()
    }

    fn begin_deploy<'a>(&'a self, _: &'a Deploy) -> BoxFuture<'a, Result<Begun, StoreError>> {
        no_table()
    }

    fn note_run<'a>(
        &'a self,
        _: &'a DeployKey,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        no_table()
    }

    fn end_deploy<'a>(
        &'a self,
        _: &'a DeployKey,
        _: &'a DeployOutcome,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        no_table()
    }

    fn history<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, Result<Vec<Deploy>, StoreError>> {
        no_table()
    }

    fn begin_post<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Post, StoreError>> {
        no_table()
    }

    fn end_post<'a>(&'a self, _: &'a str, _: bool) -> BoxFuture<'a, Result<(), StoreError>> {
        no_table()
    }
}
