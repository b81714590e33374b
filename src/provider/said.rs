//! What a provider said when it refused, for the log: its `error` and `error_description` (RFC 6749 sections 4.1.2.1
//! and 5.2), cleaned. Pure.
//!
//! Anybody can put words into a callback, and a provider may quote what it was sent. So this goes into log lines alone,
//! never onto a page or into the ledger, and it holds nothing of the request's secrets.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use openidconnect::HttpRequest;
use serde_json::Value;
use url::form_urlencoded;

/// How many characters are kept.
const MAX: usize = 200;
/// How many characters are looked at. No honest error is longer.
const MAX_READ: usize = 1000;
/// How many characters of a secret are looked for.
const MAX_SECRET: usize = 16_384;
/// As many characters of a secret in a row give it away in part. A shorter secret is looked for as a whole.
const PIECE: usize = 8;
/// What stands in a secret's place.
const REMOVED: &str = "[removed]";
/// Parameters of requests whose values are no secrets.
const PUBLIC: [&str; 15] = [
    "grant_type",
    "client_id",
    "redirect_uri",
    "scope",
    "resource",
    "audience",
    "response_type",
    "response_mode",
    "code_challenge_method",
    "token_type_hint",
    "client_assertion_type",
    "organization_id",
    "organization",
    "connection",
    "prompt",
];

/// A sentence of what the provider said, without `secrets` or parts of them; none where it said nothing.
pub fn said(error: Option<&str>, description: Option<&str>, secrets: &[String]) -> Option<String> {
    let clean = |text: &str| clean(text, secrets);
    let error = error.map(clean).filter(|text| !text.is_empty());
    let description = description.map(clean).filter(|text| !text.is_empty());
    let text = match (error, description) {
        (Some(error), Some(description)) => format!("{error}: {description}"),
        (Some(alone), None) | (None, Some(alone)) => alone,
        (None, None) => return None,
    };
    let cut: String = text.chars().take(MAX).collect();
    Some(format!("The provider said: {}", cut.trim_end()))
}

/// The same of an endpoint's answer, which is JSON.
pub fn in_answer(body: &[u8], secrets: &[String]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    // An error may bring a token all the same, such as WorkOS's pending_authentication_token.
    let tokens = body.as_object().into_iter().flatten().filter(|(name, _)| name.contains("token"));
    let tokens = tokens.filter_map(|(_, value)| value.as_str().map(str::to_owned));
    let secrets: Vec<String> = secrets.iter().cloned().chain(tokens).collect();
    said(text("error"), text("error_description"), &secrets)
}

/// The secrets of a request to the provider: what is in its form, or its JSON, and the client's.
pub fn secrets_of(request: &HttpRequest) -> Vec<String> {
    let mut secrets: Vec<String> = match serde_json::from_slice::<Value>(request.body()) {
        Ok(Value::Object(fields)) => fields
            .into_iter()
            .filter(|(name, _)| !PUBLIC.contains(&name.as_str()))
            .filter_map(|(_, value)| value.as_str().map(str::to_owned))
            .collect(),
        _ => form_urlencoded::parse(request.body())
            .filter(|(name, _)| !PUBLIC.contains(&name.as_ref()))
            .map(|(_, value)| value.into_owned())
            .collect(),
    };
    let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if let Some((_, credentials)) = authorization.and_then(|value| value.split_once(' ')) {
        secrets.push(credentials.to_owned());
        let pair = BASE64_STANDARD.decode(credentials).ok().and_then(|pair| String::from_utf8(pair).ok());
        let secret = pair.as_deref().and_then(|pair| pair.split_once(':')).map(|(_, secret)| secret);
        secrets.extend(secret.map(str::to_owned));
        // RFC 6749 section 2.3.1: the header holds it form-encoded.
        secrets.extend(secret.and_then(|secret| {
            let encoded = format!("s={secret}");
            form_urlencoded::parse(encoded.as_bytes()).next().map(|(_, secret)| secret.into_owned())
        }));
    }
    secrets
}

/// One line of plain characters, without secrets.
fn clean(text: &str, secrets: &[String]) -> String {
    let text: String = text.chars().take(MAX_READ).map(|c| if is_invisible(c) { ' ' } else { c }).collect::<String>();
    let text: Vec<char> =
        text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").chars().collect();
    let mut secret = vec![false; text.len()];
    let encoded = |secret: &String| form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
    let sought: Vec<Vec<char>> = secrets
        .iter()
        .flat_map(|secret| [secret.clone(), encoded(secret)])
        .map(|secret| secret.chars().take(MAX_SECRET).collect())
        .collect();
    // Each piece of a secret and each place of the text is looked at once: a stranger chooses how often they repeat.
    let pieces: HashSet<&[char]> = sought.iter().flat_map(|secret| secret.windows(PIECE)).collect();
    for (at, _) in text.windows(PIECE).enumerate().filter(|(_, piece)| pieces.contains(piece)) {
        mark(&mut secret, at, PIECE);
    }
    for short in sought.iter().filter(|secret| (1..PIECE).contains(&secret.len())) {
        for (at, _) in text.windows(short.len()).enumerate().filter(|(_, found)| *found == short.as_slice()) {
            mark(&mut secret, at, short.len());
        }
    }
    mark_tokens(&text, &mut secret);
    let mut kept = String::new();
    for (at, c) in text.iter().enumerate() {
        match (secret.get(at).copied(), at.checked_sub(1).and_then(|before| secret.get(before).copied())) {
            (Some(false) | None, _) => kept.push(*c),
            (Some(true), Some(true)) => {}
            (Some(true), _) => kept.push_str(REMOVED),
        }
    }
    kept
}

/// A text that looks like a JWT is somebody's token, even if this request did not send it.
fn mark_tokens(text: &[char], secret: &mut [bool]) {
    let in_token = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    for (at, start) in text.windows(3).enumerate() {
        if start == ['e', 'y', 'J'] {
            let length = text.iter().skip(at).take_while(|c| in_token(c)).count();
            if length > 20 {
                mark(secret, at, length);
            }
        }
    }
}

fn mark(secret: &mut [bool], at: usize, length: usize) {
    secret.iter_mut().skip(at).take(length).for_each(|mark| *mark = true);
}

/// Controls, and what changes how a line looks without being seen.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(description: &str, secrets: &[&str]) -> String {
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        said(Some("invalid_request"), Some(description), &secrets).unwrap()
    }

    #[test]
    fn an_operator_reads_what_the_provider_said() {
        assert_eq!(
            of("prompt=consent is required", &[]),
            "The provider said: invalid_request: prompt=consent is required"
        );
        assert_eq!(said(None, Some("no"), &[]).as_deref(), Some("The provider said: no"));
        assert_eq!(said(Some(""), Some("\n"), &[]), None);
        assert_eq!(said(None, None, &[]), None);
        let answer = br#"{"error":"invalid_client","error_description":"the secret has expired"}"#;
        assert!(in_answer(answer, &[]).unwrap().ends_with("invalid_client: the secret has expired"));
        let pending = br#"{"error":"mfa_enrollment","error_description":"see p3nding","pending_token":"p3nding"}"#;
        assert!(in_answer(pending, &[]).unwrap().ends_with("mfa_enrollment: see [removed]"));
        assert_eq!(in_answer(br#"{"code":"sso_required","message":"no"}"#, &[]), None);
        assert_eq!(in_answer(b"<html>", &[]), None);
    }

    #[test]
    fn it_is_one_line_of_at_most_200_characters_without_what_cannot_be_seen() {
        let text = of("a\r\n\u{1b}[31mb\u{202e}c\u{0}  d", &[]);
        assert!(text.ends_with("a [31mb c d"), "{text}");
        assert_eq!(of(&"ä".repeat(5000), &[]).trim_start_matches("The provider said: ").chars().count(), MAX);
    }

    #[test]
    fn no_secret_of_the_request_is_in_it_nor_a_part_of_one() {
        let code = "SplxlOBeZQQYbYS6WxSbIA";
        for quoted in
            ["the code SplxlOBeZQQYbYS6WxSbIA is used", "the code SplxlOBe… is used", "the code …YS6WxSbIA is used"]
        {
            let text = of(quoted, &[code]);
            assert!(text.contains(REMOVED) && !text.contains("SplxlOBe") && !text.contains("YS6WxSbIA"), "{text}");
            assert!(text.ends_with("is used"), "{text}");
        }
        assert!(of("pin 4711 is wrong", &["4711"]).ends_with("pin [removed] is wrong"));
        assert!(of("p%40ss%3Dword%21 is wrong", &["p@ss=word!"]).ends_with("[removed] is wrong"));
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
        assert!(of(&format!("token {jwt} is bad"), &[]).ends_with("token [removed] is bad"));
    }

    #[test]
    fn the_secrets_of_a_request_are_all_but_its_public_parameters() {
        let basic = format!("Basic {}", BASE64_STANDARD.encode("gateway:p%2Bss"));
        let request = openidconnect::http::Request::builder()
            .header("authorization", basic)
            .body(b"grant_type=authorization_code&code=abc%2Bd&code_verifier=v&client_id=gateway".to_vec())
            .unwrap();
        let secrets = secrets_of(&request);
        for secret in ["abc+d", "v", "p%2Bss", "p+ss"] {
            assert!(secrets.iter().any(|found| found == secret), "{secret}: {secrets:?}");
        }
        assert!(!secrets.iter().any(|found| found == "authorization_code" || found == "gateway"));
        let request = openidconnect::http::Request::builder()
            .body(br#"{"grant_type":"refresh_token","refresh_token":"r1","client_secret":"sk"}"#.to_vec())
            .unwrap();
        assert_eq!(secrets_of(&request).len(), 2);
    }

    proptest! {
        #[test]
        fn no_piece_of_a_secret_survives(before in ".{0,40}", secret in "[A-Za-z0-9._~-]{8,60}", after in ".{0,40}", from in 0..30_usize) {
            let quoted: String = secret.chars().skip(from.min(secret.len().saturating_sub(PIECE))).collect();
            let text = format!("{before}{quoted}{after}");
            let text = said(None, Some(&text), std::slice::from_ref(&secret)).unwrap();
            let text: Vec<char> = text.trim_start_matches("The provider said: ").chars().collect();
            let secret: Vec<char> = secret.chars().collect();
            for piece in secret.windows(PIECE) {
                prop_assert!(!text.windows(PIECE).any(|found| found == piece), "{text:?}");
            }
        }
    }
}
