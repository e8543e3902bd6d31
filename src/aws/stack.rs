//! Reads the settings of a deployed function: the environment of the one function of a stack.
//!
//! - <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html>
//! - <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>

use std::collections::HashMap;

use bytes::Bytes;
use http::Uri;
use serde::Deserialize;

use super::call::{Call, Protocol, element};
use super::config::Aws;
use super::endpoint;
use super::error::AwsError;

/// The settings of a function.
pub struct Deployed {
    /// The function's name.
    pub function: String,
    /// Its region.
    pub region: String,
    /// Its environment. The values may be secrets.
    pub settings: HashMap<String, String>,
}

/// The most pages of a stack's resources that are read, with 100 each.
const PAGES: usize = 10;

/// The region that an ARN names, if this is one.
pub(crate) fn region_of(name: &str) -> Option<String> {
    let region = name.strip_prefix("arn:")?.split(':').nth(2)?;
    (!region.is_empty()).then(|| region.to_owned())
}

/// Reads the settings of the function of this stack. A function's own name or ARN will do as well. The error says the
/// cure.
pub(crate) async fn deployed(aws: &Aws, name: &str) -> Result<Deployed, String> {
    aws.config().await.map_err(|error| format!("AWS cannot be asked: {error}"))?;
    let region = aws.region().unwrap_or_default();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:/".contains(&b)) {
        return Err("this is not the name of a stack: letters, digits and - only".to_owned());
    }
    let function = match name.split_once(":function:") {
        Some((_, function)) => function.split(':').next().unwrap_or_default().to_owned(),
        None => match functions(aws, name).await {
            Ok(functions) => the_only(name, functions)?,
            Err(AwsError::NotFound) if !name.contains([':', '/']) => name.to_owned(),
            Err(error) => {
                let what = format!("the resources of the stack {name}");
                return Err(refused(&error, &what, "cloudformation:ListStackResources", &region));
            }
        },
    };
    match environment(aws, &function).await {
        Ok(Environment { error: Some(Failure { message }), .. }) => Err(format!(
            "the settings of the function {function} cannot be decrypted: your account needs kms:Decrypt with the \
             function's key ({})",
            message.unwrap_or_default()
        )),
        Ok(Environment { variables, .. }) => {
            Ok(Deployed { function, region, settings: variables.unwrap_or_default() })
        }
        Err(AwsError::NotFound) if function == name => Err(format!(
            "there is no stack {name} in the region {region}, and no function of this name: check the name, or name \
             the stack's region with --region"
        )),
        Err(AwsError::NotFound) => Err(format!(
            "the function {function} does not exist in the region {region}: deploy the stack again, or name its \
             region with --region"
        )),
        Err(error) => {
            let what = format!("the settings of the function {function}");
            Err(refused(&error, &what, "lambda:GetFunctionConfiguration", &region))
        }
    }
}

fn refused(error: &AwsError, what: &str, action: &str, region: &str) -> String {
    match error {
        AwsError::NotFound => format!("{what}: not found in the region {region}"),
        AwsError::Forbidden(code) => {
            format!(
                "{what} may not be read: allow {action} to whom you are signed in to AWS as ({code})"
            )
        }
        error => format!("{what} cannot be read: {error}"),
    }
}

fn the_only(stack: &str, functions: Vec<String>) -> Result<String, String> {
    match functions.as_slice() {
        [function] => Ok(function.clone()),
        [] => Err(format!(
            "the stack {stack} has no Lambda function: it is not Deckhand's, or still being made"
        )),
        several => Err(format!(
            "the stack {stack} has {} functions ({}): give the name of Deckhand's as --stack",
            several.len(),
            several.join(", ")
        )),
    }
}

/// The names of a stack's functions.
async fn functions(aws: &Aws, stack: &str) -> Result<Vec<String>, AwsError> {
    let mut functions = Vec::new();
    let mut next: Option<String> = None;
    for _ in 0..PAGES {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "ListStackResources").append_pair("Version", "2010-05-15");
        form.append_pair("StackName", stack);
        if let Some(next) = &next {
            form.append_pair("NextToken", next);
        }
        let call = Call {
            endpoint: endpoint::CLOUDFORMATION.of(aws.config().await?)?,
            service: "cloudformation",
            protocol: Protocol::Query,
            body: form.finish().into(),
        };
        let page = call.read(aws, |xml| page(std::str::from_utf8(xml).ok()?)).await?;
        functions.extend(page.functions);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    Ok(functions)
}

struct Page {
    functions: Vec<String>,
    next: Option<String>,
}

/// `None`: this is no list of resources.
fn page(xml: &str) -> Option<Page> {
    let list = element(xml, "ListStackResourcesResult")?;
    let members = list.split("<member>").skip(1);
    let functions = members
        .filter(|member| element(member, "ResourceType") == Some("AWS::Lambda::Function"))
        .filter_map(|member| element(member, "PhysicalResourceId"))
        .filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
        .map(str::to_owned)
        .collect();
    Some(Page { functions, next: element(list, "NextToken").map(str::to_owned) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    #[serde(default)]
    environment: Option<Environment>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: Option<HashMap<String, String>>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    message: Option<String>,
}

async fn environment(aws: &Aws, function: &str) -> Result<Environment, AwsError> {
    let base = endpoint::LAMBDA.of(aws.config().await?)?;
    let path = format!("{base}2015-03-31/functions/{function}/configuration");
    let endpoint: Uri = path.parse().map_err(|_| AwsError::NotFound)?;
    let (service, protocol) = ("lambda", Protocol::Rest);
    let call = Call { endpoint, service, protocol, body: Bytes::new() };
    let found: Configuration = call.send(aws).await?;
    Ok(found.environment.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::future::BoxFuture;
    use http::{Request, Response};
    use rstest::rstest;

    use super::*;
    use crate::net::transport::{CallError, Transport};

    const STACK: &str = "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>\
        <member><PhysicalResourceId>deckhand-Table-1</PhysicalResourceId><ResourceType>AWS::DynamoDB::Table</ResourceType></member>\
        <member><PhysicalResourceId>deckhand-Function-1</PhysicalResourceId><ResourceType>AWS::Lambda::Function</ResourceType></member>\
        </StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>";
    const NO_STACK: &str = "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error></ErrorResponse>";
    const DENIED: &str = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: is not authorized</Message></Error></ErrorResponse>";
    const SETTINGS: &str = r#"{"FunctionName":"deckhand-Function-1","Environment":{"Variables":{"GITHUB_REPO":"o/r"}}}"#;

    /// Gives these answers, one after the other, and keeps what was asked.
    struct Says(Mutex<Vec<(u16, String)>>, Mutex<Vec<String>>);

    impl Transport for Says {
        fn send(&self, asked: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, CallError>> {
            let line = format!("{} {}", asked.method(), asked.uri());
            assert!(asked.headers().contains_key("authorization"));
            self.1.lock().unwrap().push(line);
            let (status, body) = self.0.lock().unwrap().remove(0);
            let answer = Response::builder().status(status).body(body.into()).unwrap();
            Box::pin(std::future::ready(Ok(answer)))
        }
    }

    async fn ask(name: &str, answers: &[(u16, &str)]) -> (Result<Deployed, String>, Vec<String>) {
        let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let says = Arc::new(Says(Mutex::new(answers), Mutex::default()));
        let aws = super::super::call::tests::aws_behind(says.clone()).await;
        let read = deployed(&aws, name).await;
        let asked = says.1.lock().unwrap().clone();
        (read, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn the_function_of_a_stack_is_read() {
        let (read, asked) = ask("deckhand", &[(200, STACK), (200, SETTINGS)]).await;
        let read = read.unwrap();
        assert_eq!(
            (read.function.as_str(), read.region.as_str()),
            ("deckhand-Function-1", "us-east-1")
        );
        assert_eq!(read.settings["GITHUB_REPO"], "o/r");
        let lambda = "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/deckhand-Function-1/configuration";
        assert_eq!(
            asked,
            [
                "POST https://cloudformation.us-east-1.amazonaws.com/".to_owned(),
                format!("GET {lambda}")
            ]
        );
    }

    #[rstest]
    #[case::by_name("my-function", &[(400, NO_STACK), (200, SETTINGS)])]
    #[case::by_arn("arn:aws:lambda:us-east-1:111122223333:function:my-function:live", &[(200, SETTINGS)])]
    #[tokio::test(start_paused = true)]
    async fn a_function_will_do(#[case] name: &str, #[case] answers: &[(u16, &str)]) {
        assert_eq!(ask(name, answers).await.0.unwrap().function, "my-function");
    }

    #[rstest]
    #[case::no_stack(&[(400, NO_STACK), (404, r#"{"__type":"ResourceNotFoundException","Message":"Function not found"}"#)], "no stack deckhand in the region us-east-1")]
    #[case::denied(&[(403, DENIED)], "allow cloudformation:ListStackResources")]
    #[case::no_function(&[(200, "<ListStackResourcesResult></ListStackResourcesResult>")], "has no Lambda function")]
    #[case::not_decrypted(&[(200, STACK), (200, r#"{"Environment":{"Error":{"ErrorCode":"AccessDeniedException","Message":"kms"}}}"#)], "kms:Decrypt")]
    #[case::function_denied(&[(200, STACK), (403, r#"{"Message":"no","__type":"AccessDeniedException"}"#)], "allow lambda:GetFunctionConfiguration")]
    #[tokio::test(start_paused = true)]
    async fn what_stops_it_is_said(#[case] answers: &[(u16, &str)], #[case] said: &str) {
        let error = ask("deckhand", answers).await.0.err().unwrap();
        assert!(error.contains(said), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn two_functions_are_named() {
        let two = STACK.replace("AWS::DynamoDB::Table", "AWS::Lambda::Function");
        let error = ask("deckhand", &[(200, &two)]).await.0.err().unwrap();
        assert!(
            error.contains("has 2 functions (deckhand-Table-1, deckhand-Function-1)"),
            "{error}"
        );
    }

    #[test]
    fn an_arn_names_its_region() {
        let arn = "arn:aws:cloudformation:eu-west-1:111122223333:stack/deckhand/1";
        assert_eq!(region_of(arn).as_deref(), Some("eu-west-1"));
        assert_eq!(region_of("deckhand"), None);
    }
}
