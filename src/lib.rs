//! OAuth sessions at the edge: the Token Handler (Backend for Frontend) pattern on Cloudflare Workers.
//!
//! ```text
//!                      request                    message (bincode)
//!     browser ───────► gateway (stateless) ─────► SessionActor (one per session) ──► provider
//!        ▲                │  ▲                        │        ▲   │                 (token endpoint)
//!        │  response      ▼  │ upstream response      │ alarm ─┘   └──► store
//!        └────────────  upstream
//! ```
//!
//! One way through the house: [`gateway`] → [`actors`] → [`provider`] and [`store`]. What decides is pure and tested
//! natively: [`config`], [`region`], [`actors::wire`], [`actors::session::state`], [`actors::session::message`],
//! [`gateway::request::route`], [`gateway::request::cookie`], [`gateway::request::csrf`], [`gateway::forward::hygiene`], [`provider::id_token`],
//! [`jose`], [`gateway::plan`]. They take the time and randomness as arguments; [`platform`] alone reads
//! them. All but [`platform`] runs natively, too, over the traits of [`runtime`].

pub mod actors;
pub mod ambient;
pub mod config;
pub mod credential;
pub mod device;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod jose;
pub mod platform;
pub mod provider;
pub mod region;
pub mod runtime;
pub mod sealing;
pub mod store;
