//! The description is checked against the code: each address and method in it is served, and each that is served is in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::config::Config;
use crate::config::routes::Asked;
use crate::gateway::endpoints::admin::Resource;
use crate::gateway::request::address::Address;
use crate::gateway::request::route::{self, Endpoint, Target};

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// The methods that the description has, by path. `HEAD` goes with `GET`.
fn described() -> BTreeMap<String, BTreeSet<String>> {
    let methods = |item: &Value| {
        let names = item.as_object().unwrap().keys().filter(|name| *name != "parameters");
        names.map(|name| name.to_uppercase()).collect()
    };
    let document = document();
    document["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

fn served(allow: &str) -> BTreeSet<String> {
    allow.split(", ").filter(|method| *method != "HEAD").map(str::to_owned).collect()
}

fn endpoint(path: &str) -> Option<Endpoint> {
    let config = Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("s3cret".into()),
        "UPSTREAM" => Some("https://app.internal".into()),
        _ => None,
    });
    let raw = format!("https://app.example/auth{path}");
    match route::route(&config.unwrap(), &Address::read(&raw, &[]).unwrap(), Asked::plainly("GET")) {
        Target::Own(endpoint) => Some(endpoint),
        _ => None,
    }
}

fn example(path: &str) -> String {
    path.replace("{id}", &"ab".repeat(32)).replace("{subject}", "auth0%7Cada")
}

/// What has no entry here does not compile.
const fn number(endpoint: Endpoint) -> usize {
    match endpoint {
        Endpoint::Login => 0,
        Endpoint::Callback => 1,
        Endpoint::Logout => 2,
        Endpoint::LoggedOut => 3,
        Endpoint::Session => 4,
        Endpoint::Refresh => 5,
        Endpoint::Sessions => 6,
        Endpoint::OwnSession => 7,
        Endpoint::BackchannelLogout => 8,
        Endpoint::Admin => 9,
        Endpoint::Healthz => 10,
        Endpoint::Captcha => 11,
        Endpoint::Jwks => 12,
        Endpoint::FrontchannelLogout => 13,
        Endpoint::DeviceRegister => 14,
        Endpoint::DeviceRefresh => 15,
        Endpoint::Events => 16,
    }
}
const ENDPOINTS: usize = 17;

const fn number_of_resource(resource: &Resource) -> usize {
    match resource {
        Resource::Bare => 0,
        Resource::Console => 1,
        Resource::OpenApi => 2,
        Resource::User(_) => 3,
        Resource::Session(_) => 4,
        Resource::Refresh(_) => 5,
        Resource::Migrate(_) => 6,
    }
}
const RESOURCES: usize = 7;

#[test]
fn the_description_has_the_version_of_the_code() {
    assert_eq!(document()["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn what_the_description_has_is_served_and_what_is_served_is_in_it() {
    let (mut endpoints, mut resources) = (BTreeSet::new(), BTreeSet::new());
    for (path, methods) in described() {
        let endpoint = endpoint(&example(&path)).unwrap_or_else(|| panic!("{path} is not served"));
        endpoints.insert(number(endpoint));
        let allow = match path.strip_prefix("/admin") {
            Some(rest) => {
                let resource = Resource::of(&example(rest)).unwrap();
                resources.insert(number_of_resource(&resource));
                resource.methods()
            }
            None => endpoint.methods(),
        };
        assert_eq!(methods, served(allow), "{path}");
    }
    assert_eq!(endpoints, (0..ENDPOINTS).collect());
    assert_eq!(resources, (0..RESOURCES).collect());
}

#[test]
fn the_description_names_the_prefix_it_is_served_under() {
    let Body::Json(body) = openapi("/gate").body else { panic!("not JSON") };
    let document: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(document["servers"][0]["url"], "/gate");
}

#[test]
fn the_page_runs_its_own_script_and_style_alone() {
    let page = page(&Brand::default(), false);
    let Body::Html(html) = &page.body else { panic!("not a page") };
    let (style, script) = ([BASE_STYLE, STYLE].concat(), SCRIPT.concat());
    assert!(html.contains(&format!("<style>{style}</style>")) && html.contains(&format!("<script>{script}</script>")));
    let html = html.replacen(html::ICON, "", 1);
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("=\"/"), "an absolute address");
    assert!(!script.contains("innerHTML") && !script.contains("Storage"));
    let (name, policy) = page.headers.first().unwrap();
    assert_eq!(*name, "content-security-policy");
    for source in [hash(&script), hash(&style)] {
        assert!(policy.contains(&source), "{policy}");
    }
}
