//! How this client proves itself to the provider's endpoints: with its secret (RFC 6749 section 2.3.1), with a JWT that its key signs
//! (RFC 7523, `private_key_jwt` of OpenID Connect Core 1.0 section 9), or not at all.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use openidconnect::core::CoreClientAuthMethod;
use openidconnect::{AuthType, ClientSecret, HttpRequest};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::error::ProviderError;
use super::link::Link;
use crate::config::{AppleKey, ClientKey, PrivateKey, TokenAuth};
use crate::jose::Algorithm;
use crate::runtime::{Signing, SigningKey};

/// `client_assertion_type` (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good, in seconds. It is sent at once, and some providers accept no longer life.
const ASSERTION_LIFE: i64 = 60;

/// The same of what Apple takes for a secret.
const APPLE_SECRET_LIFE: i64 = 300;

/// How this client proves itself in one request.
#[derive(Clone)]
pub enum ClientAuthentication {
    /// `client_secret_basic`.
    Basic(ClientSecret),
    /// `client_secret_post`.
    Post(ClientSecret),
    /// `private_key_jwt`: an assertion that was made for this request.
    Assertion(String),
    /// `none`: a public client.
    None,
}

impl ClientAuthentication {
    /// The secret that the library sends, and how it does.
    pub fn secret(&self) -> (Option<ClientSecret>, AuthType) {
        match self {
            Self::Basic(secret) => (Some(secret.clone()), AuthType::BasicAuth),
            Self::Post(secret) => (Some(secret.clone()), AuthType::RequestBody),
            Self::Assertion(_) | Self::None => (None, AuthType::RequestBody),
        }
    }

    /// The parameters that the library does not know.
    pub fn assertion(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Assertion(jwt) => {
                vec![("client_assertion_type", ASSERTION_TYPE.to_owned()), ("client_assertion", jwt.clone())]
            }
            Self::Basic(_) | Self::Post(_) | Self::None => Vec::new(),
        }
    }

    /// A POST of this client's, for the endpoints that the library does not know.
    pub fn form(
        &self,
        client_id: &str,
        endpoint: &Url,
        mut params: Vec<(String, String)>,
    ) -> Result<HttpRequest, ProviderError> {
        let mut request = ::http::Request::builder()
            .method(::http::Method::POST)
            .uri(endpoint.as_str())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded");
        if let Self::Basic(secret) = self {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = BASE64_STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret.secret())));
            request = request.header("authorization", format!("Basic {pair}"));
        } else if !params.iter().any(|(name, _)| name == "client_id") {
            params.push(("client_id".to_owned(), client_id.to_owned()));
        }
        if let Self::Post(secret) = self {
            params.push(("client_secret".to_owned(), secret.secret().clone()));
        }
        params.extend(self.assertion().into_iter().map(|(name, value)| (name.to_owned(), value)));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        request
            .body(body.into_bytes())
            .map_err(|_| ProviderError::Rejected("an endpoint of the provider is malformed".to_owned()))
    }
}

/// How a client with a secret, and perhaps a key, proves itself where the configuration does not say it: as the provider offers. A missing
/// list means basic (RFC 8414 section 2). A secret must not go to where nobody asks for one.
pub fn chosen(offered: Option<&[CoreClientAuthMethod]>, has_key: bool) -> Result<TokenAuth, ProviderError> {
    let Some(offered) = offered else { return Ok(TokenAuth::Basic) };
    let offers = |method| offered.contains(&method);
    if offers(CoreClientAuthMethod::ClientSecretBasic) {
        Ok(TokenAuth::Basic)
    } else if offers(CoreClientAuthMethod::ClientSecretPost) {
        Ok(TokenAuth::Post)
    } else if has_key && offers(CoreClientAuthMethod::PrivateKeyJwt) {
        Ok(TokenAuth::PrivateKey)
    } else {
        let names: Vec<String> = offered.iter().take(MAX_METHODS).map(plain_method).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        Err(ProviderError::Rejected(format!(
            "the provider accepts no client secret: for token_endpoint_auth_methods_supported its discovery document has {names}. Set OIDC_TOKEN_AUTH \
             to the method that this client is registered for; private_key_jwt needs OIDC_CLIENT_KEY"
        )))
    }
}

/// How many methods are named, and how long a name is quoted.
const MAX_METHODS: usize = 8;
const MAX_METHOD: usize = 40;

/// A method as a document names it, as far as it looks like one: it goes onto a page, or into the log.
fn plain_method(method: &CoreClientAuthMethod) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "_-".contains(*c);
    method.as_ref().chars().take_while(is_plain).take(MAX_METHOD).collect()
}

/// An assertion for `audience` that this client is who it is: for one request, as its `jti` counts once.
pub async fn assertion(
    key: &ClientKey,
    client_id: &str,
    audience: &str,
    link: &Link,
) -> Result<ClientAuthentication, ProviderError> {
    let jti: [u8; 16] = link.isolate.random_bytes().ok_or_else(|| {
        ProviderError::Rejected("there are no random bytes for the client's assertion (jti)".to_owned())
    })?;
    let now = link.isolate.now().unix_timestamp();
    let claims = json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": BASE64_URL_SAFE_NO_PAD.encode(jti),
        "iat": now, "exp": now.saturating_add(ASSERTION_LIFE),
    });
    let mut header = key.header.clone();
    header.extend([("alg".to_owned(), json!(key.algorithm)), ("typ".to_owned(), json!("JWT"))]);
    sign(&key.private, &key.algorithm, header, &claims, link)
        .await
        .map(ClientAuthentication::Assertion)
        .ok_or_else(unsigned)
}

/// What Apple takes for this client's secret: for one request, so that it needs no long life.
pub async fn apple_secret(
    key: &AppleKey,
    client_id: &str,
    issuer: &str,
    link: &Link,
) -> Result<ClientAuthentication, ProviderError> {
    let now = link.isolate.now().unix_timestamp();
    let claims = json!({
        "iss": key.team_id, "iat": now, "exp": now.saturating_add(APPLE_SECRET_LIFE), "aud": issuer, "sub": client_id,
    });
    let header = Map::from_iter([("alg".to_owned(), json!("ES256")), ("kid".to_owned(), json!(key.key_id))]);
    let secret = sign(&key.private, "ES256", header, &claims, link).await;
    secret.map(|jwt| ClientAuthentication::Post(ClientSecret::new(jwt))).ok_or_else(|| {
        ProviderError::Rejected(
            "the key of APPLE_PRIVATE_KEY cannot sign: put the content of Apple's file there".to_owned(),
        )
    })
}

fn unsigned() -> ProviderError {
    ProviderError::Rejected(
        "the key of OIDC_CLIENT_KEY cannot sign: its parts do not belong together. Put another private JSON Web Key there".to_owned(),
    )
}

/// A JWT (RFC 7515 section 7.1). None where the key cannot sign.
async fn sign(
    key: &PrivateKey,
    algorithm: &str,
    header: Map<String, Value>,
    claims: &Value,
    link: &Link,
) -> Option<String> {
    let algorithm = Algorithm::named(algorithm)?;
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&Value::Object(header)), part(claims));
    let key = match key {
        PrivateKey::Jwk(jwk) => SigningKey::Jwk(jwk),
        PrivateKey::Pkcs8(der) => SigningKey::Pkcs8(der),
    };
    // The Web Cryptography API takes the same parameters for `sign` and `verify`.
    let (import, sign) = (algorithm.import, algorithm.verify);
    let signing = Signing { key, algorithm: algorithm.name, import, sign, text: text.as_bytes() };
    let signature = link.signatures.sign(signing).await?;
    Some(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
#[path = "client_authentication_tests.rs"]
mod tests;
