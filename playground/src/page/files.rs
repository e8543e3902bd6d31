//! The page's own files. They are in the program, and the page may load nothing else.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::{Body, whole};

/// No script, style, picture or request but the page's own; pictures of messages are blobs that it makes. Nothing can
/// become markup that is not made element by element.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal $kind:ident)*) => {
        &[$(($name, $kind, include_str!(concat!("../../page/", $name)))),*]
    };
}

const FILES: &[(&str, &str, &str)] = files! {
    "index.html" HTML
    "style.css" STYLE
    "world.css" STYLE
    "icon.svg" SVG
    "main.js" SCRIPT
    "dom.js" SCRIPT
    "kept.js" SCRIPT
    "store.js" SCRIPT
    "link.js" SCRIPT
    "markdown.js" SCRIPT
    "components.js" SCRIPT
    "messages.js" SCRIPT
    "news.js" SCRIPT
    "modal.js" SCRIPT
    "composer.js" SCRIPT
    "options.js" SCRIPT
    "parse.js" SCRIPT
    "world.js" SCRIPT
    "runs.js" SCRIPT
    "wire.js" SCRIPT
    "time.js" SCRIPT
};

/// Where the token stands in the page.
const TOKEN: &str = "{{token}}";

/// The file at a path.
pub(super) fn file(path: &str, token: &str) -> Option<Response<Body>> {
    let name = if path == "/" { "index.html" } else { path.strip_prefix('/')? };
    let (_, kind, text) = FILES.iter().find(|(known, ..)| *known == name)?;
    let body = if *kind == HTML { text.replace(TOKEN, token) } else { (*text).to_owned() };
    let mut response = Response::new(whole(body));
    content_type(response.headers_mut(), kind);
    Some(response)
}

pub(super) fn content_type(headers: &mut HeaderMap, kind: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
}

/// Adds the headers that every answer has.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_names_no_other_site() {
        let bytes: usize = FILES.iter().map(|(.., text)| text.len()).sum();
        assert!(bytes <= 150_000, "{bytes}");
        for (name, _, text) in FILES {
            let markup =
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("];
            assert!(!markup.iter().any(|word| text.contains(word)), "{name} makes markup of text");
            let own = text.replace("http://www.w3.org/2000/svg", "");
            let loads = ["src=\"http", "href=\"http", "url(http", "import(\"http", "from \"http"];
            assert!(!loads.iter().any(|word| own.contains(word)), "{name} loads from elsewhere");
        }
    }

    #[test]
    fn the_page_knows_its_token() {
        assert!(file("/", "t0ken").is_some() && file("/main.js", "").is_some());
        assert!(file("/../Cargo.toml", "").is_none() && file("/nothing", "").is_none());
        let (.., index) = FILES.iter().find(|(name, ..)| *name == "index.html").unwrap();
        assert_eq!(index.matches(TOKEN).count(), 1);
    }
}
