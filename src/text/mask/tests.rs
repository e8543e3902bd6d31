use super::pem::MOST_OF_A_BLOCK;
use super::*;
use proptest::prelude::*;
use rstest::rstest;

#[test]
fn every_pattern_is_one() {
    assert_eq!(FORMED.len(), FORMS.len());
    assert_eq!(NAMED.len(), 2);
    assert!(LAST_NAMED.is_some() && PHRASE.is_some() && AWS_ID.is_some());
}

#[rstest]
// GitHub
#[case("token ghp_16C7e42F292c6912E7710c838347Ae178B4a!", "token ***!")]
#[case("xghs_16C7e42F292c6912E7710c838347Ae178B4a", "x***")]
#[case("ghs_123456_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2lnbmF0dXJl", "***")]
#[case("a gho_abcd, ghu_abcd, ghr_abcd", "a ***, ***, ***")]
#[case("github_pat_11ABCDEFG0123456789_abcdef", "***")]
// AWS
#[case("key AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE", "key *** and ***")]
#[case(
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "aws_secret_access_key = ***"
)]
#[case(
    "set aws_secret_access_key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "set aws_secret_access_key ***"
)]
#[case("AWS_SECRET_ACCESS_KEY: wJalr/K7MDENG", "AWS_SECRET_ACCESS_KEY: ***")]
// JWT
#[case("jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmN", "jwt=***")]
#[case("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", "***")]
// Discord and Slack
#[case("MTk4Njg5NDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWsAbcdef", "***")]
#[case(
    "https://discord.com/api/webhooks/123/abcdefghijklmnopqrstuvwxyz",
    "https://discord.com/api/webhooks/123/***"
)]
#[case("xoxb-2052-abcdef xoxp-1", "*** xoxp-1")]
// URLs
#[case("git clone https://ada:hunter2@github.com/o/r", "git clone https://ada:***@github.com/o/r")]
#[case("postgres://app:p@ss@db:5432/x", "postgres://app:***@db:5432/x")]
#[case("https://aaaaaaaaaaaaaaaaaaaaaaaa@host/x", "https://***@host/x")]
// Headers
#[case("> Authorization: Bearer abc.def", "> Authorization: Bearer ***")]
#[case("-H 'Authorization: token abc' -X GET", "-H 'Authorization: token ***' -X GET")]
#[case("AUTHORIZATION: basic eDp5", "AUTHORIZATION: basic ***")]
#[case("Bearer 0123456789abcdef", "Bearer ***")]
// Pairs
#[case("PASSWORD=hunter2", "PASSWORD=***")]
#[case("DB_PASSWORD: hunter2", "DB_PASSWORD: ***")]
#[case("export API_KEY=\"a b c\" X=1", "export API_KEY=\"***\" X=1")]
#[case("apikey='a b' y", "apikey='***' y")]
#[case(r#"{"token": "abc", "user": "ada"}"#, r#"{"token": "***", "user": "ada"}"#)]
#[case(
    r#"{\"client_secret\":\"abc\",\"user\":\"ada\"}"#,
    r#"{\"client_secret\":\"***\",\"user\":\"ada\"}"#
)]
#[case(r#"{"password": "with \" quote", "n": 1}"#, r#"{"password": "***", "n": 1}"#)]
#[case(r#"{"token": "cut off"#, r#"{"token": "***"#)]
#[case("secretKey => abc", "secretKey => ***")]
#[case("npm config //registry/:_authToken=abc", "npm config //registry/:_authToken=***")]
#[case("AccountKey=abc==", "AccountKey=***")]
#[case("login --password hunter2 --user ada", "login --password *** --user ada")]
#[case("?X-Amz-Signature=abcdef", "?X-Amz-Signature=***")]
// Names whose last word tells
#[case("DB_PASS=hunter2", "DB_PASS=***")]
#[case("  SMTP_PASS: hunter2", "  SMTP_PASS: ***")]
#[case("STRIPE_KEY=abc APP_KEY=base64:abc= x", "STRIPE_KEY=*** APP_KEY=*** x")]
#[case("stripe_key: abc", "stripe_key: ***")]
#[case("GH_PAT=abc GH_PAT_2=abc pat=abc", "GH_PAT=*** GH_PAT_2=*** pat=***")]
#[case(
    r#"{"auths":{"ghcr.io":{"auth":"dXNlcjpwYXNz"}}}"#,
    r#"{"auths":{"ghcr.io":{"auth":"***"}}}"#
)]
#[case(r#"{"PASS": "hunter2"}"#, r#"{"PASS": "***"}"#)]
#[case("      auth: dXNlcjpwYXNz1", "      auth: ***")]
#[case("auth: { user: 'ada', pass: 'abc' }", "auth: { user: 'ada', pass: '***' }")]
#[case("https://a.example/b?sv=1&sig=a%2Fb&se=2", "https://a.example/b?sv=1&sig=***")]
#[case("https://a.example/b?sig=a%2Fb", "https://a.example/b?sig=***")]
#[case("mysql --pass hunter2 --db x", "mysql --pass *** --db x")]
// curl
#[case("+ curl -u ada:hunter2 https://a.example", "+ curl -u ada:*** https://a.example")]
#[case("curl -fsu 'ada:a b' https://a.example", "curl -fsu 'ada:***' https://a.example")]
#[case("curl https://a.example --user=ada:abc", "curl https://a.example --user=ada:***")]
// AWS, without names or with those of its answers
#[case("SecretAccessKey   wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "SecretAccessKey   ***")]
#[case(
    "CREDENTIALS\tASIAIOSFODNN7EXAMPLE\t2026-11-22T10:00:00Z\twJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\t\
     xQoGZXIvYXdzEBYaDExAMPLExAMPLExAMPLExAMPLExAMPLExAMPLExAMPLExAMPLE1==",
    "CREDENTIALS\t***\t2026-11-22T10:00:00Z\t***\t***=="
)]
#[case("IQoJb3JpZ2luX2VjEAoaCXVzLWVhc3QtMSJ", "***")]
// To the end
#[case("> Cookie: a=b; session=abc", "> Cookie: ***")]
#[case("Set-Cookie: session=abc; Path=/", "Set-Cookie: ***")]
#[case("Cookie: ***; session=abc", "Cookie: ***")]
#[case("SESSION_COOKIE=a; b", "SESSION_COOKIE=***")]
#[case("PASSWORD=correct horse battery", "PASSWORD=***")]
#[case("DB_PASSWORD: correct horse battery", "DB_PASSWORD: ***")]
#[case("PGPASSWORD=a b psql -h db && x", "PGPASSWORD=*** -h db && x")]
#[case("password=a b c user=ada", "password=*** user=ada")]
fn a_secret_is_masked(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(masked(text), expected);
}

#[rstest]
#[case("token: renew it earlier", "token: renew it earlier")]
#[case("token: hunter2", "token: ***")]
#[case("Set TOKEN: hunter2 please", "Set TOKEN: *** please")]
#[case("auth: use ghp_16C7e42F292c6912E7710c838347Ae178B4a", "auth: use ***")]
fn a_secret_in_a_title_is_masked(#[case] title: &str, #[case] expected: &str) {
    assert_eq!(masked_title(title), expected);
    assert_eq!(masked_title(&"é".repeat(10_000)).len(), 500);
}

#[rstest]
#[case("commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904")]
#[case("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
#[case("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
#[case("error[E0308]: mismatched types in the tokenizer: expected u8")]
#[case("He laughs_at_this and basic authentication")]
#[case("the bearer of this, a secretary, passwords and tokens")]
#[case("GET https://example.com:8080/a/b@c?x=1")]
#[case("git@github.com:o/r.git ssh://git@github.com/o/r")]
#[case("token: null, password: \"\"")]
#[case("path=/a author=ada pattern: x compat=1 design=2 bypass: yes")]
#[case("--- PASS: TestLogin2FA (0.00s)")]
#[case("pass: 12, fail: 3")]
#[case(r#"{"pass": 12, "fail": 3}"#)]
#[case("auth: failed to log in, sig: SIGTERM, auth::login2factor")]
#[case("Cache restored from key: Linux-node-abc123, cache_key: abc123, primary_key=id")]
#[case("key: value")]
#[case("a monkey=1 and a keyboard: 2")]
#[case("docker run -u 1000:1000 image")]
#[case("of the commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904 and a cookie")]
#[case("================================================================")]
#[case("PASSWORD=***")]
#[case("at Object.<anonymous> (/home/runner/work/app/app/src/index.test.ts:12:5)")]
#[case("")]
fn what_is_no_secret_stays(#[case] text: &str) {
    assert_eq!(masked(text), text);
}

const BODY: &str = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB";

#[rstest]
#[case::whole(&["-----BEGIN RSA PRIVATE KEY-----", BODY, "abcd=", "-----END RSA PRIVATE KEY-----", "done"], &["***", "***", "***", "***", "done"])]
#[case::the_beginning(&["key: -----BEGIN PRIVATE KEY-----", BODY], &["key: ***", "***"])]
#[case::the_end(&["start", BODY, BODY, "abcdefghijklmnop==", "-----END PRIVATE KEY-----"], &["start", "***", "***", "***", "***"])]
#[case::in_between(&[BODY, "ok"], &["***", "ok"])]
#[case::with_a_prefix(&["| -----BEGIN EC PRIVATE KEY-----", "| MHcCAQEEIIGh0123abc", "| -----END EC PRIVATE KEY-----"], &["| ***", "***", "***"])]
#[case::in_one_line(&[r"A=-----BEGIN KEY-----\nMIIE\n-----END KEY-----\n x"], &[r"A=***\n x"])]
#[case::in_quotes(&["\"-----BEGIN KEY-----\\n\" +", "\"MIIEpAIBAAKCAQEA0Z3V\\n\" +", "\"abc\\n\" +", "\"-----END KEY-----\"", "ok"], &["\"***", "***", "***", "***\"", "ok"])]
#[case::in_quotes_without_an_end(&["[\"-----BEGIN KEY-----\",", "  \"MIIEpAIBAAKCAQEA0Z3V\",", "ok"], &["[\"***", "***", "ok"])]
#[case::in_quotes_without_a_beginning(&["ok", "  \"MIIEpAIBAAKCAQEA0Z3V\",", "\"abc\",", "\"-----END KEY-----\"]"], &["ok", "***", "***", "***\"]"])]
#[case::in_a_table(&["| -----BEGIN KEY----- |", "| MIIEpAIBAAKCAQEA0Z3V |", "| abc |", "| -----END KEY----- |", "| ok |"], &["| ***", "***", "***", "*** |", "| ok |"])]
#[case::in_a_table_without_an_end(&["| -----BEGIN KEY----- |", "| MIIEpAIBAAKCAQEA0Z3V |", "| ok |"], &["| ***", "***", "| ok |"])]
#[case::a_short_last_line(&["-----BEGIN KEY-----", BODY, "abc", "-----END KEY-----", "ok"], &["***", "***", "***", "***", "ok"])]
#[case::with_anything_in_between(&["-----BEGIN KEY-----", "1: MIIE (a.pem)", "-----END KEY-----"], &["***", "***", "***"])]
#[case::a_line_of_another_in_between(&[&format!("\"{BODY}\\n\" +"), "ok"], &["***", "ok"])]
#[case::only_named(&["expected -----BEGIN CERTIFICATE-----", "but got: nothing at all"], &["expected ***", "but got: nothing at all"])]
fn a_pem_block_is_masked_also_in_part(#[case] lines: &[&str], #[case] expected: &[&str]) {
    let mut masked: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let changed = mask_keys(&mut masked.iter_mut().collect::<Vec<_>>());
    assert_eq!(masked, expected);
    let different: Vec<_> = (0..lines.len()).filter(|at| masked[*at] != lines[*at]).collect();
    assert_eq!(changed, different);
}

#[test]
fn a_block_without_an_end_nearby_hides_no_other_text() {
    let mut lines = vec!["-----BEGIN KEY-----".to_owned()];
    lines.extend(vec!["not a key".to_owned(); MOST_OF_A_BLOCK]);
    lines.push("-----END KEY-----".to_owned());
    mask_keys(&mut lines.iter_mut().collect::<Vec<_>>());
    assert_eq!(lines[1], "not a key");
    lines.remove(1);
    lines[0] = "-----BEGIN KEY-----".to_owned();
    lines[MOST_OF_A_BLOCK] = "-----END KEY-----".to_owned();
    mask_keys(&mut lines.iter_mut().collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line == "***"), "{lines:?}");
}

proptest! {
    #[test]
    fn any_text_is_masked_without_a_panic(text in r#"(?s)([ -~]|-----BEGIN X-----|-----END X-----|token=|"|\n|é|ghp_|://|@){0,60}"#) {
        let masked = masked(&text);
        prop_assert_eq!(masked.split('\n').count(), text.split('\n').count());
        for (line, before) in masked.split('\n').zip(text.split('\n')) {
            prop_assert!(line.len() <= before.len() * 3 + MASK.len(), "{:?} {:?}", before, line);
        }
    }

    #[test]
    fn a_token_is_masked_wherever_it_stands(before in "[ -~é]{0,40}", after in "[ !\"'(),;<>|]?[ -~é]{0,20}") {
        let text = format!("{before}ghp_16C7e42F292c6912E7710c838347Ae178B4a{after}");
        prop_assert!(!masked(&text).contains("16C7e42F292c6912E7710c"));
    }
}
