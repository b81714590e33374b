//! `LOGIN_LIMIT`: an optional rate limiting binding of Cloudflare's. It counts the logins that one network address begins.

use std::net::IpAddr;

use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// Refuses a login from an address that begins too many.
pub(crate) async fn check(gateway: &Gateway, request: &Incoming<'_>) -> Result<(), Problem> {
    let Some(key) = request.header("cf-connecting-ip").and_then(key) else { return Ok(()) };
    match gateway.login_limit.admits(&key).await {
        Some(false) => Err(Problem::RateLimited),
        Some(true) => Ok(()),
        // A login costs only its visitor anything. If it cannot be counted, it may begin.
        None => {
            request.isolate.error("LOGIN_LIMIT: the rate limiting binding did not answer");
            Ok(())
        }
    }
}

/// What one visitor's addresses have in common: all of an IPv4 address, and of an IPv6 address the network, of which a visitor
/// usually has all addresses.
fn key(address: &str) -> Option<String> {
    match address.parse().ok()? {
        IpAddr::V4(address) => Some(address.to_string()),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => Some(address.to_string()),
            None => {
                let [a, b, c, d, ..] = address.segments();
                Some(format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_visitor_is_counted_by_network_and_an_ipv4_visitor_by_address() {
        assert_eq!(key("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(key("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(key("2001:db8:0:7:1:2:3:4").as_deref(), Some("2001:db8:0:7::/64"));
        assert_eq!(key("2001:db8:0:7:ffff::"), key("2001:db8:0:7::1"));
        assert_ne!(key("2001:db8:0:8::1"), key("2001:db8:0:7::1"));
        assert_eq!(key("unknown"), None);
    }
}
