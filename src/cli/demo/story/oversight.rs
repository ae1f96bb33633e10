//! What institution and administrators do around a release: ask for it first, and be stopped at once.

use super::{Teller, soon};
use crate::{
    cli::demo::cast::{Cast, copy, purpose, text},
    client::{desk::DeskError, fetched::Asking},
    model::{
        ids::{GrantId, ReportId},
        institution::SuspensionAct,
    },
};

/// The officer asks for a report somebody told them of.
pub(super) fn ask(cast: &mut Cast, url: &str, report: ReportId, teller: &Teller<'_>) -> Result<(), DeskError> {
    let asking = Asking {
        report,
        owner: cast.advocate.recipient(),
        purposes: vec![purpose("commission-of-inquiry")?],
        legal_basis: text("resolution 1/1 of the Assembly (fictional)")?,
        deadline: soon(cast.now()),
        message: Some("We look into what happened at the lake.".to_owned()),
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
