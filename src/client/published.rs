//! What institutions published, read out of the verified register: terms, calls, records that wait, and what accreditors
//! found. Every statement here was verified under its key when the register was read.

use super::mirror::Mirror;
use crate::{
    model::{
        ids::{Digest, KeyId, PartyId},
        institution::{Attestation, AttestationKind, Call, RecordChange, Terms},
        statement::Body,
        time::Timestamp,
        web::WebRelease,
    },
    wire::entry::Shared,
};

/// A statement of the register.
#[derive(Clone, Debug)]
pub struct Published<B> {
    /// Its digest.
    pub statement: Digest,
    /// When it was entered.
    pub at: Timestamp,
    /// The key that signed it.
    pub by: KeyId,
    /// What it says.
    pub body: B,
}

impl Mirror {
    /// The terms under a digest: those in force, or earlier ones that a grant still keeps to.
    pub fn terms(&self, statement: Digest) -> Option<Published<Terms>> {
        self.published(terms).find(|terms| terms.statement == statement)
    }

    /// Calls for information that run at `now`, of institutions that may receive, oldest first.
    pub fn running_calls(&self, now: Timestamp) -> Vec<Published<Call>> {
        let receives = |id: PartyId| {
            let row = self.institution(id);
            row.is_some_and(|row| row.admitted_at.is_some() && row.suspended_at.is_none() && now < row.mandate_until())
        };
        self.published(call).filter(|call| now < call.body.until && receives(call.body.institution)).collect()
    }

    /// A record an institution brought, waiting or in force.
    pub fn record(&self, statement: Digest) -> Option<Published<RecordChange>> {
        self.published(record).find(|record| record.statement == statement)
    }

    /// The newest record an institution brought after the one in force, if it waits for its admission.
    pub fn waiting_record(&self, institution: PartyId) -> Option<Published<RecordChange>> {
        let in_force = self.institution(institution)?.record_statement();
        let newest = self.published(record).filter(|record| record.body.institution == institution).last()?;
        Some(newest).filter(|newest| newest.statement != in_force)
    }

    /// The last attestation of a kind about an institution.
    pub fn last_attestation(&self, institution: PartyId, kind: AttestationKind) -> Option<Published<Attestation>> {
        let about = |found: &Published<Attestation>| found.body.institution == institution && found.body.kind == kind;
        self.published(attestation).filter(about).last()
    }

    /// Every statement that names a version of the page, in its order; whether it took effect is its proposal's to say.
    pub(in crate::client) fn web_releases(&self) -> impl Iterator<Item = Published<WebRelease>> + '_ {
        self.published(web_release)
    }

    fn published<'a, B: 'a>(&'a self, pick: fn(Body) -> Option<B>) -> impl Iterator<Item = Published<B>> + 'a {
        self.entries().iter().filter_map(move |entry| {
            let shared = Shared::parse(entry).ok()?;
            let statement = shared.statement().ok()??;
            let (digest, by) = (statement.digest(), statement.kid());
            let body = pick(statement.into_unverified_body())?;
            Some(Published { statement: digest, at: shared.at, by, body })
        })
    }
}

fn terms(body: Body) -> Option<Terms> {
    if let Body::Terms(terms) = body { Some(terms) } else { None }
}
fn call(body: Body) -> Option<Call> {
    if let Body::Call(call) = body { Some(call) } else { None }
}
fn record(body: Body) -> Option<RecordChange> {
    if let Body::Record(record) = body { Some(record) } else { None }
}
fn attestation(body: Body) -> Option<Attestation> {
    if let Body::Attestation(attestation) = body { Some(attestation) } else { None }
}
fn web_release(body: Body) -> Option<WebRelease> {
    if let Body::WebRelease(release) = body { Some(release) } else { None }
}
