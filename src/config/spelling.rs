//! Finds misspelled variables: names that are nearly a variable's. Pure.

use super::reader::ConfigProblem;

/// Every variable and binding of the gateway.
pub const NAMES: &[&str] = &[
    "ADMIN_ACCESS",
    "ADMIN_ORIGIN",
    "ADMIN_TOKEN",
    "APPLE_KEY_ID",
    "APPLE_PRIVATE_KEY",
    "APPLE_TEAM_ID",
    "AUTH0_DOMAIN",
    "AUTH0_LOGOUT_FEDERATED",
    "AUTH_PREFIX",
    "BRAND",
    "CAPTCHA_ACTION",
    "CAPTCHA_SECRET",
    "CAPTCHA_SITE_KEY",
    "CAPTCHA_VERIFY_URL",
    "COGNITO_DOMAIN",
    "COOKIE_PREFIX",
    "COOKIE_SAME_SITE",
    "DATABASE_URL",
    "DEFAULT_REGION",
    "DEVICE_GRACE_SECONDS",
    "DEVICE_POLICY",
    "DIRECTORY",
    "IDENTITY_HEADERS",
    "JURISDICTION",
    "JWKS",
    "JWKS_URI",
    "JWT_AUDIENCE",
    "JWT_ISSUER",
    "JWT_ISSUERS",
    "LOGIN_LIMIT",
    "LOGIN_TIMEOUT_SECONDS",
    "LOG_SUBJECT",
    "METRICS",
    "OIDC_AUDIENCE",
    "OIDC_AUTHORIZATION_PARAMS",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_KEY",
    "OIDC_CLIENT_SECRET",
    "OIDC_DISCOVERY_URL",
    "OIDC_ID_TOKEN_ALG",
    "OIDC_ISSUER",
    "OIDC_NONCE",
    "OIDC_PAR",
    "OIDC_RESOURCE",
    "OIDC_RESPONSE_MODE",
    "OIDC_REUSE_LEEWAY_SECONDS",
    "OIDC_SCOPES",
    "OIDC_TENANTS",
    "OIDC_TOKEN_AUTH",
    "OIDC_TRUSTED_AUDIENCES",
    "PROVIDER",
    "PROVIDERS",
    "PUBLIC_ORIGIN",
    "REGION_GRACE_SECONDS",
    "REGION_MIN_STAY_SECONDS",
    "REGION_POLICY",
    "ROUTES",
    "SESSIONS",
    "SESSIONS_PER_USER",
    "SESSION_ABSOLUTE_SECONDS",
    "SESSION_DB",
    "SESSION_IDLE_SECONDS",
    "SESSION_KV",
    "SESSION_STORE",
    "STATE_KEYS",
    "STREAM_CHECK_SECONDS",
    "UPSTREAM",
    "UPSTREAM_TIMEOUT_SECONDS",
    "WORKOS_API_HOST",
    "WORKOS_API_KEY",
    "WORKOS_CLIENT_ID",
];
/// How many letters a slip may change. A name that differs by more belongs to something else.
const SLIP: usize = 2;
/// Short names are near to too many others.
const SHORTEST: usize = 6;

/// What is wrong with these names, which are those of everything that is set.
pub fn misspelled(names: impl IntoIterator<Item = String>) -> Vec<ConfigProblem> {
    let nearest = |name: &str| {
        let distance = |known: &&str| strsim::osa_distance(&name.to_ascii_uppercase(), known);
        NAMES.iter().copied().min_by_key(distance).filter(|known| distance(known) <= SLIP)
    };
    let continues = |name: &str| {
        name.strip_prefix("PROVIDERS_").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_known = |name: &str| NAMES.contains(&name) || continues(name);
    let unknown = names.into_iter().filter(|name| name.len() >= SHORTEST && !is_known(name));
    unknown
        .filter_map(|name| {
            let known = nearest(&name)?;
            let message = format!("is unknown. Did you mean {known}?");
            Some(ConfigProblem { variable: name.into(), message })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspects(names: &[&str]) -> Vec<String> {
        let problems = misspelled(names.iter().map(|name| (*name).to_owned()));
        problems.into_iter().map(|problem| format!("{}: {}", problem.variable, problem.message)).collect()
    }

    #[test]
    fn a_name_with_a_slip_is_named_beside_the_right_one() {
        for (name, meant) in [
            ("SESSION_IDLE_SECOND", "SESSION_IDLE_SECONDS"),
            ("REGION_POLCY", "REGION_POLICY"),
            ("COOKIE_SAMESITE", "COOKIE_SAME_SITE"),
            ("OIDC_AUDIANCE", "OIDC_AUDIENCE"),
            ("ADMIN_TOKN", "ADMIN_TOKEN"),
            ("SESSIONS_STORE", "SESSION_STORE"),
            ("oidc_scopes", "OIDC_SCOPES"),
        ] {
            let found = suspects(&[name]);
            assert!(found.len() == 1 && found[0].ends_with(&format!("Did you mean {meant}?")), "{name}: {found:?}");
        }
    }

    #[test]
    fn the_gateways_own_names_and_those_of_others_are_no_slips() {
        assert!(suspects(NAMES).is_empty());
        assert!(
            suspects(&[
                "PROVIDERS_2",
                "PROVIDERS_17",
                "LOG_LEVEL",
                "API_URL",
                "ASSETS",
                "ORDERS",
                "SENTRY_DSN",
                "OIDC",
                "JWT",
                "APP_ADMIN_TOKEN"
            ])
            .is_empty()
        );
    }

    #[test]
    fn every_variable_of_the_readmes_table_is_known() {
        let readme = include_str!("../../README.md");
        let (_, table) = readme.split_once("| variable | default |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let firsts = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let named: Vec<&str> = firsts.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert!(named.len() > 40, "{named:?}");
        for name in named {
            assert!(NAMES.contains(&name), "{name}");
        }
    }
}
