//! From found files and a draft to a manifest.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{PlanError, Warning, facts};
use crate::client::report::consent::ConsentRegister;
use crate::client::report::draft::{DraftError, ItemDraft, ManifestDraft, read_describing};
use crate::client::report::item::Item;
use crate::client::report::limits::MAX_FILES;
use crate::client::report::manifest::Manifest;
use crate::client::report::name;
use crate::client::report::relation;
use crate::client::report::strict::FreeObject;
use crate::client::report::tables::{self, MediaRow};
use crate::client::report::walk::Found;

/// Where a provider's folder keeps what describes it.
const CONSENT_REGISTER: &str = "consent/consent_register.json";
const PROVIDER_CARD: &str = "provider/provider_card.json";
const CUSTODY_LOG: &str = "custody/custody_log.csv";
const REDACTION_LOG: &str = "redaction/redaction_log.csv";
const MEDIA_LIST: &str = "media/media_list.csv";

/// A manifest with the paths of its items' files.
pub(super) struct Described {
    pub(super) manifest: Manifest,
    pub(super) sources: Vec<PathBuf>,
    pub(super) warnings: Vec<Warning>,
}

/// Removes the file with that real name from the list.
pub(super) fn take(found: &mut Vec<Found>, name: &str) -> Option<Found> {
    let position = found.iter().position(|file| file.name == name)?;
    Some(found.remove(position))
}

/// Chooses the files, reads each once and describes it.
pub(super) fn describe(
    mut found: Vec<Found>,
    mut draft: ManifestDraft,
    progress: &mut dyn FnMut(u64),
) -> Result<Described, PlanError> {
    // The register is sealed once, in the manifest: two copies could contradict each other.
    let register_name = draft.consent_register.take();
    let register = match (take(&mut found, register_name.as_deref().unwrap_or(CONSENT_REGISTER)), register_name) {
        (None, Some(name)) => return Err(PlanError::NotThere { name }),
        (register, _) => register,
    };
    choose(&mut found, &draft)?;
    let card = take(&mut found, PROVIDER_CARD);
    super::bounded(found.len())?;
    let consent_register = register.map(|file| read_json::<ConsentRegister>(&file)).transpose()?;
    let provider_card = card.map(|file| read_json::<FreeObject>(&file)).transpose()?;
    let media: Vec<MediaRow> = read_table(&found, MEDIA_LIST)?;
    let custody_log = read_table(&found, CUSTODY_LOG)?;
    let redaction_log = read_table(&found, REDACTION_LOG)?;

    let mut warnings = Vec::new();
    let mut items = Vec::new();
    for (position, file) in found.iter().enumerate() {
        let said = draft.items.remove(&file.name);
        if consent_register.is_some() && said.as_ref().is_none_or(|said| said.persons.is_none()) {
            warnings.push(Warning::PersonsNotStated { path: file.name.clone() });
        }
        let row = media.iter().find(|row| row.file == file.name);
        let said = with_media(said.unwrap_or_default(), row);
        items.push(read_item(position, file, said, &mut warnings, progress)?);
    }
    if let Some(name) = draft.items.into_keys().next() {
        return Err(PlanError::NotThere { name });
    }
    let manifest = Manifest {
        v: 1,
        kind: relation::kind_of(&draft.relations, draft.kind.unwrap_or_default()),
        fictional: draft.fictional,
        id: draft.id,
        title: draft.title,
        version: draft.version,
        relations: draft.relations,
        summary: draft.summary,
        languages: draft.languages,
        spoken: draft.spoken,
        events: draft.events,
        handling: draft.handling,
        preservation: draft.preservation,
        provider_card,
        consent_register,
        custody_log,
        redaction_log,
        items,
    };
    Ok(Described { manifest, sources: found.into_iter().map(|file| file.source).collect(), warnings })
}

/// Keeps what the draft selects and drops what it leaves out; every name it uses must exist.
fn choose(found: &mut Vec<Found>, draft: &ManifestDraft) -> Result<(), PlanError> {
    let within =
        |file: &str, name: &str| file == name || file.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
    for name in &draft.leave_out {
        if !found.iter().any(|file| within(&file.name, name)) {
            return Err(PlanError::NotThere { name: name.clone() });
        }
    }
    found.retain(|file| !draft.leave_out.iter().any(|name| within(&file.name, name)));
    if let Some(select) = &draft.select {
        let there: BTreeSet<&str> = found.iter().map(|file| file.name.as_str()).collect();
        if let Some(name) = select.iter().find(|name| !there.contains(name.as_str())) {
            return Err(PlanError::NotThere { name: name.clone() });
        }
        let select: BTreeSet<&str> = select.iter().map(String::as_str).collect();
        found.retain(|file| select.contains(file.name.as_str()));
    }
    Ok(())
}

fn read_json<T: for<'de> serde::Deserialize<'de>>(file: &Found) -> Result<T, DraftError> {
    serde_json::from_slice(&read_describing(&file.source)?)
        .map_err(|source| DraftError::Json { path: file.source.clone(), source })
}

fn read_table<Row: for<'de> serde::Deserialize<'de>>(found: &[Found], name: &str) -> Result<Vec<Row>, DraftError> {
    let Some(file) = found.iter().find(|file| file.name == name) else { return Ok(Vec::new()) };
    tables::read(&read_describing(&file.source)?)
        .map_err(|source| DraftError::Table { path: file.source.clone(), source })
}

/// What the draft leaves unsaid about a file, said by its row of the media list.
fn with_media(said: ItemDraft, row: Option<&MediaRow>) -> ItemDraft {
    let Some(row) = row else { return said };
    ItemDraft {
        role: said.role.or_else(|| Some("media".to_owned())),
        original_or_copy: said.original_or_copy.or_else(|| tables::said(&row.original_or_copy)),
        how_received: said.how_received.or_else(|| tables::said(&row.how_received)),
        received_from: said.received_from.or_else(|| tables::said(&row.received_from)),
        received_at: said.received_at.or_else(|| tables::said(&row.received_at)),
        sha256_at_receipt: said.sha256_at_receipt.or_else(|| row.sha256_at_receipt.parse().ok()),
        notes: said.notes.or_else(|| tables::said(&row.notes)),
        ..said
    }
}

fn read_item(
    position: usize,
    file: &Found,
    said: ItemDraft,
    warnings: &mut Vec<Warning>,
    progress: &mut dyn FnMut(u64),
) -> Result<Item, PlanError> {
    let member = name::member(position, &file.name).ok_or(PlanError::TooManyFiles { most: MAX_FILES })?;
    let facts = facts::read(&file.source, progress)?;
    let path = file.name.clone();
    if let Some(hidden) = facts.hidden {
        warnings.push(Warning::HiddenMetadata { path: path.clone(), hidden });
    }
    if said.sha256_at_receipt.is_some_and(|received| received != facts.sha256) {
        warnings.push(Warning::ChangedSinceReceipt { path: path.clone() });
    }
    Ok(Item {
        path,
        member,
        bytes: facts.bytes,
        sha256: facts.sha256,
        mtime: super::moment(file),
        role: said.role.unwrap_or_else(|| "file".to_owned()),
        lang: said.lang,
        original_or_copy: said.original_or_copy,
        how_received: said.how_received,
        received_from: said.received_from,
        received_at: said.received_at,
        sha256_at_receipt: said.sha256_at_receipt,
        derived_from: said.derived_from,
        how: said.how,
        machine_translated: said.machine_translated,
        redaction_log: said.redaction_log,
        persons: said.persons.unwrap_or_default(),
        notes: said.notes,
    })
}
