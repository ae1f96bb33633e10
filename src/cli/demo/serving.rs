//! `demo --serve`: the broker stays, and a file says how to reach it.

use super::{
    Stage,
    cast::{Cast, copy, purpose},
};
use crate::{
    cli::{
        embedded::{self, Running},
        founding,
        output::{Failure, Out},
    },
    client::{desk::DeskError, identity::Identity},
    wire::api::GrantSummary,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::fs;

pub(super) fn hold(cast: &mut Cast, broker: &Running, stage: &Stage, out: &Out) -> Result<(), Failure> {
    let url = broker.url();
    let words = |e: DeskError| Failure::does_not_hold(format!("the demo failed: {e}"));
    let officer = copy(&cast.officer);
    let use_for = purpose("commission-of-inquiry").map_err(words)?;
    let (grant, release) = cast
        .at_desk(&officer, &url, |desk| {
            let open = |g: &GrantSummary| g.state.word() == "active";
            let grant = desk.grants()?.into_iter().find(open).ok_or_else(|| DeskError::refused("no open grant"))?;
            let released = desk.request_release(grant.id, &use_for)?;
            Ok((grant, released.release))
        })
        .map_err(words)?;
    let description = json!({
        "url": url, "issuer": url, "card": cast.card().to_string(),
        "genesis_digest": cast.founded.genesis.digest(),
        "clients": {
            "officer": client(&cast.officer),
            "auditor": cast.auditor().map_or(Value::Null, |a| client(&a)),
        },
        "grant_statement": grant.statement,
        "grant_signer": { "kty": "OKP", "crv": "Ed25519", "x": cast.advocate.public_key() },
        "release": release,
    });
    write(stage, &description).map_err(Failure::refused)?;
    out.line(format!("\nThe broker stays at {url} until interrupted. How to reach it: {}", stage.path("broker.json").display()));
    embedded::runtime()?.block_on(stopped());
    Ok(())
}

/// A client's key as a stock OAuth library takes it. It was made for the demo.
fn client(identity: &Identity) -> Value {
    json!({
        "client_id": identity.key_id(),
        "jwk": {
            "kty": "OKP", "crv": "Ed25519", "x": identity.public_key(),
            "d": URL_SAFE_NO_PAD.encode(identity.signing_key().to_bytes()),
        },
    })
}

/// Appears whole: others wait for this file.
fn write(stage: &Stage, description: &Value) -> Result<(), String> {
    let (partial, place) = (stage.path("broker.json.partial"), stage.path("broker.json"));
    founding::write_private(&partial, description.to_string().as_bytes())?;
    fs::rename(&partial, &place).map_err(|e| format!("{}: {e}", place.display()))
}

async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        drop(interrupt.await);
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}
