//! Carries requests to witnesses: HTTPS, or plain HTTP to this machine and to onion addresses.

use crate::{
    broker::witnesses::{Courier, CourierAnswer, CourierError},
    model::limits,
};
use std::{io::Read as _, time::Duration};
use ureq::Agent;

/// A courier that uses the network.
pub struct HttpCourier {
    agent: Agent,
}

impl HttpCourier {
    /// Sends nothing yet.
    pub fn new() -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(limits::WITNESS_CONNECT_SECONDS)))
            .timeout_global(Some(Duration::from_secs(limits::WITNESS_ASK_SECONDS)))
            // Who is asked is written in the configuration; nobody may lead elsewhere.
            .max_redirects(0)
            .build();
        Self { agent: Agent::new_with_config(config) }
    }
}

impl HttpCourier {
    /// Fetches a public file, of at most `most` bytes; the addresses are those a witness may have.
    ///
    /// # Errors
    /// [`CourierError`].
    pub fn get(&self, url: &str, most: u64) -> Result<Vec<u8>, CourierError> {
        check_address(url)?;
        let unreachable = |e: &dyn std::fmt::Display| CourierError::Unreachable(e.to_string());
        let response = self.agent.get(url).call().map_err(|e| unreachable(&e))?;
        if response.status().as_u16() != 200 {
            return Err(CourierError::Unreachable(format!("it answers {}", response.status())));
        }
        let mut body = Vec::new();
        let mut reader = response.into_body().into_reader().take(most + 1);
        reader.read_to_end(&mut body).map_err(|e| unreachable(&e))?;
        if body.len() as u64 > most { Err(CourierError::Unreadable) } else { Ok(body) }
    }
}

impl Default for HttpCourier {
    fn default() -> Self {
        Self::new()
    }
}

impl Courier for HttpCourier {
    fn post(&self, url: &str, body: &str) -> Result<CourierAnswer, CourierError> {
        check_address(url)?;
        let unreachable = |e: ureq::Error| CourierError::Unreachable(e.to_string());
        let response = self.agent.post(url).header("content-type", "text/plain; charset=utf-8").send(body);
        let response = response.map_err(unreachable)?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let mut body = String::new();
        let mut reader = response.into_body().into_reader().take(limits::WITNESS_ANSWER_BYTES + 1);
        match reader.read_to_string(&mut body) {
            Ok(read) if read as u64 <= limits::WITNESS_ANSWER_BYTES => Ok(CourierAnswer { status, content_type, body }),
            Err(error) if error.kind() != std::io::ErrorKind::InvalidData => {
                Err(CourierError::Unreachable(error.to_string()))
            }
            Ok(_) | Err(_) => Err(CourierError::Unreadable),
        }
    }
}

/// A checkpoint is public, but who asks whom and when need not be; and an answer from the way could only be refused.
fn check_address(url: &str) -> Result<(), CourierError> {
    let refused = || CourierError::Address(url.to_owned());
    let parsed = url::Url::parse(url).map_err(|_| refused())?;
    let host = parsed.host_str().unwrap_or_default();
    let local = matches!(host, "127.0.0.1" | "localhost" | "[::1]") || host.to_ascii_lowercase().ends_with(".onion");
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_and_to_onions_only() {
        for url in ["https://w.example/add-checkpoint", "http://127.0.0.1:1/x", "http://[::1]/x", "http://abc.onion/x"]
        {
            assert!(check_address(url).is_ok(), "{url}");
        }
        for url in ["http://w.example/x", "ftp://w.example", "w.example", "http://127.0.0.1.example/x"] {
            assert_eq!(HttpCourier::new().post(url, ""), Err(CourierError::Address(url.to_owned())));
        }
    }
}
