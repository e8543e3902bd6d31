//! The store that all processes share: a DynamoDB table.
//!
//! | `pk` | `sk` | what |
//! |---|---|---|
//! | `interaction#<id>` | `interaction` | an interaction that was taken |
//! | `agent#<agent's id>` | the interaction's id, 20 digits | a deploy, so one agent's are in order |
//! | `post#<key>` | `post` | a post that must be there once |
//!
//! Every item has `expires_at`, the table's TTL attribute in seconds since 1970. Each deciding write is
//! conditional and carries a random `claim`. The SDK retries a write whose answer was lost. If the retry
//! finds its own claim in the table, the first try had succeeded.
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html>

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::contract::{
    Begun, Deploy, DeployKey, DeployOutcome, DeployState, Post, Store, StoreError,
};
use crate::aws::{Aws, AwsError};
use crate::clock::Clock;
use crate::discord::InteractionId;

/// Discord's signatures expire after five minutes, so replays stop long before this.
const INTERACTIONS_KEPT: TimeDelta = TimeDelta::days(1);
const DEPLOYS_KEPT: TimeDelta = TimeDelta::days(90);
const POSTS_KEPT: TimeDelta = TimeDelta::days(7);

type Item = HashMap<String, AttributeValue>;

/// A store in a DynamoDB table.
pub struct Dynamo {
    aws: Arc<Aws>,
    table: String,
    clock: Arc<dyn Clock>,
}

impl Dynamo {
    /// A store in this table. It connects on first use.
    pub fn new(aws: Arc<Aws>, table: String, clock: Arc<dyn Clock>) -> Self {
        Self { aws, table, clock }
    }

    async fn client(&self) -> Client {
        Client::new(self.aws.config().await)
    }

    /// The expiry of an item written now.
    fn expiry(&self, kept: TimeDelta) -> AttributeValue {
        number((self.clock.now() + kept).timestamp())
    }

    /// Writes an item if its key is free; `None` on success. Otherwise returns the other writer's item.
    async fn put_first(&self, mut item: Item) -> Result<Option<Item>, StoreError> {
        let claim = text(Uuid::new_v4());
        item.insert("claim".to_owned(), claim.clone());
        let put = self.client().await.put_item().table_name(&self.table).set_item(Some(item));
        let put = put
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(None),
            Err(SdkError::ServiceError(failed)) => match failed.into_err() {
                PutItemError::ConditionalCheckFailedException(failed) => {
                    let there = failed.item.unwrap_or_default();
                    Ok((there.get("claim") != Some(&claim)).then_some(there))
                }
                error => Err(self.error(AwsError::of_code(error.code()))),
            },
            Err(error) => Err(self.error(AwsError::of(&error))),
        }
    }

    fn unusable(&self, why: &str) -> StoreError {
        StoreError::Unusable(format!("the table `{}` (`TABLE_NAME`) {why}", self.table))
    }

    fn error(&self, error: AwsError) -> StoreError {
        let why = match error {
            AwsError::NotFound => "does not exist".to_owned(),
            AwsError::Forbidden(code) => format!("may not be used by our role ({code})"),
            AwsError::Failed(what) => format!("cannot be used now ({what})"),
        };
        self.unusable(&why)
    }
}

impl Store for Dynamo {
    fn take_interaction(&self, id: InteractionId) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let item = item([
                ("pk", text(format!("interaction#{id}"))),
                ("sk", text("interaction")),
                ("expires_at", self.expiry(INTERACTIONS_KEPT)),
            ]);
            Ok(self.put_first(item).await?.is_none())
        })
    }

    fn begin_deploy<'a>(&'a self, deploy: &'a Deploy) -> BoxFuture<'a, Result<Begun, StoreError>> {
        Box::pin(async move {
            let Deploy { key, requester, began_at, run_page, state: _ } = deploy;
            let mut item = item([
                ("state", text("pending")),
                ("correlation_id", text(key.correlation_id())),
                ("requester", text(requester)),
                ("began_at", text(began_at.to_rfc3339())),
                ("expires_at", self.expiry(DEPLOYS_KEPT)),
            ]);
            item.extend(key_of(key));
            item.extend(run_page.as_ref().map(|page| ("run_page".to_owned(), text(page))));
            let Some(before) = self.put_first(item).await? else { return Ok(Begun::Now) };
            let unreadable = "holds this deploy in a form that this version cannot read";
            deploy_of(&before).map(Begun::Before).ok_or_else(|| self.unusable(unreadable))
        })
    }

    fn note_run<'a>(
        &'a self,
        key: &'a DeployKey,
        page: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let update = self.client().await.update_item().table_name(&self.table);
            let update = update
                .set_key(Some(key_of(key)))
                .condition_expression("attribute_exists(pk)")
                .update_expression("SET run_page = :page")
                .expression_attribute_values(":page", text(page));
            match update.send().await {
                Ok(_) => Ok(()),
                Err(error) => Err(self.error(AwsError::of(&error))),
            }
        })
    }

    fn end_deploy<'a>(
        &'a self,
        key: &'a DeployKey,
        outcome: &'a DeployOutcome,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let claim = text(Uuid::new_v4());
            let mut set =
                "SET #state = :ended, outcome = :outcome, ended_at = :at, end_claim = :claim"
                    .to_owned();
            let mut update = self.client().await.update_item().table_name(&self.table);
            if let Some(page) = &outcome.run_page {
                set.push_str(", run_page = :page");
                update = update.expression_attribute_values(":page", text(page));
            }
            let update = update
                .set_key(Some(key_of(key)))
                .condition_expression("#state = :pending")
                .update_expression(set)
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":pending", text("pending"))
                .expression_attribute_values(":ended", text("ended"))
                .expression_attribute_values(":outcome", text(&outcome.word))
                .expression_attribute_values(":at", text(outcome.at.to_rfc3339()))
                .expression_attribute_values(":claim", claim.clone())
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            match update.send().await {
                Ok(_) => Ok(true),
                Err(SdkError::ServiceError(failed)) => match failed.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => {
                        Ok(failed.item.is_none_or(|ended| ended.get("end_claim") == Some(&claim)))
                    }
                    error => Err(self.error(AwsError::of_code(error.code()))),
                },
                Err(error) => Err(self.error(AwsError::of(&error))),
            }
        })
    }

    fn history<'a>(
        &'a self,
        agent: &'a str,
        count: u16,
    ) -> BoxFuture<'a, Result<Vec<Deploy>, StoreError>> {
        Box::pin(async move {
            let query = self.client().await.query().table_name(&self.table);
            let query = query
                .key_condition_expression("pk = :agent")
                .expression_attribute_values(":agent", text(format!("agent#{agent}")))
                .scan_index_forward(false)
                .consistent_read(true)
                .limit(count.into());
            match query.send().await {
                Ok(page) => Ok(page.items().iter().filter_map(deploy_of).collect()),
                Err(error) => Err(self.error(AwsError::of(&error))),
            }
        })
    }

    fn begin_post<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Post, StoreError>> {
        Box::pin(async move {
            let mut item =
                item([("state", text("begun")), ("expires_at", self.expiry(POSTS_KEPT))]);
            item.extend(post_key(key));
            Ok(match self.put_first(item).await? {
                None => Post::First,
                Some(there) if string(&there, "state").as_deref() == Some("done") => Post::Done,
                Some(_) => Post::Unsure,
            })
        })
    }

    fn end_post<'a>(&'a self, key: &'a str, posted: bool) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let client = self.client().await;
            let ended = if posted {
                let update = client.update_item().table_name(&self.table);
                let update = update
                    .set_key(Some(post_key(key)))
                    .update_expression("SET #state = :done, expires_at = :expiry")
                    .expression_attribute_names("#state", "state")
                    .expression_attribute_values(":done", text("done"))
                    .expression_attribute_values(":expiry", self.expiry(POSTS_KEPT));
                update.send().await.map(drop).map_err(|error| AwsError::of(&error))
            } else {
                let delete = client.delete_item().table_name(&self.table);
                let delete = delete
                    .set_key(Some(post_key(key)))
                    .condition_expression("#state = :begun")
                    .expression_attribute_names("#state", "state")
                    .expression_attribute_values(":begun", text("begun"));
                match delete.send().await {
                    Ok(_) => Ok(()),
                    // Another process has ended it as posted.
                    Err(error)
                        if error.as_service_error().is_some_and(
                            DeleteItemError::is_conditional_check_failed_exception,
                        ) =>
                    {
                        Ok(())
                    }
                    Err(error) => Err(AwsError::of(&error)),
                }
            };
            ended.map_err(|error| self.error(error))
        })
    }
}

fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn key_of(DeployKey { agent, interaction_id }: &DeployKey) -> Item {
    item([
        ("pk", text(format!("agent#{agent}"))),
        ("sk", text(format!("{:020}", interaction_id.0))),
    ])
}

fn post_key(key: &str) -> Item {
    item([("pk", text(format!("post#{key}"))), ("sk", text("post"))])
}

fn string(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn time(item: &Item, name: &str) -> Option<DateTime<Utc>> {
    string(item, name)?.parse().ok()
}

/// `None` for an item in an unknown format, for example of another version.
fn deploy_of(item: &Item) -> Option<Deploy> {
    let state = match string(item, "state")?.as_str() {
        "pending" => DeployState::Pending,
        _ => DeployState::Ended(DeployOutcome {
            word: string(item, "outcome")?,
            run_page: string(item, "run_page"),
            at: time(item, "ended_at")?,
        }),
    };
    Some(Deploy {
        key: DeployKey {
            agent: string(item, "pk")?.strip_prefix("agent#")?.to_owned(),
            interaction_id: InteractionId(string(item, "sk")?.parse().ok()?),
        },
        requester: string(item, "requester")?,
        began_at: time(item, "began_at")?,
        run_page: string(item, "run_page"),
        state,
    })
}
