//! What the broker and the policies would say to a grant that nobody has signed yet. Nothing is kept of it.

use super::{Broker, BrokerError, Caller, error::shown};
use crate::{
    model::{
        event::{EntryRef, Event, Log, Recorded},
        facts::ReleaseFacts,
        fold::{self, FoldError, Refusal},
        grant::Grant,
        ids::{Digest, GrantId, Jti, KeyId, Nonce, PublicKey},
        institution::OfficerAppointment,
        party::Holder,
        release::ReleaseRequest,
        rows::{Held, KeyRow, Row, Rows},
        statement::{Body, Kind, Signed},
        time::Timestamp,
        view::ReleaseView,
    },
    policy::Reason,
    store::{Facts, Store, StoreError},
    wire::api::Foreseen,
};
use std::collections::{BTreeMap, BTreeSet};

/// The facts as they are, with a layer over them that is thrown away.
struct Draft<'a> {
    facts: Facts<'a>,
    over: BTreeMap<(&'static str, String), (EntryRef, String)>,
}

impl Rows for Draft<'_> {
    type Error = StoreError;

    fn read<R: Row>(&self, key: &str) -> Result<Option<Held<R>>, StoreError> {
        let Some((version, text)) = self.over.get(&(R::KIND, key.to_owned())) else { return self.facts.read(key) };
        let row = serde_json::from_str(text).map_err(|_| StoreError::Form(R::KIND))?;
        Ok(Some(Held { row, version: *version }))
    }

    fn write<R: Row>(&mut self, key: &str, row: &R, version: EntryRef) -> Result<(), StoreError> {
        let text = serde_json::to_string(row).map_err(|_| StoreError::Form(R::KIND))?;
        self.over.insert((R::KIND, key.to_owned()), (version, text));
        Ok(())
    }
}

impl Broker {
    /// What would happen to a grant given now: a rule that refuses it, or every condition that keeps it from being
    /// collected yet.
    ///
    /// # Errors
    /// When storage fails. A grant that would be refused is no error.
    pub fn foresee(&self, grant: &Grant, caller: &Caller) -> Result<Foreseen, BrokerError> {
        self.charge_entry(caller.party)?;
        if let Some(unknown) = self.taxonomy.first_unknown(&grant.purposes) {
            return Err(BrokerError::UnknownPurpose(unknown.to_string()));
        }
        let heads = self.store.heads()?;
        let clocks = self.clocks()?;
        let at = |index| Recorded { entry: EntryRef { log: Log::Case, index }, at: clocks.not_passed };
        let mut draft = Draft { facts: Facts(&*self.store as &dyn Store), over: BTreeMap::new() };
        let signed = self.as_if_signed(caller, clocks.not_passed, heads.register.size);
        let id = GrantId::from(signed.digest);
        let given = Event::Accepted(signed, Body::Grant(Box::new(grant.clone())));
        match fold::apply(&mut draft, at(heads.case.size), &given) {
            Ok(()) => {}
            // What is not the caller's is not there.
            Err(FoldError::Refused(Refusal::Unknown(_) | Refusal::NotOwner | Refusal::WrongParty)) => {
                return Err(BrokerError::NotFound);
            }
            // Nor is what only somebody else may ever do a question about this grant.
            Err(FoldError::Refused(refusal @ Refusal::WrongSigner { .. })) => return Err(refusal.into()),
            Err(FoldError::Refused(refusal)) => return Ok(refused(&refusal)),
            Err(FoldError::Rows(error)) => return Err(error.into()),
        }
        // A header that has to come later is one of the conditions.
        match fold::apply(&mut draft, at(heads.case.size.saturating_add(1)), &Event::HeaderReceived(id)) {
            Ok(()) | Err(FoldError::Refused(_)) => {}
            Err(FoldError::Rows(error)) => return Err(error.into()),
        }
        let officer = somebody_who_collects(&mut draft, grant, at(heads.case.size))?;
        let mut reasons: BTreeSet<Reason> = BTreeSet::new();
        for purpose in &grant.purposes {
            let view = ReleaseView::load(&draft, id, officer)?.ok_or(BrokerError::NotFound)?;
            let nonce = Nonce::from_bytes([0; 16]);
            let request = ReleaseRequest { grant: id, purpose: purpose.clone(), nonce, conditions_noted: id };
            reasons.extend(self.engine.rejudge_release(&ReleaseFacts::of(view, request, clocks)));
        }
        Ok(Foreseen { refused: None, conditions: shown(&reasons.into_iter().collect::<Vec<_>>()) })
    }

    fn as_if_signed(&self, caller: &Caller, now: Timestamp, seen: u64) -> Signed {
        let random = crate::model::ambient::random::<32>(&*self.entropy);
        let mut jti = [0; 16];
        jti.copy_from_slice(random.split_at(16).0);
        Signed {
            digest: Digest::from_bytes(random),
            kind: Kind::Grant,
            kid: caller.key,
            iss: caller.party,
            jti: Jti::from_bytes(jti),
            iat: now,
            submit_by: now.plus(crate::model::limits::CLOCK_AHEAD),
            subject: None,
            prev: None,
            seen_register: Some(seen),
        }
    }
}

fn refused(refusal: &Refusal) -> Foreseen {
    Foreseen { refused: Some(refusal.to_string()), conditions: Vec::new() }
}

/// The first officer the grant names, or one made up who is in office for good: what is foreseen is about the grant.
fn somebody_who_collects(draft: &mut Draft<'_>, grant: &Grant, at: Recorded) -> Result<KeyId, BrokerError> {
    if let Some(named) = grant.officers.first() {
        return Ok(*named);
    }
    let public = PublicKey::from_bytes([1; 32]);
    let unit = "unit".parse().map_err(|_| BrokerError::Internal("a text".to_owned()))?;
    let office =
        OfficerAppointment { institution: grant.institution, signing_key: public, unit, until: Timestamp::FAR_FUTURE };
    let kid = public.thumbprint();
    let row = KeyRow { public, party: kid.first_of_party(), holder: Holder::Officer(office) };
    draft.write(&kid.to_string(), &row, at.entry)?;
    Ok(kid)
}
