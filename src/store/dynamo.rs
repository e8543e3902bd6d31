//! The store that all processes share: a DynamoDB table.
//!
//! Its keys are `pk`, the partition, and `sk`, the sort key. Beside them an item has:
//!
//! | attribute | what |
//! |---|---|
//! | `claim` | the revision: the claim of the commit that wrote it |
//! | `expires_at` | the table's TTL attribute, in seconds since 1970; none on what must stay |
//! | `due_pk` | the partition of the index `due`, always `due`; only on what is due some time |
//! | `due_at` | the sort key of that index, in milliseconds since 1970 |
//! | any other | a member of the body |
//!
//! So the index is sparse: it holds only the keys of items that are due some time. It is eventually consistent.
//!
//! Each write is conditional. The SDK repeats a write whose answer was lost. If the repetition finds its own
//! claim in the table, the first try had succeeded.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html>

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

use super::contract::{Change, Commit, Committed, Expect, Item, Key, Store, StoreError, Write};
use crate::aws::error::readable;
use crate::aws::{Aws, AwsError, signed};

type Attributes = HashMap<String, AttributeValue>;

/// The attributes that are the store's own, not the body's.
const OWN: [&str; 6] = ["pk", "sk", CLAIM, EXPIRES_AT, DUE_PK, DUE_AT];
const CLAIM: &str = "claim";
const EXPIRES_AT: &str = "expires_at";
const DUE_PK: &str = "due_pk";
const DUE_AT: &str = "due_at";
/// The index by due time, and what its items have as `due_pk`.
const DUE: &str = "due";

/// A store in a DynamoDB table.
pub struct Dynamo {
    aws: Arc<Aws>,
    table: String,
}

impl Dynamo {
    /// A store in this table. It connects on first use.
    pub fn new(aws: Arc<Aws>, table: String) -> Self {
        Self { aws, table }
    }

    async fn client(&self) -> Result<Client, AwsError> {
        Ok(Client::new(self.aws.config().await?))
    }

    /// `None`: a condition does not hold.
    async fn write(&self, commit: &Commit) -> Result<Option<()>, AwsError> {
        let client = self.client().await?;
        if let [write] = commit.writes.as_slice() {
            return self.write_one(&client, write, commit.claim).await;
        }
        let writes: Result<Vec<_>, _> =
            commit.writes.iter().map(|write| self.part(write, commit.claim)).collect();
        let writes = writes.map_err(|error| AwsError::Failed(error.to_string()))?;
        let transaction = client.transact_write_items().set_transact_items(Some(writes));
        match signed(|| transaction.clone().send()).await {
            Ok(_) => Ok(Some(())),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                    let reasons = canceled.cancellation_reasons();
                    // While another transaction is under way: as if that had been done before.
                    let holds_not = ["None", "ConditionalCheckFailed", "TransactionConflict"];
                    let mut others = reasons.iter().filter(|reason| {
                        reason.code().is_some_and(|code| !holds_not.contains(&code))
                    });
                    others.next().map_or(Ok(None), |reason| {
                        Err(AwsError::Failed(format!("a transaction: {}", readable(reason.code()))))
                    })
                }
                _ => Err(AwsError::of(&error)),
            },
        }
    }

    /// Half as dear as a transaction.
    async fn write_one(
        &self,
        client: &Client,
        write: &Write,
        claim: Uuid,
    ) -> Result<Option<()>, AwsError> {
        let Condition { expression, values } = condition(write.expect);
        match &write.change {
            Change::Put { .. } => {
                let put = client.put_item().table_name(&self.table);
                let put = put.set_item(Some(attributes(write, claim)));
                let put = put.condition_expression(expression);
                let put = put.set_expression_attribute_values(values);
                refused(signed(|| put.clone().send()).await)
            }
            Change::Delete => {
                let delete = client.delete_item().table_name(&self.table);
                let delete = delete.set_key(Some(key_of(&write.key)));
                let delete = delete.condition_expression(expression);
                let delete = delete.set_expression_attribute_values(values);
                refused(signed(|| delete.clone().send()).await)
            }
        }
    }

    /// A write as part of a transaction.
    fn part(&self, write: &Write, claim: Uuid) -> Result<TransactWriteItem, BuildError> {
        let Condition { expression, values } = condition(write.expect);
        let part = TransactWriteItem::builder();
        Ok(match &write.change {
            Change::Put { .. } => {
                let put = Put::builder().table_name(&self.table);
                let put = put.set_item(Some(attributes(write, claim)));
                let put = put.condition_expression(expression);
                part.put(put.set_expression_attribute_values(values).build()?)
            }
            Change::Delete => {
                let delete = Delete::builder().table_name(&self.table);
                let delete = delete.set_key(Some(key_of(&write.key)));
                let delete = delete.condition_expression(expression);
                part.delete(delete.set_expression_attribute_values(values).build()?)
            }
        }
        .build())
    }

    async fn read(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let client = self.client().await.map_err(|error| self.error(error))?;
        let get = client.get_item().table_name(&self.table);
        let get = get.set_key(Some(key_of(key))).consistent_read(true);
        match signed(|| get.clone().send()).await {
            Ok(found) => found.item.map(|found| self.item(found)).transpose(),
            Err(error) => Err(self.refusal(&error)),
        }
    }

    /// The error of a read. One that is always the same is not valid only where the table has other keys.
    fn refusal<E>(&self, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if error.code() == Some("ValidationException") {
            return self.wrong(
                "has other keys than Deckhand's: make one with the partition key `pk` and the sort key `sk`, both \
                 of type String, as the template does",
            );
        }
        self.error(AwsError::of(error))
    }

    /// The item, if it has the form that this store writes or wrote.
    fn item(&self, found: Attributes) -> Result<Item, StoreError> {
        item_of(found).ok_or_else(|| self.unusable("holds an item that this version cannot read"))
    }

    fn unusable(&self, why: &str) -> StoreError {
        StoreError::Unusable(format!("the table `{}` (`TABLE_NAME`) {why}", self.table))
    }

    fn wrong(&self, why: &str) -> StoreError {
        StoreError::Wrong(format!("the table `{}` (`TABLE_NAME`) {why}", self.table))
    }

    fn error(&self, error: AwsError) -> StoreError {
        let why = match error {
            AwsError::Failed(what) => {
                return self.unusable(&format!("cannot be used now ({what})"));
            }
            AwsError::NotFound => {
                let region = self.aws.region().unwrap_or_default();
                format!(
                    "does not exist in the region {region}: correct its name, or set AWS_REGION to its region"
                )
            }
            AwsError::NotSetUp(what) => format!("cannot be used: {what}"),
            AwsError::Forbidden(code) => format!("may not be used by our role ({code})"),
        };
        self.wrong(&why)
    }
}

impl Store for Dynamo {
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Item>, StoreError>> {
        Box::pin(self.read(key))
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Committed, StoreError>> {
        Box::pin(async move {
            if self.write(commit).await.map_err(|error| self.error(error))?.is_some() {
                return Ok(Committed::Done);
            }
            // Perhaps an earlier try was done, and only its answer was lost.
            for write in &commit.writes {
                if let Change::Put { .. } = write.change {
                    let there = self.read(&write.key).await?;
                    return Ok(match there {
                        Some(there) if there.revision == commit.claim => Committed::Done,
                        _ => Committed::Conflict,
                    });
                }
            }
            Ok(Committed::Conflict)
        })
    }

    fn list<'a>(
        &'a self,
        partition: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Item>, StoreError>> {
        Box::pin(async move {
            let client = self.client().await.map_err(|error| self.error(error))?;
            let query = client.query().table_name(&self.table);
            let query = query
                .key_condition_expression("pk = :partition")
                .expression_attribute_values(":partition", text(partition))
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(count.into());
            let (mut items, mut after) = (Vec::new(), None);
            // A page ends after a megabyte, too.
            loop {
                let query = query.clone().set_exclusive_start_key(after);
                let page = signed(|| query.clone().send()).await;
                let page = page.map_err(|error| self.refusal(&error))?;
                for found in page.items.unwrap_or_default() {
                    items.push(self.item(found)?);
                }
                after = page.last_evaluated_key.filter(|_| items.len() < usize::from(count));
                if after.is_none() {
                    items.truncate(count.into());
                    return Ok(items);
                }
            }
        })
    }

    fn due<'a>(
        &'a self,
        until: DateTime<Utc>,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Key>, StoreError>> {
        Box::pin(async move {
            if count == 0 {
                return Ok(Vec::new());
            }
            let client = self.client().await.map_err(|error| self.error(error))?;
            let query = client.query().table_name(&self.table).index_name(DUE);
            let query = query
                .key_condition_expression("due_pk = :due AND due_at <= :until")
                .expression_attribute_values(":due", text(DUE))
                .expression_attribute_values(":until", number(until.timestamp_millis()))
                .scan_index_forward(true)
                .limit(count.into());
            match signed(|| query.clone().send()).await {
                Ok(page) => Ok(page.items().iter().filter_map(named).collect()),
                // A query that is always the same is not valid only where its index is not there.
                Err(error) if error.code() == Some("ValidationException") => {
                    Err(self.unusable("has no index `due`, or it is still being made"))
                }
                Err(error) => Err(self.error(AwsError::of(&error))),
            }
        })
    }
}

/// `None`: the condition does not hold.
fn refused<T, E>(answer: Result<T, SdkError<E, HttpResponse>>) -> Result<Option<()>, AwsError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match answer {
        Ok(_) => Ok(Some(())),
        // Of the two the second: another transaction was under way, as if it had been done before.
        Err(error)
            if matches!(
                error.code(),
                Some("ConditionalCheckFailedException" | "TransactionConflictException")
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(AwsError::of(&error)),
    }
}

struct Condition {
    expression: &'static str,
    values: Option<Attributes>,
}

fn condition(expect: Expect) -> Condition {
    match expect {
        Expect::Absent => Condition { expression: "attribute_not_exists(pk)", values: None },
        Expect::Revision(revision) => {
            let values = HashMap::from([(":revision".to_owned(), text(revision))]);
            Condition { expression: "claim = :revision", values: Some(values) }
        }
    }
}

fn attributes(write: &Write, claim: Uuid) -> Attributes {
    let mut attributes = key_of(&write.key);
    if let Change::Put { body, expires_at, due } = &write.change {
        attributes.extend(body.iter().map(|(name, value)| (name.clone(), attribute(value))));
        let expiry = expires_at.map(|at| number(at.timestamp()));
        attributes.extend(expiry.map(|expiry| (EXPIRES_AT.to_owned(), expiry)));
        if let Some(at) = due {
            attributes.insert(DUE_PK.to_owned(), text(DUE));
            attributes.insert(DUE_AT.to_owned(), number(at.timestamp_millis()));
        }
    }
    attributes.insert(CLAIM.to_owned(), text(claim));
    attributes
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key_of(Key { partition, sort }: &Key) -> Attributes {
    HashMap::from([("pk".to_owned(), text(partition)), ("sk".to_owned(), text(sort))])
}

/// The key that an item, or an entry of the index, has.
fn named(found: &Attributes) -> Option<Key> {
    let string = |name: &str| found.get(name)?.as_s().ok().cloned();
    Some(Key { partition: string("pk")?, sort: string("sk")? })
}

fn item_of(mut found: Attributes) -> Option<Item> {
    let key = named(&found)?;
    let revision = found.get(CLAIM)?.as_s().ok()?.parse().ok()?;
    let time = |name: &str, of: fn(i64) -> Option<DateTime<Utc>>| match found.get(name) {
        Some(at) => of(at.as_n().ok()?.parse().ok()?).map(Some),
        None => Some(None),
    };
    let expires_at = time(EXPIRES_AT, |seconds| DateTime::from_timestamp(seconds, 0))?;
    let due = time(DUE_AT, DateTime::from_timestamp_millis)?;
    found.retain(|name, _| !OWN.contains(&name.as_str()));
    let body = found.into_iter().map(|(name, value)| Some((name, member(value)?)));
    let body = body.collect::<Option<_>>()?;
    Some(Item { key, revision, body, expires_at, due })
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(flag) => AttributeValue::Bool(*flag),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(list) => AttributeValue::L(list.iter().map(attribute).collect()),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), attribute(value)));
            AttributeValue::M(members.collect())
        }
    }
}

/// `None` for what JSON does not know, like binary data.
fn member(value: AttributeValue) -> Option<Value> {
    Some(match value {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(flag) => Value::Bool(flag),
        AttributeValue::N(number) => Value::Number(number.parse().ok()?),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::L(list) => {
            Value::Array(list.into_iter().map(member).collect::<Option<_>>()?)
        }
        AttributeValue::M(members) => {
            let members = members.into_iter().map(|(name, value)| Some((name, member(value)?)));
            Value::Object(members.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
