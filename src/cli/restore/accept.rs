//! `serve --accept-restored`: a restored folder may go on.

use super::marker;
use crate::{
    cli::{
        ambient::SystemEntropy,
        embedded::{self, Settings},
        output::{Failure, Out, chain},
    },
    model::grant::EndCause,
    store::{OwnRecord, Store as _, sqlite::Snapshot},
};

/// What refusing says.
pub(in crate::cli) const REFUSED: &str = "this folder was restored from a backup, and its log may be older than what was \
    published since. Start once with --accept-restored: it goes on by itself if the anchor beside the keys knows of \
    nothing that was committed after the backup, and refuses if it does, since going on would leave clients and auditors \
    with evidence of a fork. Every open grant ends as lost and has to be given anew";

/// Ends every grant whose wrapped header is not here, each with an entry, and then removes the marker. Cut off at any
/// point, it is done again from the start.
pub(in crate::cli) fn accept(settings: Settings, out: &Out) -> Result<(), Failure> {
    let data = settings.places.data.clone();
    if !marker::path(&data).exists() {
        out.note("Nothing to accept: this folder was not restored, or has been accepted before.");
        return Ok(());
    }
    let storage = embedded::read_seed(&settings.places.keys.join("storage.key"))?;
    let (store, _) = embedded::open_marked_store(settings)?;
    let failed = |e: &dyn std::error::Error| Failure::refused(format!("not accepted: {}", chain(e)));
    let lost = Snapshot::open(&data, &storage, SystemEntropy::new())
        .and_then(|snapshot| snapshot.grants_without_header())
        .map_err(|e| failed(&e))?;
    embedded::runtime()?.block_on(async {
        for grant in &lost {
            store.record(OwnRecord::GrantEnded(*grant, EndCause::HeaderLost)).await.map_err(|e| failed(&e))?;
        }
        Ok::<(), Failure>(())
    })?;
    drop(store);
    marker::remove(&data).map_err(|e| failed(&e))?;
    out.note(format!(
        "The restored folder goes on. {} open grant(s) ended as lost: their owners have to give them anew.",
        lost.len()
    ));
    Ok(())
}
