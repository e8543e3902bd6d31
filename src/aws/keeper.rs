//! Writes secrets to the SSM Parameter Store, and deletes them.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::call::{Call, Protocol};
use super::endpoint;
use super::error::AwsError;
use super::parameters::Parameters;
use crate::secrets::{Secret, SecretKeeper, SecretStore, Unreadable};

impl Parameters {
    async fn ask(&self, target: &'static str, body: Value) -> Result<Value, AwsError> {
        let endpoint = endpoint::SSM.of(self.0.config().await?)?;
        let (body, protocol) = (body.to_string().into(), Protocol::Json(target));
        Call { endpoint, service: "ssm", protocol, body }.send(&self.0).await
    }
}

impl SecretKeeper for Parameters {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, String>> {
        Box::pin(async move {
            match self.read(name).await {
                Ok(stored) => Ok(Some(stored.secret)),
                Err(Unreadable::Missing) => Ok(None),
                Err(Unreadable::Failed(why) | Unreadable::Now(why)) => {
                    Err(format!("The SSM parameter {name} {why}."))
                }
            }
        })
    }

    fn keep<'a>(&'a self, name: &'a str, secret: &'a Secret) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let kept = json!({"Name": name, "Value": secret.expose(), "Type": "SecureString", "Overwrite": true});
            let done = self.ask("AmazonSSM.PutParameter", kept).await;
            done.map(drop).map_err(|error| words(name, "ssm:PutParameter", &error))
        })
    }

    fn forget<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            match self.ask("AmazonSSM.DeleteParameter", json!({"Name": name})).await {
                Ok(_) | Err(AwsError::NotFound) => Ok(()),
                Err(error) => Err(words(name, "ssm:DeleteParameter", &error)),
            }
        })
    }
}

fn words(name: &str, action: &str, error: &AwsError) -> String {
    match error {
        AwsError::Forbidden(code) => {
            format!("The SSM parameter {name}: your AWS sign-in lacks {action} ({code}).")
        }
        error => format!("The SSM parameter {name}: {error}."),
    }
}
