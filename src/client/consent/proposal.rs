//! What a withdrawal implies: which grants are wider than what the persons say now, how each is withdrawn, and what
//! narrower release remains possible. It proposes; nothing here signs.

use super::{Change, Given, Said, Withdrawal, date_of, level, working, working::applied};
use crate::{
    client::{
        desk::DeskError,
        memory::{Memory, OwnReport},
        relations,
        report::{ConsentRefusal, ConsentRegister, Item, Proposed, check},
    },
    model::{
        grant::{Grant, Scope},
        ids::{GrantId, PartyId, ReportId},
        purpose::{Identification, Purpose, RecipientClass},
        time::Timestamp,
    },
};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeSet;

/// A grant that is now wider than a person's consent, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The grant to withdraw.
    pub grant: GrantId,
    /// Its report.
    pub report: ReportId,
    /// Who holds it.
    pub institution: PartyId,
    /// How often it was collected; none where the broker was not asked.
    pub collected: Option<u32>,
    /// What to withdraw.
    pub scopes: Vec<Scope>,
    /// Whose consent it exceeds, and how.
    pub because: Vec<Exceeded>,
    /// What may be given instead.
    pub instead: Instead,
}

/// A consent that is exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exceeded {
    /// The person's code.
    pub code: String,
    /// How, in words.
    pub why: String,
}

/// A narrower release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instead {
    /// A report of one's own that may go to the same institution: the same one, or one that redacts it.
    Grant {
        /// The report.
        report: ReportId,
        /// The purposes that remain.
        purposes: Vec<Purpose>,
        /// How far persons may be identified.
        identification: Identification,
    },
    /// None yet: a version without these files has to be sealed. None named: no file is the reason, the persons have to be
    /// asked.
    SealWithout {
        /// Real names of the files that show them.
        files: Vec<String>,
    },
}

/// Whose withdrawal is looked at.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// One person's.
    Of(&'a str),
    /// Everybody's who changed an answer on this device.
    Everybody,
}

/// The grants that are wider than consent now, each with what it implies. `class` says what kind of body an institution
/// is; one that is not known counts as one nobody agreed to.
///
/// # Errors
/// The date is out of range.
pub fn proposals(
    memory: &Memory,
    given: &[Given],
    whose: Whose<'_>,
    class: &dyn Fn(PartyId) -> Option<RecipientClass>,
    now: Timestamp,
) -> Result<Vec<Proposal>, DeskError> {
    let today = date_of(now)?;
    let codes: BTreeSet<&str> = match whose {
        Whose::Of(code) => BTreeSet::from([code]),
        Whose::Everybody => memory.consent_changes.iter().map(|change| change.code.as_str()).collect(),
    };
    let mut proposals = Vec::new();
    for grant in given {
        let Some(own) = memory.report(grant.terms.report) else { continue };
        let asked = AskedFor { terms: &grant.terms, class: class(grant.terms.institution), today };
        let exceeded = asked.exceeded(own, working(memory, grant.terms.report), &codes);
        if exceeded.is_empty() {
            continue;
        }
        let scopes = asked.scopes(memory, own, &codes);
        if grant.is_worth_withdrawing(&scopes, now) {
            proposals.push(Proposal {
                grant: grant.id,
                report: grant.terms.report,
                institution: grant.terms.institution,
                collected: grant.collected,
                scopes,
                instead: asked.instead(memory, own, &exceeded),
                because: exceeded
                    .into_iter()
                    .map(|refusal| Exceeded { code: refusal.code, why: refusal.why.to_string() })
                    .collect(),
            });
        }
    }
    Ok(proposals)
}

/// What a given grant asks of the persons, to be judged anew.
struct AskedFor<'a> {
    terms: &'a Grant,
    class: Option<RecipientClass>,
    today: Date,
}

impl AskedFor<'_> {
    /// Refusals for these persons. A review that is overdue is no withdrawal: the broker releases nothing then anyway.
    fn exceeded(
        &self,
        own: &OwnReport,
        register: Option<ConsentRegister>,
        codes: &BTreeSet<&str>,
    ) -> Vec<ConsentRefusal> {
        let Some(mut register) = register else { return Vec::new() };
        for person in &mut register.persons {
            person.valid_review_by = None;
        }
        let refused = self.judge(&register, &own.items, &self.terms.purposes, self.terms.identification);
        refused.into_iter().filter(|refusal| codes.contains(refusal.code.as_str())).collect()
    }

    /// Where nothing but their name was taken back, the institution keeps what does not name them.
    fn scopes(&self, memory: &Memory, own: &OwnReport, codes: &BTreeSet<&str>) -> Vec<Scope> {
        let keeps_the_name = |change: &&Change| !matches!(change.said, Said::Withdrawn(Withdrawal::Identity {}));
        let changes = memory.consent_changes.iter().filter(|change| change.is_about(self.terms.report));
        let named = applied(own, changes.filter(keeps_the_name));
        if self.exceeded(own, named, codes).is_empty() {
            vec![Scope::Identity, Scope::Onward]
        } else {
            vec![Scope::All]
        }
    }

    fn instead(&self, memory: &Memory, own: &OwnReport, exceeded: &[ConsentRefusal]) -> Instead {
        let versions = std::iter::once(self.terms.report).chain(relations::redacted(memory, self.terms.report));
        for report in versions {
            if let Some((purposes, identification)) = self.widest_allowed(memory, report) {
                return Instead::Grant { report, purposes, identification };
            }
        }
        let codes: BTreeSet<&str> = exceeded.iter().map(|refusal| refusal.code.as_str()).collect();
        let showing = own.items.iter().filter(|item| item.persons.iter().any(|p| codes.contains(p.code.as_str())));
        Instead::SealWithout { files: showing.map(|item| item.path.clone()).collect() }
    }

    /// The highest level, not above the grant's, at which any of its purposes remains, with all that remain.
    fn widest_allowed(&self, memory: &Memory, report: ReportId) -> Option<(Vec<Purpose>, Identification)> {
        let own = memory.report(report)?;
        let register = working(memory, report)?;
        LEVELS.into_iter().filter(|level| *level <= self.terms.identification).find_map(|identification| {
            let allowed = |purpose: &&Purpose| {
                self.judge(&register, &own.items, std::slice::from_ref(*purpose), identification).is_empty()
            };
            let purposes: Vec<Purpose> = self.terms.purposes.iter().filter(allowed).cloned().collect();
            (!purposes.is_empty()).then_some((purposes, identification))
        })
    }

    fn judge(
        &self,
        register: &ConsentRegister,
        items: &[Item],
        purposes: &[Purpose],
        identification: Identification,
    ) -> Vec<ConsentRefusal> {
        let purposes: Vec<&str> = purposes.iter().map(Purpose::as_str).collect();
        let ask = Proposed {
            purposes: &purposes,
            recipient_class: self.class.map_or("an institution this device does not know", RecipientClass::as_str),
            identification: level(identification),
            today: self.today,
        };
        check(register, items, &ask).err().unwrap_or_default()
    }
}

/// Levels at which anything about a person is passed on, highest first.
const LEVELS: [Identification; 7] = [
    Identification::Public,
    Identification::IdentifiedToState,
    Identification::IdentifiedToRecipient,
    Identification::Initials,
    Identification::Redacted,
    Identification::AnonymousSummary,
    Identification::Statistics,
];
