//! What an institution owes once it was trusted: a second officer who agrees, and honest words on what became of it.

use super::{
    desk::{Desk, DeskError},
    fetched::grant_of,
};
use crate::{
    model::{
        answer::{Became, Status},
        grant::Grant,
        ids::{Digest, GrantId},
        institution::{Approval, CaseMatter},
    },
    wire::api::{Accepted, GrantSummary},
};

impl Desk {
    /// One grant, with the terms its statement holds: the statement is the one the grant's id names.
    ///
    /// # Errors
    /// When the broker lists none such, or shows another statement for it.
    pub fn listed_grant(&self, id: GrantId) -> Result<(GrantSummary, Grant), DeskError> {
        let found = self.grants()?.into_iter().find(|grant| grant.id == id);
        let summary = found.ok_or_else(|| {
            DeskError::refused(format!("the broker lists no grant {id} for you; see `amana grant list`"))
        })?;
        let terms = terms_of(&summary)?;
        Ok((summary, terms))
    }

    /// Agrees, as another officer than the one who collects, that a grant may be collected.
    ///
    /// # Errors
    /// [`DeskError`]; nobody agrees twice.
    pub fn agree_to_collect(&mut self, grant: GrantId) -> Result<Accepted, DeskError> {
        self.acts_for_institution()?;
        let approves = Digest::from(grant);
        self.state(&Approval { approves, matter: Some(CaseMatter::Grant) }, Some(approves))
    }

    /// Says what became of what was last collected under a grant.
    ///
    /// # Errors
    /// When nothing was collected under it, or another grant took its place; [`DeskError`].
    pub fn say_what_became(&mut self, summary: &GrantSummary, became: Became) -> Result<Accepted, DeskError> {
        self.acts_for_institution()?;
        if let Some(later) = summary.replaced_by {
            return Err(DeskError::refused(format!(
                "another grant took the place of this one; say it under that one: amana release status {later}"
            )));
        }
        let release = summary.exercised.ok_or_else(|| {
            DeskError::refused("nothing was collected under this grant, so there is nothing to answer for")
        })?;
        self.state(&Status { grant: summary.id, release, became }, Some(summary.id.into()))
    }
}

/// The terms of a grant as the broker lists it, from its statement.
///
/// # Errors
/// [`DeskError::Forged`] when the statement is not the one the id names, or says something else than the list.
pub fn terms_of(summary: &GrantSummary) -> Result<Grant, DeskError> {
    let forged = |why: &str| DeskError::Forged { what: format!("the grant {}", summary.id), why: why.to_owned() };
    if Digest::of(summary.statement.as_bytes()) != summary.id.into() {
        return Err(forged("its statement is another one"));
    }
    let terms = grant_of(&summary.statement)?;
    let listed = (summary.report, summary.institution, &summary.purposes, summary.collect);
    if listed == (terms.report, terms.institution, &terms.purposes, terms.collect) {
        Ok(terms)
    } else {
        Err(forged("what is listed is not what was signed"))
    }
}
