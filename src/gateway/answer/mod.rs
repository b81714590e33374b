//! The answers to requests: problem documents, pages, JSON.

pub mod captcha_page;
pub mod error_page;
pub mod failed_request;
pub mod german;
pub mod html;
pub mod json;
pub mod lean;
pub mod problem_response;
pub mod refusal;
pub mod response;
