//! Where requests go: an origin on the network, or another Worker or the static assets, through a binding.

use futures::future::{Either, select};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::Gateway;
use super::problem::Problem;
use super::request::Incoming;
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
        request: &Incoming,
        route: &Route,
        init: &web_sys::RequestInit,
        sent: Option<JsFuture>,
    ) -> Result<web_sys::Response, Problem> {
        let upstream = &route.upstream;
        let named = || format!("{}: {upstream}", self.config.upstream_variable(route));
        let unavailable = |_: JsValue| Problem::UpstreamUnavailable.explained(format!("{} cannot be reached", named()));
        let fetching = match upstream {
            Upstream::Origin(origin) => fetch(&format!("{origin}{}", request.path_and_query()), init),
            Upstream::Binding(name) => {
                let binding = js_sys::Reflect::get(&self.env, &name.into()).map_err(unavailable)?;
                let url = format!("{}{}", request.origin.text, request.path_and_query());
                binding.unchecked_into::<Binding>().fetch_through(&url, init)
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
            None => {
                let limit = limit.whole_seconds();
                let why = format!("{} did not answer in {limit} s (UPSTREAM_TIMEOUT_SECONDS)", named());
                Err(Problem::UpstreamTimeout.explained(why))
            }
        }
    }
}
