//! The claims of a session: what the ID token says, and what UserInfo says beside it (OpenID Connect Core 1.0 section 5).
//! Pure.
//!
//! Claims are what was said last. Those of a new ID token take the place of the old one's, UserInfo's new ones that of its
//! old ones, and what is not said any more is gone.

use serde_json::Value;

pub use crate::jose::Claims;

/// Claims of the ID token that say something about the token, not about the user.
const OF_THE_TOKEN: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
/// Claims that belong to the login: a refreshed ID token that lacks them leaves them.
const OF_THE_LOGIN: [&str; 4] = ["auth_time", "acr", "amr", "sid"];
/// Other claims that are the ID token's alone.
const OF_THE_ID_TOKEN: [&str; 8] = ["iss", "sub", "aud", "exp", "iat", "nbf", "azp", "jti"];
/// An address claim, and the claim that says whether it was verified.
const VERIFIED: [(&str, &str); 2] = [("email", "email_verified"), ("phone_number", "phone_number_verified")];

/// What an ID token says that a session keeps.
pub fn of_id_token(mut said: Claims) -> Claims {
    said.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
    said
}

/// What a refreshed ID token says, with what it leaves of the login, whose session had the claims `before`.
pub fn refreshed(mut said: Claims, before: &Claims) -> Claims {
    for name in OF_THE_LOGIN {
        if let (None, Some(value)) = (said.get(name), before.get(name)) {
            said.insert(name.to_owned(), value.clone());
        }
    }
    said
}

/// What UserInfo says that a session keeps. What belongs to the ID token, it cannot say.
pub fn of_user_info(mut said: Claims) -> Claims {
    let is_id_tokens =
        |name: &str| OF_THE_TOKEN.contains(&name) || OF_THE_LOGIN.contains(&name) || OF_THE_ID_TOKEN.contains(&name);
    said.retain(|name, _| !is_id_tokens(name));
    said
}

/// Both together. Where both say a claim, the ID token's counts. Whether an address was verified says the answer that
/// gave the address; where both name the same one, a `false` of either counts.
pub fn together(id_token: &Claims, user_info: &Claims) -> Claims {
    let mut claims = user_info.clone();
    claims.extend(id_token.clone());
    for (address, flag) in VERIFIED {
        let verdict = match (given(id_token, address), given(user_info, address)) {
            (Some(one), Some(other)) if is_same(one, other) => {
                let flags = [id_token.get(flag), user_info.get(flag)];
                let denied = flags.into_iter().flatten().any(is_denied);
                // With another spelling, only a denial counts.
                let second = flags[1].filter(|_| one == other);
                if denied { Some(Value::Bool(false)) } else { flags[0].or(second).cloned() }
            }
            (Some(_), _) => id_token.get(flag).cloned(),
            (None, Some(other)) => {
                claims.insert(address.to_owned(), other.clone());
                user_info.get(flag).cloned()
            }
            (None, None) => continue,
        };
        match verdict {
            Some(verdict) => claims.insert(flag.to_owned(), verdict),
            None => claims.remove(flag),
        };
    }
    claims
}

/// An address, where there is one.
fn given<'a>(claims: &'a Claims, address: &str) -> Option<&'a Value> {
    claims.get(address).filter(|value| !value.is_null() && *value != "")
}

/// Whether two addresses may be the same mailbox.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => one == other,
    }
}

/// Whether a flag such as `email_verified` says anything but yes. Some providers write it as text, or as a number.
pub fn is_denied(flag: &Value) -> bool {
    match flag {
        Value::Null => false,
        Value::Bool(flag) => !flag,
        Value::String(flag) => !flag.eq_ignore_ascii_case("true") && flag != "1",
        Value::Number(flag) => flag.as_f64() != Some(1.0),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
