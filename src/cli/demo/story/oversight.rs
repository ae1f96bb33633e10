//! What institution and administrators do around a release: ask for it first, and be stopped at once.

use super::{Teller, soon};
use crate::{
    cli::{
        demo::cast::{Cast, copy, purpose, text},
        founding,
    },
    client::{desk::DeskError, fetched::Asking},
    model::{
        genesis::NamedKey,
        ids::{GrantId, ReportId},
        institution::SuspensionAct,
    },
};

/// The officer asks for a report somebody told them of.
pub(super) fn ask(cast: &mut Cast, url: &str, report: ReportId, teller: &Teller<'_>) -> Result<(), DeskError> {
    let purposes = vec![purpose("commission-of-inquiry")?];
    let basis = text("resolution 1/1 of the Assembly (fictional)")?;
    let asking = Asking {
        message: Some("We look into what happened at the lake.".to_owned()),
        ..Asking::for_access(report, cast.advocate.recipient(), purposes, basis, soon(cast.now()))
    };
    let officer = copy(&cast.officer);
    cast.at_desk(&officer, url, |desk| desk.ask_for_access(&asking))?;
    teller.tell("The officer asks for access, with a message that only the advocate can open.");
    Ok(())
}

/// One administrator suspends the institution; it takes two to lift it.
pub(super) fn suspend(cast: &mut Cast, url: &str, grant: GrantId, teller: &Teller<'_>) -> Result<(), DeskError> {
    let (institution, use_for) = (cast.institution.party_id(), purpose("commission-of-inquiry")?);
    let (first, second) = (cast.administrator(0)?, cast.administrator(1)?);
    let (officer, reason) = (copy(&cast.officer), text("an officer's device was lost")?);
    let act = |act| {
        let reason = reason.clone();
        move |desk: &mut crate::client::desk::Desk| desk.suspend(institution, act, reason)
    };
    cast.at_desk(&first, url, act(SuspensionAct::Suspend))?;
    teller.tell("Suspended by one administrator: no release from that entry on.");
    let asked = cast.at_desk(&officer, url, |desk| desk.request_release(grant, &use_for));
    teller.refused("collecting while suspended", asked)?;
    let lift = cast.at_desk(&first, url, act(SuspensionAct::Lift))?.id;
    cast.at_desk(&second, url, |desk| desk.approve(lift))?;
    teller.tell("Lifted by two.");
    Ok(())
}

/// A second auditor is named: by two administrators and two of the council together.
pub(super) fn name_auditor(cast: &mut Cast, url: &str, teller: &Teller<'_>) -> Result<(), DeskError> {
    let second = founding::identity("auditor-2", &*cast.entropy()).map_err(DeskError::refused)?;
    let origin = cast.card().origin;
    let named = NamedKey { name: format!("{origin}/auditor-2"), key: second.public_key() };
    let (first, other) = (cast.administrator(0)?, cast.administrator(1)?);
    let proposal = cast.at_desk(&first, url, |desk| {
        let mut roster = desk.roster_in_force()?.roster;
        roster.roles.auditors.keys.push(named);
        desk.propose_roster(roster)
    })?;
    let council: Vec<_> = cast.founded.council.iter().take(2).map(copy).collect();
    for who in std::iter::once(&other).chain(&council) {
        cast.at_desk(who, url, |desk| desk.approve(proposal.id))?;
    }
    teller.tell("A second auditor is named, by two administrators and two of the council: neither could do it alone.");
    Ok(())
}
