//! Who is logged in. What a provider says, and a session keeps.

/// Who is logged in, as the ID token said.
#[derive(Clone)]
pub struct Identity {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `sid`: the provider's own session.
    pub sid: Option<String>,
    /// The claims of the ID token and UserInfo together: a JSON object.
    pub claims: String,
    /// The ID token, for `id_token_hint`.
    pub id_token: String,
    /// The claims of UserInfo alone, which take each other's place: a JSON object, or empty.
    pub user_info: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("issuer", &self.issuer).field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Identity {
    /// `iss` and `sub`.
    pub fn user(&self) -> (String, String) {
        (self.issuer.clone(), self.subject.clone())
    }

    /// `org_id`: the organization that the user has logged in to, as Auth0 and WorkOS call it.
    pub fn organization(&self) -> Option<String> {
        let claims: serde_json::Value = serde_json::from_str(&self.claims).ok()?;
        claims.get("org_id")?.as_str().map(str::to_owned)
    }
}
