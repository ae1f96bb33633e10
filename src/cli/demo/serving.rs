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
    client::{
        desk::DeskError,
        identity::Identity,
        report::{ManifestDraft, Plan},
    },
    http,
    model::report::{ReportKind, Tier},
    wire::api::GrantSummary,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{fmt::Write as _, fs, path::Path};

/// Reports that are declared and wait for their payload, for clients that upload.
const DECLARED: usize = 8;
/// Length of what each of them holds: enough for an upload to be cut several times.
const DECLARED_BYTES: usize = 3 << 20;

pub(super) fn hold(cast: &mut Cast, broker: &Running, stage: &Stage, out: &Out) -> Result<(), Failure> {
    let url = broker.url();
    let words = |e: DeskError| Failure::does_not_hold(format!("the demo failed: {e}"));
    let officer = copy(&cast.officer);
    let use_for = purpose("commission-of-inquiry").map_err(words)?;
    let (grant, released) = cast
        .at_desk(&officer, &url, |desk| {
            let open = |g: &GrantSummary| g.state.word() == "active";
            let grant = desk.grants()?.into_iter().find(open).ok_or_else(|| DeskError::refused("no open grant"))?;
            let released = desk.request_release(grant.id, &use_for)?;
            Ok((grant, released))
        })
        .map_err(words)?;
    let declared = declared(cast, &url, stage).map_err(words)?;
    let description = json!({
        "url": url, "issuer": url, "card": cast.card().to_string(),
        "genesis_digest": cast.founded.genesis.digest(),
        "clients": {
            "advocate": client(&cast.advocate),
            "officer": client(&cast.officer),
            "auditor": cast.auditor().map_or(Value::Null, |a| client(&a)),
        },
        "grant_statement": grant.statement,
        "grant_signer": { "kty": "OKP", "crv": "Ed25519", "x": cast.advocate.public_key() },
        "release": released.release,
        "receipt": released.receipt,
        "declared": declared,
    });
    write(stage, &description).map_err(Failure::refused)?;
    out.line(format!(
        "\nThe broker stays at {url} until interrupted. How to reach it: {}",
        stage.path("broker.json").display()
    ));
    out.line(page(&url, cast, stage).map_err(Failure::refused)?);
    embedded::runtime()?.block_on(stopped());
    Ok(())
}

/// Seals and declares reports without uploading them. Each sealed file ends with its payload.
fn declared(cast: &mut Cast, url: &str, stage: &Stage) -> Result<Vec<Value>, DeskError> {
    let advocate = copy(&cast.advocate);
    let refused = |e: &dyn std::fmt::Display| DeskError::refused(e.to_string());
    let folder = stage.path("declared");
    founding::make_folder(&folder).map_err(|e| refused(&e))?;
    let material = folder.join("recording.bin");
    fs::write(&material, vec![0; DECLARED_BYTES]).map_err(|e| refused(&e))?;
    let plan = Plan::of(&[material], ManifestDraft::default(), &mut |_| {}).map_err(|e| refused(&e))?;
    let tier = Tier::try_from(2).map_err(DeskError::refused)?;
    cast.at_desk(&advocate, url, |desk| {
        let mut declare = |sealed_at: &Path| {
            let sealed = desk.seal(&plan, tier, ReportKind::Original, sealed_at, &mut |_| {})?;
            let (bytes, sha256) = (sealed.report.payload_bytes, sealed.report.payload_sha256);
            let report = desk.declare(sealed)?.id;
            Ok(json!({ "report": report, "sealed": sealed_at, "payload_bytes": bytes, "payload_sha256": sha256 }))
        };
        (1..=DECLARED).map(|number| declare(&folder.join(format!("{number}.age")))).collect()
    })
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

/// How to see all of this in a browser: the page, and the keys to sit down with.
fn page(url: &str, cast: &Cast, stage: &Stage) -> Result<String, String> {
    if let Some(why) = http::page_missing() {
        return Ok(format!("Its page is not here: {why}."));
    }
    let mut keys = String::new();
    let auditor = cast.auditor().map_err(|e| e.to_string())?;
    for (name, identity) in [("advocate", &cast.advocate), ("officer", &cast.officer), ("auditor", &auditor)] {
        let place = stage.path(&format!("{name}-identity.txt"));
        identity.write_plain(&place).map_err(|e| e.to_string())?;
        write!(keys, "\n  {name:<8} {}", place.display()).map_err(|e| e.to_string())?;
    }
    Ok(format!(
        "\nIn a browser on this machine: {url}/#/card/{card}\nBegin there with new keys, or bring those of the story (\u{201c}I \
         have an identity file\u{201d}, no passphrase):{keys}",
        card = cast.card().to_string().replace('#', "%23")
    ))
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
