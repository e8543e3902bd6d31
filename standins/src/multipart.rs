//! `multipart/form-data`, read strictly: what a lenient reader would forgive is refused here.
//!
//! <https://www.rfc-editor.org/rfc/rfc7578>

use crate::server::Received;
use bytes::Bytes;

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: Option<String>,
    pub data: Bytes,
}

/// Whether a request says that its body is a form.
pub(crate) fn is_form(request: &Received) -> bool {
    let content_type = request.header("content-type").unwrap_or_default();
    content_type.to_ascii_lowercase().starts_with("multipart/form-data")
}

/// The parts of a request's form, or what is wrong with it.
pub(crate) fn parts(request: &Received) -> Result<Vec<Part>, String> {
    let content_type = request.header("content-type").unwrap_or_default();
    let boundary = parameter(content_type, "boundary").ok_or("the boundary is missing")?;
    if !(1..=70).contains(&boundary.len()) {
        return Err("the boundary must have 1 to 70 characters".into());
    }
    let delimiter = format!("\r\n--{boundary}");
    let body = &request.body;
    if !body.starts_with(&delimiter.as_bytes()[2..]) {
        return Err("the body does not begin with the boundary".into());
    }
    let mut at = delimiter.len() - 2;
    let mut parts = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return match &rest[2..] {
                b"" | b"\r\n" => Ok(parts),
                _ => Err("something follows the last boundary".into()),
            };
        }
        if !rest.starts_with(b"\r\n") {
            return Err("a boundary does not end its line".into());
        }
        let begins = at + 2;
        let length = find(&body[begins..], delimiter.as_bytes())
            .ok_or("the body ends before its last boundary")?;
        parts.push(part(&body.slice(begins..begins + length))?);
        at = begins + length + delimiter.len();
    }
}

fn part(bytes: &Bytes) -> Result<Part, String> {
    let ends = find(bytes, b"\r\n\r\n").ok_or("a part has no empty line after its headers")?;
    let head = std::str::from_utf8(&bytes[..ends]).map_err(|_| "a part's header is not UTF-8")?;
    let mut part = Part {
        name: String::new(),
        filename: None,
        content_type: None,
        data: bytes.slice(ends + 4..),
    };
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(':').ok_or("a part's header has no colon")?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if value.starts_with("form-data") => {
                part.name = parameter(value, "name").ok_or("a part has no name")?;
                part.filename = parameter(value, "filename");
            }
            "content-type" => part.content_type = Some(value.to_owned()),
            _ => {}
        }
    }
    if part.name.is_empty() {
        return Err("a part has no content-disposition: form-data with a name".into());
    }
    Ok(part)
}

/// A header's parameter, quoted or not.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (name, after) = rest.trim_start().split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (value, after.trim_start().trim_start_matches(';'))
            }
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value.trim().to_owned());
        }
        rest = after;
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(content_type: &str, body: &str) -> Received {
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", content_type.parse().unwrap());
        Received {
            method: "POST".into(),
            path: "/".into(),
            query: Vec::new(),
            headers,
            body: body.to_owned().into(),
        }
    }

    const FORM: &str = "multipart/form-data; boundary=\"x y\"";

    #[test]
    fn parts_are_read() {
        let body = "--x y\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\
                    Content-Type: application/json\r\n\r\n{}\r\n--x y\r\n\
                    content-disposition: form-data; name=\"files[0]\"; filename=\"a;b.png\"\r\n\r\n\
                    \r\n--x\r\n\r\n--x y--\r\n";
        let request = request(FORM, body);
        assert!(is_form(&request));
        let parts = parts(&request).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].data.as_ref()), ("payload_json", &b"{}"[..]));
        assert_eq!(parts[0].content_type.as_deref(), Some("application/json"));
        assert_eq!(parts[1].filename.as_deref(), Some("a;b.png"));
        assert_eq!(parts[1].data.as_ref(), b"\r\n--x\r\n");
    }

    #[test]
    fn what_is_not_quite_a_form_is_refused() {
        let part = "--x y\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1";
        for (content_type, body, why) in [
            ("multipart/form-data", format!("{part}\r\n--x y--"), "boundary is missing"),
            (FORM, format!("\r\n{part}\r\n--x y--"), "does not begin"),
            (FORM, format!("{part}\r\n--x y"), "does not end its line"),
            (FORM, part.to_owned(), "ends before"),
            (FORM, format!("{part}\r\n--x y--more"), "follows"),
            (FORM, "--x y\r\na: b\r\n\r\n1\r\n--x y--".into(), "no content-disposition"),
        ] {
            let refused = parts(&request(content_type, &body)).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
