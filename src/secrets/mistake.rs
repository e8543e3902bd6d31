//! What people store instead of a secret. Each mistake ends the sentence "… is not valid:" and says the cure; none
//! shows a part of the value.

use super::secret::Secret;

/// What is wrong with a value.
pub(crate) type Mistake = &'static str;

const QUOTES: Mistake = "it is in quotes: leave the quotes out";
const NAME: Mistake =
    "it begins with a name and an equals sign: leave them out, only what comes after is the value";
const SCHEME: Mistake =
    "it begins with a word like Bot or Bearer: leave that word and the space out";
const NOT_ONE_LINE: Mistake =
    "it must be one line of visible characters: copy it anew, without spaces and line breaks";
const KEY: Mistake =
    "it is a key in PEM, not a token: the key of a GitHub App is GITHUB_APP_PRIVATE_KEY";
const URL: Mistake = "it is a URL, not a token";

const NOT_DISCORDS: Mistake = "it is a token of GitHub's, which belongs into GITHUB_TOKEN: the bot's token is on the page Bot of Discord's developer portal, where Reset Token shows a new one, once";
const PUBLIC_KEY: Mistake = "it is a public key, or another text of 64 hex digits: the bot's token is on the page Bot of Discord's developer portal, where Reset Token shows a new one, once";
const AN_ID: Mistake = "it is an id, not a token: the bot's token is on the page Bot of Discord's developer portal, where Reset Token shows a new one, once";
const NOT_GITHUBS: Mistake = "it is a bot's token of Discord's, which belongs into DISCORD_BOT_TOKEN: a fine-grained token of GitHub's begins with github_pat_";

const WEBHOOK_URL: Mistake = "it is a URL: the secret is a text of your own choice, the same as in the hook's settings on GitHub";
const WEBHOOK_TOKEN: Mistake = "it is a token, which is not for others to hold: the secret is a text of your own choice, the same as in the hook's settings on GitHub";
const CONTROL: Mistake = "it must be one line without control characters";

const NO_HEADER: Mistake = "its first line is missing: store the whole file that GitHub gave for the app's key, from the line -----BEGIN … PRIVATE KEY----- on";
const NO_FOOTER: Mistake = "its end is missing: store the whole file that GitHub gave for the app's key, up to the line -----END … PRIVATE KEY-----";
const NO_LINES: Mistake =
    "its line breaks were lost: store the file as it is, or with \\n for each line break";
const A_FILE: Mistake = "it is the name of a file: store what is in the file";
const PUBLIC_PEM: Mistake = "it is a public key or a certificate: store the private key, which GitHub gave as a file when it was generated";
const ENCRYPTED: Mistake = "it is an encrypted key: store the file as GitHub gave it";
const OPENSSH: Mistake =
    "it is a key of OpenSSH: store the private key that the app's page on GitHub generates";
const FINGERPRINT: Mistake = "it is the fingerprint of a key: store the private key, which GitHub gave as a file when it was generated";
const BASE64: Mistake =
    "it is a key in base64: store it as it was before, from the line -----BEGIN … on";

/// Bots' tokens are not shorter.
const BOT_TOKEN: usize = 50;

/// A token of Discord's bot.
pub(crate) fn discord_token(text: &str) -> Result<Secret, Mistake> {
    let text = one_line(text)?;
    if is_github_token(text) {
        return Err(NOT_DISCORDS);
    }
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(PUBLIC_KEY);
    }
    if (17..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AN_ID);
    }
    Ok(Secret::new(text))
}

/// A token of GitHub's.
pub(crate) fn github_token(text: &str) -> Result<Secret, Mistake> {
    let text = one_line(text)?;
    if is_discord_token(text) { Err(NOT_GITHUBS) } else { Ok(Secret::new(text)) }
}

/// The secret of a webhook. GitHub takes any text, also with spaces and quotes inside.
pub(crate) fn webhook_secret(text: &str) -> Result<Secret, Mistake> {
    // Inside, and at one end, a quote may be a part of it.
    if text.chars().count() > 1
        && text.starts_with(['"', '\''])
        && text.chars().next() == text.chars().last()
    {
        return Err(QUOTES);
    }
    if ["GITHUB_WEBHOOK_SECRET", "export "].iter().any(|start| text.starts_with(start)) {
        return Err(NAME);
    }
    if is_url(text) {
        return Err(WEBHOOK_URL);
    }
    if is_github_token(text) || (is_discord_token(text) && text.len() >= BOT_TOKEN) {
        return Err(WEBHOOK_TOKEN);
    }
    let usable = !text.is_empty() && !text.chars().any(char::is_control);
    if usable { Ok(Secret::new(text)) } else { Err(CONTROL) }
}

/// A private key in PEM. In an environment file it is one line, so `\n` stands for a line feed.
pub(crate) fn private_key(text: &str) -> Result<Secret, Mistake> {
    const BEGIN: &str = "-----BEGIN ";
    if in_quotes(text) {
        return Err(QUOTES);
    }
    if has_name(text) {
        return Err(NAME);
    }
    let is_file = text.starts_with("file:") || (text.ends_with(".pem") && !text.contains('\n'));
    if is_file {
        return Err(A_FILE);
    }
    if is_github_token(text) || is_discord_token(text) {
        return Err("it is a token, not the private key of a GitHub App");
    }
    let pem = text.replace("\\r", "").replace("\\n", "\n");
    let Some(kind) = pem.strip_prefix(BEGIN) else {
        return Err(match text {
            _ if text.starts_with("SHA256:") => FINGERPRINT,
            _ if text.starts_with("LS0tLS1CRUdJTi") => BASE64,
            _ => NO_HEADER,
        });
    };
    let kind = kind.split("-----").next().unwrap_or_default();
    match kind {
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => return Err(PUBLIC_PEM),
        "ENCRYPTED PRIVATE KEY" => return Err(ENCRYPTED),
        "OPENSSH PRIVATE KEY" => return Err(OPENSSH),
        _ => {}
    }
    if !pem.contains("-----END ") {
        return Err(NO_FOOTER);
    }
    if pem.trim().lines().count() < 3 {
        return Err(NO_LINES);
    }
    Ok(Secret::new(pem))
}

/// One line of visible characters, without what people put around it.
fn one_line(text: &str) -> Result<&str, Mistake> {
    if in_quotes(text) {
        return Err(QUOTES);
    }
    if text.starts_with("-----BEGIN") {
        return Err(KEY);
    }
    if is_url(text) {
        return Err(URL);
    }
    if has_name(text) {
        return Err(NAME);
    }
    let scheme = text.split_once([' ', '\t']).map(|(word, _)| word.trim_end_matches(':'));
    let schemes = ["bot", "bearer", "token", "authorization"];
    if scheme.is_some_and(|word| schemes.contains(&word.to_ascii_lowercase().as_str())) {
        return Err(SCHEME);
    }
    let visible = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if visible { Ok(text) } else { Err(NOT_ONE_LINE) }
}

/// Whether a quote stands at an end of it, as it is copied from an example, or was left over.
fn in_quotes(text: &str) -> bool {
    const QUOTES: [char; 8] = ['"', '\'', '`', '“', '”', '„', '‘', '’'];
    text.starts_with(QUOTES) || text.ends_with(QUOTES)
}

/// Whether it is `NAME=value` or `export NAME=value`.
fn has_name(text: &str) -> bool {
    let text = text.strip_prefix("export ").unwrap_or(text);
    let Some((name, value)) = text.split_once('=') else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = name.trim();
    // Padding of base64 is no name.
    let is_padding = value.bytes().all(|b| b == b'=');
    !name.is_empty() && name.chars().all(is_name) && !is_padding
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>
fn is_github_token(text: &str) -> bool {
    ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"].iter().any(|p| text.starts_with(p))
}

/// Three parts of base64url: the bot's id, a time, and a signature. A JSON web token has three as well, and begins
/// with `eyJ`.
fn is_discord_token(text: &str) -> bool {
    let part = |part: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !part.is_empty() && part.bytes().all(fits)
    };
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3
        && parts.into_iter().all(part)
        && !text.starts_with("eyJ")
        && !is_github_token(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const DISCORDS: &str = "MTE5MDAwMDAwMDAwMDAwMDAwMQ.GaBcDe.x_yz-0123456789abcdefghijklmnopqrst";
    const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";

    #[rstest]
    #[case(DISCORDS, None)]
    #[case("some-other-form", None)]
    #[case("\"a.b.c\"", Some("quotes"))]
    #[case("'a.b.c", Some("quotes"))]
    #[case("“a.b.c”", Some("quotes"))]
    #[case("DISCORD_BOT_TOKEN=a.b.c", Some("equals sign"))]
    #[case("export TOKEN=a.b.c", Some("equals sign"))]
    #[case("Bot a.b.c", Some("a word like Bot"))]
    #[case("bearer a.b.c", Some("a word like Bot"))]
    #[case("a.b.c d", Some("one line"))]
    #[case("a.b.c\nd", Some("one line"))]
    #[case("a.b.ç", Some("one line"))]
    #[case("ghp_0123", Some("token of GitHub's"))]
    #[case("github_pat_11AB_0123", Some("token of GitHub's"))]
    #[case("ghs_12_a.b.c", Some("token of GitHub's"))]
    #[case("1190000000000000001", Some("an id"))]
    #[case("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", Some("public key"))]
    #[case(PEM, Some("GITHUB_APP_PRIVATE_KEY"))]
    #[case("https://discord.com/api", Some("a URL"))]
    fn the_bots_token(#[case] text: &str, #[case] wrong: Option<&str>) {
        judged(discord_token(text), wrong);
    }

    #[rstest]
    #[case("ghp_0123", None)]
    #[case("ghs_12_eyJ.b.c", None)]
    #[case("github_pat_11AB_0123", None)]
    #[case("0123456789abcdef0123456789abcdef01234567", None)]
    #[case("eyJhbGciOi.eyJpc3Mi.c2ln", None)]
    #[case("padded==", None)]
    #[case(DISCORDS, Some("DISCORD_BOT_TOKEN"))]
    #[case("token ghp_0123", Some("a word like"))]
    #[case("GITHUB_TOKEN = ghp_0123", Some("equals sign"))]
    #[case("`ghp_0123`", Some("quotes"))]
    #[case(PEM, Some("GITHUB_APP_PRIVATE_KEY"))]
    fn githubs_token(#[case] text: &str, #[case] wrong: Option<&str>) {
        judged(github_token(text), wrong);
    }

    #[rstest]
    #[case("it may have spaces, quotes \" and = signs", None)]
    #[case("a=b", None)]
    #[case("don\"t'", None)]
    #[case("my.hook.secret", None)]
    #[case("https://deckhand.example.com/github/webhook", Some("is a URL"))]
    #[case("GITHUB_WEBHOOK_SECRET=x", Some("equals sign"))]
    #[case("\"x\"", Some("quotes"))]
    #[case("ghp_0123", Some("is a token"))]
    #[case("a\nb", Some("control characters"))]
    fn a_webhooks_secret(#[case] text: &str, #[case] wrong: Option<&str>) {
        judged(webhook_secret(text), wrong);
    }

    #[rstest]
    #[case(PEM, None)]
    #[case("-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n", None)]
    #[case("-----BEGIN RSA PRIVATE KEY-----\r\nMIIE\r\n-----END RSA PRIVATE KEY-----\r\n", None)]
    #[case("MIIE\n-----END RSA PRIVATE KEY-----", Some("first line is missing"))]
    #[case("-----BEGIN RSA PRIVATE KEY-----", Some("end is missing"))]
    #[case(
        "-----BEGIN RSA PRIVATE KEY----- MIIE -----END RSA PRIVATE KEY-----",
        Some("line breaks were lost")
    )]
    #[case("-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----", Some("a public key"))]
    #[case(
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3\n-----END OPENSSH PRIVATE KEY-----",
        Some("OpenSSH")
    )]
    #[case(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nb3\n-----END ENCRYPTED PRIVATE KEY-----",
        Some("encrypted")
    )]
    #[case("file://key.pem", Some("name of a file"))]
    #[case("deckhand.private-key.pem", Some("name of a file"))]
    #[case("SHA256:abc=", Some("fingerprint"))]
    #[case("LS0tLS1CRUdJTiBSU0E=", Some("base64"))]
    #[case("GITHUB_APP_PRIVATE_KEY=-----BEGIN RSA PRIVATE KEY-----", Some("equals sign"))]
    #[case("ghp_0123", Some("is a token"))]
    fn an_apps_key(#[case] text: &str, #[case] wrong: Option<&str>) {
        judged(private_key(text), wrong);
    }

    fn judged(read: Result<Secret, Mistake>, wrong: Option<&str>) {
        match (read, wrong) {
            (Ok(_), None) => {}
            (Err(said), Some(wrong)) => assert!(said.contains(wrong), "{said}"),
            (read, wrong) => panic!("{read:?} {wrong:?}"),
        }
    }
}
