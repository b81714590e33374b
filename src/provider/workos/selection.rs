//! Which login the user gets: AuthKit, a connection, an organization. Pure.

/// The parameters that say which login the user gets: AuthKit, unless a connection is named.
pub(super) fn selection(configured: &[(String, String)], hints: &[(String, String)]) -> Vec<(String, String)> {
    let hinted = hints.iter().filter_map(|(name, value)| {
        let (name, value) = match (name.as_str(), value.as_str()) {
            ("organization", id) => ("organization_id", id),
            ("connection", id) => ("connection_id", id),
            ("screen_hint", "signup" | "sign-up") => ("screen_hint", "sign-up"),
            ("screen_hint", "login" | "signin" | "sign-in") => ("screen_hint", "sign-in"),
            ("prompt", "none") => return None,
            (name @ ("login_hint" | "domain_hint" | "prompt"), value) => (name, value),
            _ => return None,
        };
        Some((name.to_owned(), value.to_owned()))
    });
    let mut params: Vec<(String, String)> = hinted.collect();
    let overruled = |name: &String| hints.iter().chain(&params).any(|(hint, _)| hint == name);
    let others: Vec<_> = configured.iter().filter(|(name, _)| !overruled(name)).cloned().collect();
    params.extend(others);

    // The selectors exclude one another.
    let has = |params: &[(String, String)], wanted: &str| params.iter().any(|(name, _)| name == wanted);
    if has(&params, "connection_id") {
        params.retain(|(name, _)| !matches!(name.as_str(), "provider" | "organization_id" | "screen_hint"));
    } else if !has(&params, "provider") {
        params.push(("provider".to_owned(), "authkit".to_owned()));
    } else if !params.iter().any(|(name, value)| name == "provider" && value == "authkit") {
        params.retain(|(name, _)| name != "screen_hint");
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn selected(configured: &[(&str, &str)], hints: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut params = selection(&pairs(configured), &pairs(hints));
        params.sort();
        params
    }

    #[test]
    fn the_user_gets_authkit_and_the_hints_in_workos_s_words() {
        assert_eq!(selected(&[], &[]), pairs(&[("provider", "authkit")]));
        for (hint, said) in
            [("signup", "sign-up"), ("sign-up", "sign-up"), ("login", "sign-in"), ("sign-in", "sign-in")]
        {
            let hints = [("screen_hint", hint), ("organization", "org_1"), ("login_hint", "a@b.example")];
            let expected = [
                ("login_hint", "a@b.example"),
                ("organization_id", "org_1"),
                ("provider", "authkit"),
                ("screen_hint", said),
            ];
            assert_eq!(selected(&[], &hints), pairs(&expected));
        }
    }

    #[test]
    fn a_connection_excludes_the_other_selectors() {
        let hints = [("connection", "conn_1"), ("organization", "org_1"), ("screen_hint", "signup")];
        assert_eq!(selected(&[("provider", "GoogleOAuth")], &hints), pairs(&[("connection_id", "conn_1")]));
    }

    #[test]
    fn what_workos_does_not_know_is_left_out() {
        let hints = [("prompt", "none"), ("ui_locales", "de"), ("screen_hint", "odd")];
        assert_eq!(selected(&[], &hints), pairs(&[("provider", "authkit")]));
        assert_eq!(selected(&[], &[("prompt", "login")]), pairs(&[("prompt", "login"), ("provider", "authkit")]));
        assert_eq!(selected(&[("prompt", "login")], &[("prompt", "none")]), pairs(&[("provider", "authkit")]));
    }

    #[test]
    fn a_hint_overrules_what_is_configured() {
        let configured = [("organization_id", "org_1"), ("provider", "GoogleOAuth")];
        let expected = [("organization_id", "org_2"), ("provider", "GoogleOAuth")];
        assert_eq!(selected(&configured, &[("organization", "org_2"), ("screen_hint", "signup")]), pairs(&expected));
    }
}
