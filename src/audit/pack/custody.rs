//! The account of custody: before sealing as the advocate tells it, after sealing as the log proves it.

use super::{
    evidence::{STATEMENTS, entry_file, numbered},
    story::{Story, Told},
    words,
};
use crate::model::{
    event::Event,
    ids::{Digest, GrantId, KeyId, PartyId, ReportId},
    party::Holder,
    rows::{GrantRow, Held, InstitutionRow, KeyRow, Rows as _},
    statement::{Body, Kind, Signed},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// `custody.json`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custody {
    /// `amana-custody/v1`.
    pub format: String,
    /// What wrote it.
    pub program: String,
    /// Card of the broker.
    pub card: String,
    /// The report.
    pub report: ReportId,
    /// Its owner, who has no name here.
    pub advocate: PartyId,
    /// What was sealed.
    pub sealed: Sealed,
    /// Custody before sealing: the advocate's account.
    pub before: Before,
    /// Custody after sealing: what the log proves.
    pub after: Vec<Act>,
    /// Who saw the log.
    pub witnessed: Seen,
}

/// What was sealed, by the signed report statement.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// SHA-256 of the sealed content.
    pub payload_sha256: Digest,
    /// Its length in bytes.
    pub payload_bytes: u64,
    /// Commitment to the key that opens it.
    pub key_commitment: Digest,
    /// SHA-256 of the advocate's own locked key.
    pub owner_header: Digest,
    /// Digest, as used in `digests.txt`, of each locked key made for an institution.
    pub headers: Vec<(GrantId, Digest)>,
}

/// The advocate's account of what was before sealing. Nobody but the advocate vouches for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "source", deny_unknown_fields)]
pub enum Before {
    /// It stays in the sealed report.
    StaysSealed {
        /// Digests of the sealed files, if the advocate's device remembers them.
        items: Vec<Item>,
    },
    /// Taken from the manifest in the sealed report.
    SealedReport {
        /// The sealed files.
        items: Vec<Item>,
        /// Hand-overs, as written.
        rows: Vec<BeforeRow>,
    },
}

impl Before {
    /// The sealed files.
    pub fn items(&self) -> &[Item] {
        match self {
            Self::StaysSealed { items } | Self::SealedReport { items, .. } => items,
        }
    }
    /// Hand-overs.
    pub fn rows(&self) -> &[BeforeRow] {
        match self {
            Self::StaysSealed { .. } => &[],
            Self::SealedReport { rows, .. } => rows,
        }
    }
}

/// A sealed file: no name, no length, no person.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its number in the sealed report, from 1.
    pub number: u64,
    /// SHA-256 as sealed.
    pub sha256: Digest,
    /// SHA-256 when the provider received it, if noted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256_at_receipt: Option<Digest>,
    /// Original or copy, as written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub original_or_copy: Option<String>,
    /// How it was received, as written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub how_received: Option<String>,
    /// When it was received, as written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub received_at: Option<String>,
}

/// One hand-over before sealing, as written; places and reasons stay sealed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeforeRow {
    /// Number of the row.
    pub seq: String,
    /// The provider's code of the item.
    pub item: String,
    /// When.
    pub utc: String,
    /// From whom, as a code.
    pub from: String,
    /// To whom, as a code.
    pub to: String,
    /// How.
    pub how: String,
    /// SHA-256 at that moment.
    pub sha256: String,
    /// Seal or medium.
    pub seal_or_medium: String,
}

/// Something the log proves.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Index in the case log.
    pub entry: u64,
    /// When, by the broker's clock, in seconds.
    pub at: Timestamp,
    /// The same as RFC 3339.
    pub utc: String,
    /// What, as a word for programs.
    pub what: String,
    /// What, for people.
    pub words: String,
    /// Who.
    pub actor: Actor,
    /// The proof file.
    pub proof: String,
    /// The statement file, if somebody signed one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statement: Option<String>,
    /// Whether witnesses, as many as the broker's rules ask for, cosigned a log that holds it.
    pub witnessed: bool,
}

/// Who did it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// `advocate`, `officer`, `broker`, …
    pub role: String,
    /// The key that signed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<KeyId>,
    /// Public name of the institution they act for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub institution: Option<String>,
}

/// Who saw the log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Entries of the newest state in the pack, which the log itself signed.
    pub size: u64,
    /// Entries of the state that was published; 0 before the first publication.
    pub published: u64,
    /// How many witnesses the broker's rules ask for.
    pub quorum: usize,
    /// Witnesses that cosigned it, by name, and when, in seconds.
    pub witnesses: Vec<(String, Timestamp)>,
    /// Entries of the published register; 0 before the first publication.
    pub register_published: u64,
    /// Witnesses that cosigned that.
    pub register_witnesses: Vec<(String, Timestamp)>,
}

impl Custody {
    /// The account of a story.
    pub(super) fn of(story: &Story, before: Before, program: String) -> Self {
        let report = &story.row.report;
        let headers = story.told.iter().filter_map(|told| match &told.event {
            Event::Accepted(signed, Body::Grant(grant)) => Some((signed.digest.into(), grant.header)),
            _ => None,
        });
        let (public, register) = (story.public.as_ref(), story.public_register.as_ref());
        Self {
            format: "amana-custody/v1".to_owned(),
            program,
            card: story.card.clone(),
            report: story.report,
            advocate: story.owner,
            sealed: Sealed {
                payload_sha256: report.payload_sha256,
                payload_bytes: report.payload_bytes,
                key_commitment: report.key_commitment,
                owner_header: report.owner_header,
                headers: headers.collect(),
            },
            before,
            after: story.told.iter().map(|told| act(story, told)).collect(),
            witnessed: Seen {
                size: story.size,
                published: public.map_or(0, |public| public.checkpoint.size()),
                quorum: story.quorum,
                witnesses: public.map(|public| public.times.clone()).unwrap_or_default(),
                register_published: register.map_or(0, |register| register.checkpoint.size()),
                register_witnesses: register.map(|register| register.times.clone()).unwrap_or_default(),
            },
        }
    }
}

/// The file of a statement in an entry.
pub(super) fn statement_file(index: u64, kind: Kind) -> String {
    let kind = kind.typ().trim_start_matches("amana-").trim_end_matches("-v1+jwt");
    format!("{STATEMENTS}{}-{kind}.jws", numbered(index))
}

fn act(story: &Story, told: &Told) -> Act {
    let (index, at) = (told.recorded.entry.index, told.recorded.at);
    let actor = actor(story, &told.event);
    let (what, words) = words::of(story, &told.event, &actor);
    Act {
        entry: index,
        at,
        utc: words::utc(at),
        what: what.to_owned(),
        words,
        actor,
        proof: entry_file(index),
        statement: signed_in(&told.event).map(|signed| statement_file(index, signed.kind)),
        witnessed: story.is_witnessed(index),
    }
}

/// Who signed what an entry records.
pub(super) fn signed_in(event: &Event) -> Option<&Signed> {
    match event {
        Event::Accepted(signed, _) | Event::Released(signed, _) | Event::ReleaseDenied(signed, _) => Some(signed),
        _ => None,
    }
}

fn actor(story: &Story, event: &Event) -> Actor {
    let key = match event {
        Event::OwnerHeaderFetched(_, key) | Event::OwnerHeaderDenied(_, key) => Some(*key),
        other => signed_in(other).map(|signed| signed.kid),
    };
    let Some(key) = key else { return Actor { role: "broker".to_owned(), key: None, institution: None } };
    let held: Option<Held<KeyRow>> = story.facts.read(&key.to_string()).ok().flatten();
    let holder = held.map(|held| held.row.holder);
    let institution = match &holder {
        Some(Holder::Officer(appointment)) => institution(story, appointment.institution),
        _ => None,
    };
    Actor { role: holder.as_ref().map_or("unknown", Holder::role).to_owned(), key: Some(key), institution }
}

/// An institution's public name.
pub(super) fn institution(story: &Story, id: PartyId) -> Option<String> {
    let held: Option<Held<InstitutionRow>> = story.facts.read(&id.to_string()).ok().flatten();
    held.map(|held| held.row.record.name.to_string())
}

/// The grant an entry names.
pub(super) fn grant(story: &Story, id: GrantId) -> Option<GrantRow> {
    let held: Option<Held<GrantRow>> = story.facts.read(&id.to_string()).ok().flatten();
    held.map(|held| held.row)
}
