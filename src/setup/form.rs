//! A page on the loopback with one button: the form that GitHub makes an App of. It takes back the code.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use url::form_urlencoded;

/// The form.
pub(super) struct Form {
    /// GitHub's page that takes it.
    pub action: String,
    /// What must come back with the code.
    pub state: String,
    /// The page's path, without the slash. Who does not know it, another user of this machine say, sees no state.
    pub path: String,
    /// The manifest, given where the browser comes back.
    pub manifest: Box<dyn Fn(&str) -> String + Send + Sync>,
    /// The code, when it came.
    pub code: Arc<Mutex<Option<String>>>,
}

/// The page, which is there as long as this is.
pub(super) struct Served {
    pub address: String,
    pub port: u16,
    _serving: AbortOnDropHandle<()>,
}

/// Shows the form on a free port of 127.0.0.1.
pub(super) async fn serve(form: Form) -> std::io::Result<Served> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    let (host, port) = (at.to_string(), at.port());
    let address = format!("http://{host}/{}", form.path);
    let page = Arc::new((form, host));
    let serving = tokio::spawn(async move {
        loop {
            let Ok((connection, _)) = listener.accept().await else { continue };
            let page = page.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let answer = answer(&page.0, &page.1, &request.map(drop));
                std::future::ready(Ok::<_, Infallible>(answer))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
        }
    });
    Ok(Served { address, port, _serving: AbortOnDropHandle::new(serving) })
}

/// Another host's name for this address would be a page of somebody else's in the same browser.
fn answer(form: &Form, host: &str, request: &Request<()>) -> Response<Full<Bytes>> {
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if named != Some(host) {
        return page(StatusCode::FORBIDDEN, "<p>This page is for this machine only.</p>", "'none'");
    }
    match (request.method(), request.uri().path().trim_start_matches('/')) {
        (&Method::GET, path) if path == form.path => {
            let manifest = (form.manifest)(&format!("http://{host}/made"));
            let body = format!(
                "<h1>Make Deckhand's GitHub App</h1><p>GitHub shows what it may do before it is made: start workflows, read \
                 files. It is yours alone.</p><form method=\"post\" action=\"{}?state={}\"><input type=\"hidden\" \
                 name=\"manifest\" value=\"{}\"><button>Create the GitHub App</button></form>",
                escaped(&form.action),
                escaped(&form.state),
                escaped(&manifest)
            );
            page(StatusCode::OK, &body, &origin(&form.action))
        }
        (&Method::GET, "made") => {
            let query = request.uri().query().unwrap_or_default();
            let given = |name: &str| {
                let mut all = form_urlencoded::parse(query.as_bytes());
                all.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
            };
            match (given("code"), given("state")) {
                (Some(code), Some(state)) if state == form.state => {
                    *form.code.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
                    page(
                        StatusCode::OK,
                        "<p>The App is made. Go back to the terminal.</p>",
                        "'none'",
                    )
                }
                _ => page(
                    StatusCode::BAD_REQUEST,
                    "<p>This is not the answer that was waited for.</p>",
                    "'none'",
                ),
            }
        }
        _ => page(StatusCode::NOT_FOUND, "<p>There is nothing here.</p>", "'none'"),
    }
}

fn page(status: StatusCode, body: &str, form_action: &str) -> Response<Full<Bytes>> {
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Deckhand</title>{body}</html>"
    );
    let policy = format!(
        "default-src 'none'; form-action {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let answer = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CONTENT_SECURITY_POLICY, policy)
        .header(REFERRER_POLICY, "no-referrer");
    answer.body(Full::from(html)).unwrap_or_default()
}

fn origin(url: &str) -> String {
    url::Url::parse(url)
        .map_or_else(|_| "'none'".to_owned(), |url| url.origin().ascii_serialization())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use rstest::rstest;

    fn form() -> Form {
        Form {
            action: "https://github.com/settings/apps/new".to_owned(),
            state: "s1".to_owned(),
            path: "p1".to_owned(),
            manifest: Box::new(|back| format!("{{\"name\":\"<b>\",\"redirect_url\":\"{back}\"}}")),
            code: Arc::default(),
        }
    }

    #[rstest]
    #[case::page("127.0.0.1:7", "/p1", 200, None)]
    #[case::guessed("127.0.0.1:7", "/", 404, None)]
    #[case::code("127.0.0.1:7", "/made?code=c%2B1&state=s1", 200, Some("c+1"))]
    #[case::wrong_state("127.0.0.1:7", "/made?code=c1&state=s2", 400, None)]
    #[case::no_state("127.0.0.1:7", "/made?code=c1", 400, None)]
    #[case::elsewhere("127.0.0.1:7", "/x", 404, None)]
    #[case::foreign_host("evil.example.com:7", "/made?code=c1&state=s1", 403, None)]
    fn only_the_code_that_was_waited_for_is_taken(
        #[case] host: &str,
        #[case] path: &str,
        #[case] status: u16,
        #[case] code: Option<&str>,
    ) {
        let form = form();
        let request = Request::get(path).header(HOST, host).body(()).unwrap();
        assert_eq!(answer(&form, "127.0.0.1:7", &request).status().as_u16(), status);
        assert_eq!(form.code.lock().unwrap().as_deref(), code);
    }

    #[tokio::test]
    async fn the_manifest_cannot_become_markup() {
        let request = Request::get("/p1").header(HOST, "127.0.0.1:7").body(()).unwrap();
        let answer = answer(&form(), "127.0.0.1:7", &request);
        let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("form-action https://github.com;"), "{policy}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains("{&quot;name&quot;:&quot;&lt;b&gt;&quot;,"), "{body}");
        assert!(body.contains("http://127.0.0.1:7/made"), "{body}");
    }
}
