//! A stand-in of AWS to tell stories against: a server that speaks its protocols, at `AWS_STANDIN_URL`.
//! `.ci/run` starts one. With it every story remembers in a table of its own; without it in memory, and
//! what is only about AWS is ignored.

use std::sync::Arc;

use aws_config::Region;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_ssm::types::ParameterType;
use deckhand::aws::{Aws, loader};
use deckhand::net::transport::Transport;
use uuid::Uuid;

/// Where the stand-in is, if there is one.
pub(crate) fn standin() -> Option<String> {
    std::env::var("AWS_STANDIN_URL").ok().filter(|url| !url.is_empty())
}

/// AWS at this address.
pub(crate) async fn at(url: &str, transport: Arc<dyn Transport>) -> Arc<Aws> {
    let credentials = Credentials::new("key", "secret", None, None, "stand-in");
    let config = loader(transport.clone())
        .endpoint_url(url)
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .load()
        .await;
    Aws::of(config, transport)
}

/// A new table like the one in `template.yaml`.
pub(crate) async fn new_table(aws: &Aws) -> String {
    let name = format!("deckhand-{}", Uuid::new_v4());
    let attribute = |name, kind| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(kind).build().unwrap()
    };
    let key = |name, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    let keys_only = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("due_pk", KeyType::Hash))
        .key_schema(key("due_at", KeyType::Range))
        .projection(keys_only)
        .build()
        .unwrap();
    aws_sdk_dynamodb::Client::new(aws.config().await.unwrap())
        .create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
        .global_secondary_indexes(due)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .send()
        .await
        .unwrap();
    name
}

/// A parameter's name that nobody else has.
pub(crate) fn new_parameter() -> String {
    format!("/deckhand-{}/github-token", Uuid::new_v4())
}

/// Stores a secret.
pub(crate) async fn put_parameter(aws: &Aws, name: &str, value: &str) {
    put(aws, name, value, ParameterType::SecureString).await;
}

/// Stores a secret in the open.
pub(crate) async fn put_plain_parameter(aws: &Aws, name: &str, value: &str) {
    put(aws, name, value, ParameterType::String).await;
}

async fn put(aws: &Aws, name: &str, value: &str, kind: ParameterType) {
    aws_sdk_ssm::Client::new(aws.config().await.unwrap())
        .put_parameter()
        .name(name)
        .value(value)
        .r#type(kind)
        .overwrite(true)
        .send()
        .await
        .unwrap();
}
