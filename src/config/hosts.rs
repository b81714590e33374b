//! How routes and hosts fit together: patterns that name a host, and upstreams that are the gateway itself.

use url::Url;

use super::origin::{Origin, without_final_dot};
use super::reader::ConfigProblem;
use super::routes::{Route, Upstream};

/// What is wrong with routes at these origins of the gateway; `PUBLIC_ORIGIN` lists them where there is any. `table` says
/// that `ROUTES` has the routes, and not `UPSTREAM` alone.
pub(super) fn problems(routes: &[Route], origins: &[Origin], table: bool) -> Vec<ConfigProblem> {
    let mut problems = upstreams_on(routes, origins, table);
    let named = routes.iter().position(|route| route.pattern.has_host());
    if let Some(index) = named.filter(|_| origins.is_empty()) {
        // A request for another host would get past the route, and the client chooses the host.
        let message = format!(
            "is missing: ROUTES[{index}].match names a host, and without PUBLIC_ORIGIN any host is served. Put the origins that \
             browsers use there, such as https://app.example.com"
        );
        problems.push(ConfigProblem { variable: "PUBLIC_ORIGIN".into(), message });
    }
    problems
}

/// The routes that lead back to the gateway, which would call itself without end.
pub fn upstreams_on(routes: &[Route], origins: &[Origin], table: bool) -> Vec<ConfigProblem> {
    let own = |route: &Route| origins.iter().any(|origin| is_on(&route.upstream, origin));
    let found = routes.iter().enumerate().filter(|(_, route)| own(route));
    let problem = |index: usize| ConfigProblem {
        variable: upstream_variable(table.then_some(index)).into(),
        message:
            "is the gateway's own origin, so that it would call itself without end: put the application's own there"
                .to_owned(),
    };
    found.map(|(index, _)| problem(index)).collect()
}

/// The variable that names the upstream of this route, or the only upstream if there is no `ROUTES`.
pub(super) fn upstream_variable(route: Option<usize>) -> String {
    route.map_or_else(|| "UPSTREAM".to_owned(), |index| format!("ROUTES[{index}].upstream"))
}

fn is_on(upstream: &Upstream, origin: &Origin) -> bool {
    let Upstream::Origin(upstream) = upstream else { return false };
    let (Ok(upstream), Ok(own)) = (Url::parse(upstream), Url::parse(&origin.text)) else { return false };
    let host = |url: &Url| url.host_str().map(|host| without_final_dot(host).to_owned());
    let is_under = Origin::of(&upstream).is_some_and(|upstream| {
        let host = without_final_dot(&upstream.host).to_owned();
        origin.at(&Origin { host, ..upstream }).is_some()
    });
    upstream.scheme() == own.scheme()
        && (host(&upstream) == host(&own) || is_under)
        && upstream.port_or_known_default() == own.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn problems(vars: &[(&str, &str)]) -> Vec<String> {
        let read = Config::read(|name| match name {
            "OIDC_ISSUER" => Some("https://login.example".into()),
            "OIDC_CLIENT_ID" => Some("gateway".into()),
            "OIDC_CLIENT_SECRET" => Some("secret".into()),
            _ => vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
        });
        read.err().unwrap_or_default().into_iter().map(|problem| problem.variable.into_owned()).collect()
    }

    #[test]
    fn a_pattern_with_a_host_needs_public_origin() {
        let routes = r#"[{"match":"/*","upstream":"https://a.internal"},{"match":"app.example/*","upstream":"https://b.internal"}]"#;
        assert_eq!(problems(&[("ROUTES", routes)]), ["PUBLIC_ORIGIN"]);
        assert!(problems(&[("ROUTES", routes), ("PUBLIC_ORIGIN", "https://app.example")]).is_empty());
    }

    #[test]
    fn an_upstream_on_one_of_the_gateways_own_origins_is_named() {
        let public = ("PUBLIC_ORIGIN", "https://other.example, https://app.example");
        for own in
            ["https://app.example", "https://APP.example:443/base", "https://app.example.", "https://other.example/x"]
        {
            assert_eq!(problems(&[public, ("UPSTREAM", own)]), ["UPSTREAM"], "{own}");
        }
        for other in ["https://app.example:8443", "https://internal.app.example", "https://app.example.internal"] {
            assert!(problems(&[public, ("UPSTREAM", other)]).is_empty(), "{other}");
        }
        let domain = ("PUBLIC_ORIGIN", "https://*.example.com");
        assert_eq!(problems(&[domain, ("UPSTREAM", "https://api.example.com")]), ["UPSTREAM"]);
        assert!(problems(&[domain, ("UPSTREAM", "https://api.internal.example.com")]).is_empty());
        let routes =
            r#"[{"match":"/a","upstream":"https://a.internal"},{"match":"/*","upstream":"https://app.example/b"}]"#;
        assert_eq!(problems(&[public, ("ROUTES", routes)]), ["ROUTES[1].upstream"]);
        assert_eq!(
            problems(&[("PUBLIC_ORIGIN", "http://localhost:1"), ("UPSTREAM", "http://localhost:1")]),
            ["UPSTREAM"]
        );
    }
}
