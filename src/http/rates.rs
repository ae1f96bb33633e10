//! How often somebody may ask, before anything else is done for them. Revocation is never limited.
//!
//! Whoever shows a live token is limited by its key, everybody else by their network. The address is used here and
//! goes nowhere: into no log, no answer, no file.

use super::{freezes, problem::Failure, revocations};
use crate::broker::Broker;
use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

/// Where a connection comes from. No `Debug`: an address that cannot be printed is not printed.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Answers 429 instead of passing a request on that comes too often.
pub(super) async fn limit(State(broker): State<Arc<Broker>>, request: Request, next: Next) -> Response {
    match admit(&broker, &request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

fn admit(broker: &Broker, request: &Request) -> Result<(), Failure> {
    if [revocations::PATH, freezes::PATH].contains(&request.uri().path()) {
        return Ok(());
    }
    if let Some(key) = token(request.headers()).and_then(|token| broker.key_of_token(token)) {
        return Ok(broker.admit_key(key)?);
    }
    match client(request.extensions().get().copied(), request.headers(), broker.address_header()) {
        Some(address) => Ok(broker.admit_stranger(address)?),
        None => Ok(()),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("DPoP ")
}

/// Whose requests are counted; `None` for programs on this machine, which need no network to be in the way.
fn client(peer: Option<Peer>, headers: &HeaderMap, named_in: Option<&str>) -> Option<IpAddr> {
    // The accept loop names every peer; should it fail to, strangers share one measure.
    let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0.to_canonical());
    let named = named_in.and_then(|name| headers.get_all(name).iter().next_back());
    match named {
        // What does not read as an address counts for whoever sent it.
        Some(value) => Some(value.to_str().ok().and_then(last_address).unwrap_or(peer)),
        None if peer.is_loopback() => None,
        None => Some(peer),
    }
}

/// The last element: the only one that our own proxy wrote.
fn last_address(list: &str) -> Option<IpAddr> {
    let last = list.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Option<&str> = Some("x-forwarded-for");

    fn counted(peer: &str, forwarded: &[&str], named_in: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        client(Some(Peer(peer.parse().unwrap())), &headers, named_in).map(|address| address.to_string())
    }

    #[test]
    fn peer_is_the_client_unless_it_is_this_machine() {
        assert_eq!(counted("192.0.2.1", &[], None).as_deref(), Some("192.0.2.1"));
        assert_eq!(counted("127.0.0.1", &[], None), None);
        assert_eq!(counted("::1", &[], None), None);
        assert_eq!(counted("::ffff:127.0.0.1", &[], None), None);
    }

    #[test]
    fn header_counts_only_where_the_operator_says_so() {
        assert_eq!(counted("192.0.2.1", &["198.51.100.7"], None).as_deref(), Some("192.0.2.1"));
        assert_eq!(counted("127.0.0.1", &["198.51.100.7"], None), None);
        assert_eq!(counted("127.0.0.1", &["198.51.100.7"], HEADER).as_deref(), Some("198.51.100.7"));
        assert_eq!(counted("127.0.0.1", &[], HEADER), None, "a health check from this machine");
        assert_eq!(counted("192.0.2.1", &[], HEADER).as_deref(), Some("192.0.2.1"), "past the proxy");
    }

    #[test]
    fn last_element_is_the_proxys_and_what_came_with_the_request_is_not_believed() {
        let named = |values: &[&str]| counted("192.0.2.1", values, HEADER).unwrap();
        assert_eq!(named(&["203.0.113.5, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(named(&["203.0.113.5", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(named(&["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(named(&["198.51.100.7, unknown"]), "192.0.2.1");
    }

    #[test]
    fn nobodys_connection_is_limited_too() {
        assert!(client(None, &HeaderMap::new(), None).is_some());
    }
}
