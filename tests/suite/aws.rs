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
use bytes::Bytes;
use deckhand::aws::{Aws, loader};
use deckhand::net::transport::Transport;
use http::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

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
pub(crate) async fn put_parameter(world: &World, name: &str, value: &str) {
    put(world, name, value, "SecureString").await;
}

/// Stores a secret in the open.
pub(crate) async fn put_plain_parameter(world: &World, name: &str, value: &str) {
    put(world, name, value, "String").await;
}

/// The stand-in checks no signature; it finds the service and the region in it.
async fn put(world: &World, name: &str, value: &str, kind: &str) {
    let signature = "AWS4-HMAC-SHA256 Credential=key/20261126/us-east-1/ssm/aws4_request, \
                     SignedHeaders=host, Signature=none";
    let parameter = json!({"Name": name, "Value": value, "Type": kind, "Overwrite": true});
    let request = Request::post(standin().unwrap())
        .header("authorization", signature)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "AmazonSSM.PutParameter")
        .body(Bytes::from(parameter.to_string()))
        .unwrap();
    let answer = world.transport().send(request).await.unwrap();
    let said: Value = serde_json::from_slice(answer.body()).unwrap();
    assert!(said["Version"].is_number(), "{said}");
}
