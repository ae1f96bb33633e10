//! What is said at start about log keys that are at hand and not in force.

use crate::{
    broker::Broker,
    cli::{
        embedded::{self, Places},
        output::Out,
    },
    model::{event::Log, genesis::LogKeys, ids::PublicKey, rows::of_log},
};
use ed25519_dalek::SigningKey;

/// Says which key waits, and which may go.
pub(super) fn tell(places: &Places, broker: &Broker, out: &Out) {
    let Ok(row) = broker.roster() else { return };
    for log in [Log::Register, Log::Case] {
        let name = of_log(log);
        for file in embedded::log_key_files(name) {
            let path = places.keys.join(&file);
            let Ok(seed) = embedded::read_seed(&path) else { continue };
            let key = PublicKey::from_bytes(SigningKey::from_bytes(&seed).verifying_key().to_bytes());
            let (path, ours) = (path.display(), |keys: &LogKeys| key_of(log, keys) == key);
            if ours(&row.roster.log_keys) {
                continue;
            }
            if row.earlier.iter().any(|earlier| ours(&earlier.log_keys)) {
                out.note(format!(
                    "{path} holds a replaced key of the {name} log. It signs beside the key in force, for whoever knows no \
                     other. When every witness and monitor has the new key, delete it, rename {name}.next.key to \
                     {name}.key, and start again."
                ));
            } else {
                out.note(format!("{path} is prepared: it signs the {name} log once a roster names {key}."));
            }
        }
    }
}

fn key_of(log: Log, keys: &LogKeys) -> PublicKey {
    match log {
        Log::Register => keys.register,
        Log::Case => keys.case,
    }
}
