//! HTTP events, read and answered by `lambda_http`.
//!
//! `lambda_http` trusts its input. It panics on a body that is not base64, on an invalid `Host` or
//! `X-Forwarded-Proto`, and on a path or query that is not valid in a URI. It refuses a whole event for one
//! bad header. So it gets a new event with only the fields that are used here, each validated. The query,
//! `Host` and `X-Forwarded-Proto` are left out, because nothing here reads them.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>

use std::convert::Infallible;
use std::future::ready;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use lambda_http::aws_lambda_events::alb::AlbTargetGroupRequest;
use lambda_http::aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayV2httpRequest};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Context, Error, IntoResponse, LambdaEvent, RequestExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use tower::ServiceExt;
use tower::util::service_fn;

use futures_util::future::BoxFuture;

/// Characters of a path that are not percent-encoded.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The most headers kept. AWS allows far fewer; a full [`HeaderMap`] panics.
const MAX_HEADERS: usize = 10_000;

/// Why an event cannot be handled as an HTTP request.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// It is not an HTTP event.
    NotHttp,
    /// Its method or path is not valid in HTTP.
    NotARequest,
    /// Its body is declared base64 but is not. This is the request without its body.
    BadBody(Box<LambdaRequest>),
}

/// Reads an HTTP event. It moves the body out of `event`.
pub(crate) fn read(event: &mut Value) -> Result<Box<LambdaRequest>, NotRead> {
    let method_2 = event.pointer("/requestContext/http/method").and_then(Value::as_str);
    let method = method_2.or_else(|| event["httpMethod"].as_str());
    let path = event["rawPath"].as_str().or_else(|| event["path"].as_str());
    let (Some(method), Some(path)) = (method, path) else {
        return Err(NotRead::NotHttp);
    };
    let path = utf8_percent_encode(&routed(event, path), PATH).to_string();
    let is_path = path.starts_with('/') && path.parse::<Uri>().is_ok();
    let Some(method) = method.parse::<Method>().ok().filter(|_| is_path) else {
        return Err(NotRead::NotARequest);
    };
    let is_payload_2 = method_2.is_some();
    let is_load_balancer = event.pointer("/requestContext/elb").is_some_and(Value::is_object);
    let (headers, cookies) = (headers(event), cookies(event));
    let epoch = |path: &str| event.pointer(path).and_then(Value::as_i64).unwrap_or_default();
    let time_epoch = epoch("/requestContext/timeEpoch");
    let request_time_epoch = epoch("/requestContext/requestTimeEpoch");
    let is_base64 = event["isBase64Encoded"].as_bool() == Some(true);
    let body = match event.get_mut("body").map(Value::take) {
        Some(Value::String(body)) => Some(body),
        _ => None,
    };
    let is_bad = is_base64 && body.as_ref().is_some_and(|body| STANDARD.decode(body).is_err());
    let body = body.filter(|_| !is_bad);

    let request = if is_payload_2 {
        let mut request = ApiGatewayV2httpRequest::default();
        request.request_context.http.method = method;
        request.request_context.time_epoch = time_epoch;
        request.raw_path = Some(path);
        request.headers = headers;
        request.cookies = cookies;
        request.body = body;
        request.is_base64_encoded = is_base64;
        LambdaRequest::ApiGatewayV2(request)
    } else if is_load_balancer {
        let mut request = AlbTargetGroupRequest::default();
        request.http_method = method;
        request.path = Some(path);
        request.multi_value_headers = headers;
        request.body = body;
        request.is_base64_encoded = is_base64;
        LambdaRequest::Alb(request)
    } else {
        let mut request = ApiGatewayProxyRequest::default();
        request.request_context.request_time_epoch = request_time_epoch;
        request.http_method = method;
        request.path = Some(path);
        request.multi_value_headers = headers;
        request.body = body;
        request.is_base64_encoded = is_base64;
        LambdaRequest::ApiGatewayV1(request)
    };
    if is_bad { Err(NotRead::BadBody(Box::new(request))) } else { Ok(Box::new(request)) }
}

/// When API Gateway (or the function URL) received the request, by its own clock. A load balancer does not say.
pub(crate) fn received(request: &LambdaRequest) -> Option<DateTime<Utc>> {
    let ms = match request {
        LambdaRequest::ApiGatewayV2(request) => request.request_context.time_epoch,
        LambdaRequest::ApiGatewayV1(request) => request.request_context.request_time_epoch,
        _ => 0,
    };
    DateTime::from_timestamp_millis(ms).filter(|_| ms > 0)
}

/// Answers a request in the format of its sender (payload 1.0 or 2.0, or a load balancer).
pub(crate) async fn answer<F>(
    request: LambdaRequest,
    context: Context,
    handle: impl Fn(Request<Bytes>) -> F,
) -> Result<Value, Error>
where
    F: Future<Output = Response<Bytes>> + Send,
{
    let service = service_fn(|request| {
        let response = handle(plain(request));
        async { Ok::<_, Infallible>(JsonResponse(response.await)) }
    });
    let Ok(answer) = Adapter::from(service).oneshot(LambdaEvent::new(request, context)).await;
    Ok(serde_json::to_value(answer)?)
}

/// Converts to the request type that the bot accepts from every host.
fn plain(request: lambda_http::Request) -> Request<Bytes> {
    // The raw path: `lambda_http` has resolved dot segments in the URI.
    let path = request.raw_http_path().parse();
    let mut request = request.map(|body| match body {
        Body::Text(text) => text.into(),
        Body::Binary(bytes) => bytes.into(),
        _ => Bytes::new(),
    });
    if let Ok(path) = path {
        *request.uri_mut() = path;
    }
    request
}

/// A response with a JSON body. `lambda_http`'s own conversion guesses the body's type from the headers,
/// and links the tables of every character encoding.
struct JsonResponse(Response<Bytes>);

impl IntoResponse for JsonResponse {
    fn into_response(self) -> BoxFuture<'static, Response<Body>> {
        let text = |body: Bytes| Body::Text(String::from_utf8_lossy(&body).into_owned());
        Box::pin(ready(self.0.map(text)))
    }
}

/// The path within the API. The route that AWS matched is the best source: the requested path may start
/// with the stage or with the base path of a custom domain.
fn routed(event: &Value, path: &str) -> String {
    let route = event["routeKey"].as_str().and_then(|key| Some(key.split_once(' ')?.1));
    let route = route.or_else(|| event["resource"].as_str()).unwrap_or_default();
    if let Some(filled) = filled(route, &event["pathParameters"])
        && (filled == route || path.ends_with(&filled))
    {
        return filled;
    }
    let stage = event.pointer("/requestContext/stage").and_then(Value::as_str).unwrap_or_default();
    without_stage(path, stage).to_owned()
}

/// A route with its variables (`/{proxy+}`) filled in. `None`: no route, or a value is missing.
fn filled(route: &str, values: &Value) -> Option<String> {
    let mut path = String::new();
    for segment in route.strip_prefix('/')?.split('/') {
        let variable = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
        path.push('/');
        path.push_str(match variable {
            Some(name) => values[name.trim_end_matches('+')].as_str()?,
            None => segment,
        });
    }
    Some(path)
}

/// Removes the stage: API Gateway prefixes the path with the name of a stage other than `$default`.
fn without_stage<'a>(path: &'a str, stage: &str) -> &'a str {
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
    match rest {
        Some(rest) if !stage.is_empty() && rest.starts_with('/') => rest,
        _ => path,
    }
}

/// All values of all headers. Payload 1.0 has two header fields; only `multiValueHeaders` is complete.
fn headers(event: &Value) -> HeaderMap {
    let empty = Map::new();
    let object = |key: &str| event[key].as_object().filter(|object| !object.is_empty());
    let given = object("multiValueHeaders").or_else(|| object("headers")).unwrap_or(&empty);
    let each = given.iter().flat_map(|(name, value)| {
        let single = std::slice::from_ref(value);
        let values = value.as_array().map_or(single, Vec::as_slice);
        values.iter().filter_map(move |value| header(name, value))
    });
    let used = each.filter(|(name, _)| name != HOST && name != "x-forwarded-proto");
    let mut headers = HeaderMap::new();
    for (name, value) in used.take(MAX_HEADERS) {
        headers.append(name, value);
    }
    headers
}

fn header(name: &str, value: &Value) -> Option<(HeaderName, HeaderValue)> {
    Some((name.parse().ok()?, value.as_str()?.parse().ok()?))
}

/// The cookies, a separate field in payload 2.0. Invalid ones are dropped: one of them would drop all.
fn cookies(event: &Value) -> Option<Vec<String>> {
    let cookies = event["cookies"].as_array()?.iter().filter_map(Value::as_str);
    Some(
        cookies.filter(|cookie| HeaderValue::from_str(cookie).is_ok()).map(str::to_owned).collect(),
    )
}

#[cfg(test)]
mod tests;
