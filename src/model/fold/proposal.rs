//! What needs several signatures: one statement proposes, others approve, and it takes effect at the approval that is
//! enough.

use super::{
    FoldError, Refusal,
    authority::{Signer, creates, is_about},
    epoch, freeze, grant, institution, keys, require, roster, withdrawal,
};
use crate::model::{
    event::Recorded,
    ids::Digest,
    institution::{Approval, CaseMatter},
    keys::PartyKind,
    party::{Holder, OfficeName},
    roster::Roster,
    rows::{Freezing, Held, KeyRow, Proposal, ProposalRow, Rows},
    statement::Signed,
    web::WebRelease,
};

pub(super) type Step<S> = Result<(), FoldError<<S as Rows>::Error>>;

pub(super) fn propose<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, proposal: Proposal) -> Step<S> {
    // Nothing that is proposed asks for fewer than two, so a proposal alone never takes effect.
    let row = ProposalRow { proposal, signers: vec![signed.kid], effective: false };
    rows.write(&signed.digest.to_string(), &row, at.entry).map_err(FoldError::Rows)
}

pub(super) fn web_release<S: Rows>(rows: &mut S, at: Recorded, signed: &Signed, release: &WebRelease) -> Step<S> {
    creates(signed)?;
    propose(rows, at, signed, Proposal::VouchForPage(release.clone()))
}

pub(super) fn approval<S: Rows>(
    rows: &mut S,
    at: Recorded,
    signed: &Signed,
    signer: &Signer,
    approval: &Approval,
) -> Step<S> {
    is_about(signed, approval.approves)?;
    if approval.matter == Some(CaseMatter::Grant) {
        return grant::approved(rows, at, signer, approval.approves.into());
    }
    let mut held: Held<ProposalRow> = require(rows, &approval.approves, "proposal")?;
    if held.row.proposal.matter() != approval.matter {
        return Err(Refusal::Unknown("proposal").into());
    }
    if held.row.effective {
        return Err(Refusal::AlreadyEffective.into());
    }
    if held.row.signers.contains(&signed.kid) {
        return Err(Refusal::ApprovesOwn.into());
    }
    may_approve(rows, signer, &held.row.proposal)?;
    held.row.signers.push(signed.kid);
    if agreed(&roster::in_force(rows)?.roster, &held.row) {
        held.row.effective = true;
        take_effect(rows, at, (approval.approves, signed.digest), &held.row)?;
    }
    rows.write(&approval.approves.to_string(), &held.row, at.entry).map_err(FoldError::Rows)
}

impl Proposal {
    /// What its approvals have to say it is; none for what stands in the register.
    fn matter(&self) -> Option<CaseMatter> {
        match self {
            Self::Admit(_) | Self::Lift(..) | Self::Roster(_) | Self::Resume(_) | Self::VouchForPage(_) => None,
            Self::Rotate(_, rotation) if rotation.of == PartyKind::Institution => None,
            Self::Rotate(..) => Some(CaseMatter::Rotation),
            Self::Thaw(..) | Self::Freezing(_, _, Freezing::Lifted) => Some(CaseMatter::Thaw),
            Self::Freezing(_, _, Freezing::Lasts) => Some(CaseMatter::Freeze),
            Self::Erase(..) => Some(CaseMatter::Withdrawal),
            Self::HandOver(_) => Some(CaseMatter::Handover),
        }
    }
}

/// A word that does not count, passed over in silence, would look like one that does.
fn may_approve<S: Rows>(rows: &S, signer: &Signer, proposal: &Proposal) -> Step<S> {
    let holder = signer.key.as_ref().map(|key: &KeyRow| &key.holder);
    let party = signer.party;
    let may = match proposal {
        Proposal::Roster(change) => {
            roster::is_next(&roster::in_force(rows)?, change)?;
            in_office(holder)
        }
        Proposal::Resume(resumption) => {
            drop(epoch::waits(rows, resumption)?);
            in_office(holder)
        }
        Proposal::Admit(_) | Proposal::Lift(..) | Proposal::VouchForPage(_) | Proposal::Freezing(..) => match holder {
            Some(Holder::Administrator {}) => true,
            Some(Holder::Council {}) => return Err(Refusal::AdministratorsAlone.into()),
            _ => false,
        },
        Proposal::Rotate(of, _) | Proposal::Erase(of, _) => holder == Some(&Holder::Recovery {}) && party == *of,
        Proposal::Thaw(_, _, guardian) => holder == Some(&Holder::Advocate {}) && party == *guardian,
        Proposal::HandOver(handover) => holder == Some(&Holder::Advocate {}) && party == handover.to,
    };
    if may { Ok(()) } else { Err(Refusal::NotAsked.into()) }
}

const fn in_office(holder: Option<&Holder>) -> bool {
    matches!(holder, Some(Holder::Administrator {} | Holder::Council {}))
}

/// Whether enough of those who may sign now have signed.
fn agreed(in_force: &Roster, row: &ProposalRow) -> bool {
    match &row.proposal {
        Proposal::Admit(_) | Proposal::Lift(..) | Proposal::VouchForPage(_) | Proposal::Freezing(..) => {
            in_force.is_enough(OfficeName::Administrators, &row.signers)
        }
        // Whoever confirms a roll-forward confirms the roster along with it.
        Proposal::Roster(_) | Proposal::Resume(_) => roster::agreed(in_force, &row.signers),
        // One other key, which `may_approve` has looked at.
        Proposal::Rotate(..) | Proposal::Thaw(..) | Proposal::Erase(..) | Proposal::HandOver(_) => {
            row.signers.len() >= 2
        }
    }
}

/// `by` is what was proposed and what approved it last.
fn take_effect<S: Rows>(rows: &mut S, at: Recorded, by: (Digest, Digest), row: &ProposalRow) -> Step<S> {
    match &row.proposal {
        Proposal::Resume(resumption) => epoch::resume(rows, at, resumption),
        // That they signed is all there is to it.
        Proposal::VouchForPage(_) => Ok(()),
        Proposal::Roster(change) => roster::take_effect(rows, at, change),
        Proposal::Admit(admission) => institution::admitted(rows, at, admission),
        Proposal::Lift(suspension, lifted) => institution::lifted(rows, at, suspension, *lifted),
        Proposal::Rotate(party, rotation) => keys::replace(rows, at, *party, &rotation.keys, &[by.0, by.1]),
        Proposal::Thaw(party, lifted, _) | Proposal::Freezing(party, lifted, Freezing::Lifted) => {
            freeze::lift(rows, at, *party, *lifted)
        }
        Proposal::Freezing(party, lasting, Freezing::Lasts) => freeze::last(rows, at, *party, *lasting),
        Proposal::Erase(_, report) => withdrawal::agreed(rows, at, *report, by.0),
        Proposal::HandOver(handover) => keys::hand_over(rows, at, handover, by.0, row.signers.first()),
    }
}
