//! One release, from the officer's signed request to header bytes.

use super::{Broker, BrokerError, Caller, Connection, denials::Recording};
use crate::{
    model::{
        facts::ReleaseFacts,
        ids::{Digest, GrantId, KeyId, PartyId, ReleaseId, ReportId},
        limits,
        release::ReleaseRequest,
        rows::{Held, PartyRow, ReportRow, Rows, StatementRow},
        statement::Kind,
        view::ReleaseView,
    },
    store::{self, CommitError, Facts, Logged},
    wire::{
        api::{Bytes, Released},
        statement::{Unverified, Verified},
    },
};

impl Broker {
    /// Releases a header: verified statement → facts → permit → entry → header.
    ///
    /// The same statement again is the same release, delivered again.
    ///
    /// # Errors
    /// [`BrokerError::Denied`] with every failing condition, logged; [`BrokerError`] otherwise.
    pub async fn release(
        &self,
        grant: GrantId,
        text: &str,
        caller: &Caller,
        connection: &Connection,
    ) -> Result<Released, BrokerError> {
        let verified = self.verify_from(Unverified::parse_kind(text, Kind::ReleaseRequest)?, caller)?;
        let request = verified.into_release_request().ok_or(BrokerError::NotFound)?;
        // What was asked for in the clear is what was signed, or nothing.
        if request.body().grant != grant {
            return Err(BrokerError::NotFound);
        }
        self.charge_entry(caller.party)?;
        let id = request.signed().digest;
        let mut denial = None;
        for _ in 0..limits::CONFLICT_RETRIES {
            // Looked up each time: the same request may have been sent twice at once, and the other one won.
            if store::release_of(&*self.store, id)?.is_some() {
                return self.release_again(id.into(), caller, connection).await;
            }
            if let Some(logged) = self.spend(&request, caller, connection, &mut denial).await? {
                return self.answer(id.into(), logged, Delivery::First);
            }
        }
        Err(BrokerError::Busy)
    }

    /// Decides and commits; `None` when something changed in between, and it has to be read and decided again.
    async fn spend(
        &self,
        request: &Verified<ReleaseRequest>,
        caller: &Caller,
        connection: &Connection,
        denial: &mut Option<Recording>,
    ) -> Result<Option<Logged<crate::policy::Release>>, BrokerError> {
        let view = ReleaseView::load(&Facts(&*self.store), request.body().grant, caller.key)?
            .filter(ReleaseView::concerns_officer)
            .ok_or(BrokerError::NotFound)?;
        // Registered before the commit: a revocation from here on finds the connection and resets it.
        self.streams.register(request.body().grant, &view, connection);
        let facts = ReleaseFacts::of(view, request.body().clone(), self.clocks()?);
        match self.engine.decide_release(facts) {
            Ok(permit) => match self.store.commit_release(permit, request.clone()).await {
                Err(CommitError::Conflict) => Ok(None),
                outcome => Ok(Some(outcome?)),
            },
            Err(denied) => {
                let reasons = denied.reasons.clone();
                // One request is one denial, however often it is decided.
                let recording = match *denial {
                    Some(recording) => recording,
                    None => *denial.insert(self.record_denial(caller.key)?),
                };
                if recording == Recording::Counted {
                    return Err(BrokerError::DeniedAndCounted { reasons });
                }
                match self.store.deny(*denied, request.clone()).await {
                    Err(CommitError::Conflict) => Ok(None),
                    // Accepted since the view was read: what was denied is that very release a second time.
                    Err(CommitError::Refused(_))
                        if store::release_of(&*self.store, request.signed().digest)?.is_some() =>
                    {
                        Ok(None)
                    }
                    recorded => Err(BrokerError::Denied { reasons, receipt: Some(recorded?.receipt) }),
                }
            }
        }
    }

    async fn release_again(
        &self,
        release: ReleaseId,
        caller: &Caller,
        connection: &Connection,
    ) -> Result<Released, BrokerError> {
        let redelivered = self.redeliver(release, caller, connection).await?;
        self.answer(release, redelivered.logged, Delivery::Again)
    }

    fn answer(
        &self,
        release: ReleaseId,
        logged: Logged<crate::policy::Release>,
        delivery: Delivery,
    ) -> Result<Released, BrokerError> {
        let row = self.release_row(release)?;
        let grant = store::grant_of(&*self.store, row.grant)?.ok_or(BrokerError::NotFound)?.row.grant;
        let grant_statement = self.statement_text(row.grant.into())?;
        let report_statement = self.statement_text(grant.report.into())?;
        let keys = self.why_they_signed(&grant_statement, &report_statement, grant.report)?;
        let kid = Unverified::parse(&grant_statement)?.kid();
        let advocate_key = self.registered_key(kid)?.ok_or(BrokerError::NotFound)?;
        let (header, receipt) = logged.into_header();
        Ok(Released {
            release,
            header: Bytes(header),
            receipt,
            grant_statement,
            report_statement,
            advocate_key,
            keys,
            again: delivery == Delivery::Again,
        })
    }

    /// Nothing where one first key signed both; else every statement by which its place was taken.
    fn why_they_signed(&self, grant: &str, report: &str, id: ReportId) -> Result<Vec<String>, BrokerError> {
        let signers: Result<Vec<KeyId>, BrokerError> =
            [report, grant].iter().map(|text| Ok(Unverified::parse(text)?.kid())).collect();
        let mut parties: Vec<PartyId> = Vec::new();
        for kid in signers? {
            let party = self.key_row(kid)?.ok_or(BrokerError::NotFound)?.party;
            if !parties.contains(&party) {
                parties.push(party);
            }
        }
        let held: Held<ReportRow> = Facts(&*self.store).read(&id.to_string())?.ok_or(BrokerError::NotFound)?;
        for offer in &held.row.owner_by {
            let kid = Unverified::parse(&self.statement_text(*offer)?)?.kid();
            let party = self.key_row(kid)?.ok_or(BrokerError::NotFound)?.party;
            if !parties.contains(&party) {
                parties.push(party);
            }
        }
        let mut digests: Vec<Digest> = Vec::new();
        for party in &parties {
            let held: Held<PartyRow> = Facts(&*self.store).read(&party.to_string())?.ok_or(BrokerError::NotFound)?;
            digests.push(held.row.statement);
            digests.extend(&held.row.keys_by);
        }
        if digests.len() == 1 && held.row.owner_by.is_empty() {
            return Ok(Vec::new());
        }
        digests.extend(&held.row.owner_by);
        digests.into_iter().map(|digest| self.statement_text(digest)).collect()
    }

    /// The text of an accepted statement, from the entry that holds it.
    pub(super) fn statement_text(&self, digest: Digest) -> Result<String, BrokerError> {
        let held: Option<Held<StatementRow>> = Facts(&*self.store).read(&digest.to_string())?;
        let entry = held.ok_or(BrokerError::NotFound)?.version;
        let shared = self.store.entry_shared(entry)?.ok_or(BrokerError::NotFound)?;
        let shared = crate::wire::entry::Shared::parse(&shared).map_err(|e| BrokerError::Internal(e.to_string()))?;
        shared.statement.ok_or(BrokerError::NotFound)
    }
}

/// Whether a release is delivered for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    First,
    Again,
}
