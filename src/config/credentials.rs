//! How this client proves itself to the provider: `OIDC_CLIENT_SECRET`, `OIDC_CLIENT_KEY`, or not at all.

use std::rc::Rc;

use openidconnect::ClientSecret;

use super::apple::AppleKey;
use super::client_key::ClientKey;
use super::preset::Preset;
use super::reader::{Reader, put_secret};
use super::store;
use super::token_auth::{SecretIs, TokenAuth};

/// What this client proves itself with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A secret.
    Secret(ClientSecret),
    /// A key: the provider knows the public one (RFC 7523). There is no secret then.
    Key(Rc<ClientKey>),
    /// Both, and nothing says which: what the provider offers decides.
    Either(ClientSecret, Rc<ClientKey>),
    /// Apple's team key, which signs what Apple takes for a secret.
    Apple(Rc<AppleKey>),
    /// Nothing: a public client.
    None,
}

impl Credentials {
    /// The gateway can derive its other keys from this.
    pub fn secret(&self) -> Option<&[u8]> {
        match self {
            Self::Secret(secret) | Self::Either(secret, _) => Some(secret.secret().as_bytes()),
            Self::Key(key) => Some(key.private.secret()),
            Self::Apple(key) => Some(key.private.secret()),
            Self::None => None,
        }
    }

    /// This client's own key.
    pub fn key(&self) -> Option<&ClientKey> {
        match self {
            Self::Key(key) | Self::Either(_, key) => Some(key),
            Self::Secret(_) | Self::Apple(_) | Self::None => None,
        }
    }
}

/// `OIDC_TOKEN_AUTH`.
const TOKEN_AUTH: [(&str, TokenAuth); 4] = [
    ("client_secret_basic", TokenAuth::Basic),
    ("client_secret_post", TokenAuth::Post),
    ("private_key_jwt", TokenAuth::PrivateKey),
    ("none", TokenAuth::None),
];

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn token_auth(&mut self) -> Option<TokenAuth> {
        self.optional_choice("OIDC_TOKEN_AUTH", &TOKEN_AUTH)
    }

    /// The client's credentials; none where they are missing or wrong. A public client has none, and has to say so. Otherwise a forgotten
    /// secret would make a public client.
    pub(super) fn credentials(&mut self, token_auth: Option<TokenAuth>, preset: &Preset) -> Option<Credentials> {
        match token_auth {
            Some(TokenAuth::None) => {
                if self.text("STATE_KEYS").is_none() {
                    let why = "is missing, and with OIDC_TOKEN_AUTH=none there is no client secret to derive keys from";
                    self.problem("STATE_KEYS", &format!("{why}; {}", store::generate_key()));
                }
                Some(Credentials::None)
            }
            Some(TokenAuth::PrivateKey) => self.client_key().map(Credentials::Key),
            // A key and no secret says how, too.
            None if self.text("OIDC_TOKEN_AUTH").is_none()
                && self.text("OIDC_CLIENT_SECRET").is_none()
                && self.text("OIDC_CLIENT_KEY").is_some() =>
            {
                self.client_key().map(Credentials::Key)
            }
            Some(TokenAuth::Basic | TokenAuth::Post) | None => match preset.secret_is {
                SecretIs::Given(words) => {
                    let secret = self.client_secret(token_auth, words)?;
                    let decides = token_auth.is_some() || preset.token_auth.is_some();
                    if decides || self.text("OIDC_TOKEN_AUTH").is_some() || self.text("OIDC_CLIENT_KEY").is_none() {
                        return Some(Credentials::Secret(secret));
                    }
                    self.client_key().map(|key| Credentials::Either(secret, key))
                }
                // A secret that the operator made works, too, until it expires.
                SecretIs::AppleKey
                    if self.text("APPLE_PRIVATE_KEY").is_none() && self.text("OIDC_CLIENT_SECRET").is_some() =>
                {
                    self.client_secret(token_auth, "").map(Credentials::Secret)
                }
                SecretIs::AppleKey => self.apple_key().map(|key| Credentials::Apple(Rc::new(key))),
            },
        }
    }

    fn client_secret(&mut self, token_auth: Option<TokenAuth>, secret_is: &str) -> Option<ClientSecret> {
        let secret = self.text("OIDC_CLIENT_SECRET").map(ClientSecret::new);
        // One mistake is reported once.
        if secret.is_none() && (token_auth.is_some() || self.text("OIDC_TOKEN_AUTH").is_none()) {
            let message = format!(
                "is missing: {secret_is}; {}. A public client, which has none, says so with OIDC_TOKEN_AUTH = \"none\"",
                put_secret("OIDC_CLIENT_SECRET")
            );
            self.problem("OIDC_CLIENT_SECRET", &message);
        }
        secret
    }

    fn client_key(&mut self) -> Option<Rc<ClientKey>> {
        let what =
            "with OIDC_TOKEN_AUTH = \"private_key_jwt\" a private JSON Web Key whose public key the provider knows";
        let text = self.required_secret("OIDC_CLIENT_KEY", what)?;
        match ClientKey::read(&text) {
            Ok(key) => Some(Rc::new(key)),
            Err(why) => {
                self.problem("OIDC_CLIENT_KEY", why);
                None
            }
        }
    }
}
