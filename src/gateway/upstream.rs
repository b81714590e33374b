//! Where requests go: an origin on the network, or another Worker or the static assets, through a binding.

use futures::future::{Either, select};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::Gateway;
use super::problem::Problem;
use crate::config::Config;
use crate::config::routes::{Route, Upstream};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &web_sys::RequestInit) -> Result<js_sys::Promise, JsValue>;

    /// A service or assets binding.
    type Binding;

    #[wasm_bindgen(method, catch, js_name = fetch)]
    fn fetch_through(this: &Binding, url: &str, init: &web_sys::RequestInit) -> Result<js_sys::Promise, JsValue>;
}

impl Gateway {
    /// The application's response, up to its headers. Its time begins when it has been sent the whole request: how long
    /// an upload takes is the visitor's affair.
    pub(super) async fn fetch(
        &self,
        url: &str,
        route: &Route,
        init: &web_sys::RequestInit,
        sent: Option<JsFuture>,
    ) -> Result<web_sys::Response, Problem> {
        let upstream = &route.upstream;
        let unavailable = |_: JsValue| unreachable(&self.config, route);
        let fetching = match upstream {
            Upstream::Origin(_) => fetch(url, init),
            Upstream::Binding(name) => {
                let binding = js_sys::Reflect::get(&self.env, &name.into()).map_err(unavailable)?;
                binding.unchecked_into::<Binding>().fetch_through(url, init)
            }
        };
        let limit = self.config.upstream_timeout;
        let mut response = JsFuture::from(fetching.map_err(unavailable)?);
        let early = match sent {
            Some(sent) => match select(&mut response, sent).await {
                Either::Left((response, _)) => Some(response),
                Either::Right(_) => None,
            },
            None => None,
        };
        let answered = match early {
            Some(response) => Some(response),
            None => self.timer.within(limit, response).await,
        };
        match answered {
            Some(response) => Ok(response.map_err(unavailable)?.unchecked_into()),
            // What comes too late is dropped with the request.
            None => Err(too_slow(&self.config, route)),
        }
    }
}

/// The application cannot be reached.
pub(super) fn unreachable(config: &Config, route: &Route) -> Problem {
    let (variable, upstream) = (config.upstream_variable(route), &route.upstream);
    Problem::UpstreamUnavailable.explained(format!("{variable}: {upstream} cannot be reached"))
}

/// The application does not answer in time.
pub(super) fn too_slow(config: &Config, route: &Route) -> Problem {
    let (variable, upstream) = (config.upstream_variable(route), &route.upstream);
    let limit = config.upstream_timeout.whole_seconds();
    let why = format!("{variable}: {upstream} did not answer in {limit} s (UPSTREAM_TIMEOUT_SECONDS)");
    Problem::UpstreamTimeout.explained(why)
}
