//! `/healthz`: whether the configuration is good. What can be said of it without asking anybody, the isolate's start has said; the rest is
//! what a login found out: that the provider's discovery document is of no use.

use crate::config::ConfigProblem;
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::provider::Provider;

/// A provider that does not answer is no problem of the configuration.
pub(crate) async fn serve(gateway: &Gateway) -> Result<Outgoing, Problem> {
    // Of several providers, one that is of no use is its own users' trouble, not that of the whole gateway.
    let single = gateway.config.providers.single();
    let provider = single.map(|single| Provider::new(&single.settings, gateway.link.clone()));
    let problem = match provider {
        Some(provider) => provider.discovery_problem().await,
        None => None,
    };
    match problem {
        Some((variable, message)) => {
            Err(Problem::ConfigInvalid(vec![ConfigProblem { variable: variable.into(), message }]))
        }
        None => Ok(Outgoing::new(200, Body::Json(r#"{"status":"ok"}"#.to_owned()))),
    }
}
