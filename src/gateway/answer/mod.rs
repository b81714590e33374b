//! What a request is answered with: problems, pages, JSON.

pub mod error_page;
pub mod failed_request;
pub mod html;
pub mod json;
pub mod problem;
pub mod refusal;
pub mod reply;
pub mod response;
