//! A store that refuses everything: for Lambda without `TABLE_NAME`. Read-only commands work. Commands that
//! dispatch or write are refused, because a replay could repeat them.

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, ready};

use super::contract::{Commit, Committed, Item, Key, Store, StoreError};
use super::settings::{HOW_TO_GET_A_TABLE, TABLE_NAME};

/// Refuses everything because no table is configured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unset;

fn no_table<T: Send + 'static>() -> BoxFuture<'static, Result<T, StoreError>> {
    let name = TABLE_NAME.name;
    Box::pin(ready(Err(StoreError::NotSetUp(format!("`{name}` is not set: {HOW_TO_GET_A_TABLE}")))))
}

impl Store for Unset {
    fn get<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        no_table()
    }

    fn commit<'a>(&'a self, _: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>> {
        no_table()
    }

    fn list<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, Result<Vec<Item>, StoreError>> {
        no_table()
    }

    fn due<'a>(&'a self, _: DateTime<Utc>, _: u16) -> BoxFuture<'a, Result<Vec<Key>, StoreError>> {
        no_table()
    }
}
