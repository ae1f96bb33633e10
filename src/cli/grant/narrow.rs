//! `grant narrow`: another grant in the place of one that was given, within it. The older one ends with the same signature.

use super::{create, listed};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::{
        fetched::grant_of,
        granting::{HeaderGoes, Terms, Version},
    },
    model::{
        grant::{Ask, Contact, Grant, UseMode},
        ids::{GrantId, KeyId},
        purpose::{Identification, Purpose},
        time::{Timestamp, Window},
    },
};
use clap::Args;

/// Narrow a grant: it is replaced by one that allows less, and ends with the same signature.
///
/// What is not named stays as it was. What the institution collected under the older one is answered for under the new one.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana grant narrow 3f… --purpose commission-of-inquiry\n  amana grant narrow 3f… --identification redacted --onward no --keep-until 2030-12-31"
)]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
    /// Only for these purposes.
    #[arg(long = "purpose", value_name = "PURPOSE", value_delimiter = ',')]
    purposes: Vec<Purpose>,
    /// How far persons may be identified.
    #[arg(long, value_name = "LEVEL", value_parser = words::read_term::<Identification>)]
    identification: Option<Identification>,
    /// In which way it may be used: preserve-only, or lead-only.
    #[arg(long = "use", value_name = "MODE", value_parser = words::read_term::<UseMode>)]
    use_mode: Option<UseMode>,
    /// The last day on which it can be collected, in UTC.
    #[arg(long, value_name = "DAY", value_parser = words::read_last_day)]
    until: Option<Timestamp>,
    /// The last day on which it may be kept, in UTC.
    #[arg(long, value_name = "DAY", value_parser = words::read_last_day)]
    keep_until: Option<Timestamp>,
    /// How often it can be collected.
    #[arg(long, value_name = "N")]
    max: Option<u32>,
    /// How many officers other than the one who collects have to agree.
    #[arg(long, value_name = "N")]
    officer_approvals: Option<u32>,
    /// Only these officers may collect.
    #[arg(long = "officer", value_name = "KEY_ID", allow_hyphen_values = true)]
    officers: Vec<KeyId>,
    /// Passing it on: no.
    #[arg(long, value_parser = words::read_term::<Ask>)]
    onward: Option<Ask>,
    /// Contact with the persons: no.
    #[arg(long, value_parser = words::read_term::<Contact>)]
    contact: Option<Contact>,
    /// Publishing: no.
    #[arg(long, value_parser = words::read_term::<Ask>)]
    publication: Option<Ask>,
    /// The institution's eight words, where its key is young.
    #[arg(long, value_name = "EIGHT WORDS")]
    confirm_fingerprint: Option<String>,
    /// Do not ask again.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    access.at_desk(|sitting| {
        let older = grant_of(&listed(&sitting.desk, arguments.grant)?.statement)?;
        let unit = sitting.desk.mirror().recipient_key(older.recipient_key).map(|key| key.unit);
        let terms = Terms { unit, ..arguments.terms(&older) };
        let tier = sitting.desk.tier_of(terms.report)?;
        if !arguments.yes {
            home::decide("Replace this grant by the narrower one?", "replace", "not now", out)?;
        }
        let goes = if u8::from(tier) >= 3 { HeaderGoes::Later } else { HeaderGoes::Along };
        let (text, row) = create::give(sitting, &terms, goes)?;
        sitting.desk.memory_mut().kept_headers.remove(&arguments.grant.to_string());
        out.show(format!("{text}\nThe grant {} ended with it.", arguments.grant), &row);
        Ok(())
    })
}

impl Arguments {
    fn terms(&self, older: &Grant) -> Terms {
        let mut conditions = older.conditions.clone();
        conditions.onward = self.onward.unwrap_or(conditions.onward);
        conditions.contact = self.contact.unwrap_or(conditions.contact);
        conditions.publication = self.publication.unwrap_or(conditions.publication);
        let or = |named: &[Purpose], all: &[Purpose]| if named.is_empty() { all.to_vec() } else { named.to_vec() };
        Terms {
            report: older.report,
            version: Version::ThisOne,
            institution: older.institution,
            unit: None,
            purposes: or(&self.purposes, &older.purposes),
            use_mode: self.use_mode.unwrap_or(older.use_mode),
            identification: self.identification.unwrap_or(older.identification),
            collect: Window { from: older.collect.from, until: self.until.unwrap_or(older.collect.until) },
            keep_until: self.keep_until.or(older.keep_until),
            max_releases: self.max.unwrap_or(older.max_releases),
            cooling_off: older.cooling_off_seconds,
            officers: if self.officers.is_empty() { older.officers.clone() } else { self.officers.clone() },
            conditions,
            answers: None,
            officer_approvals: self.officer_approvals.unwrap_or(older.officer_approvals),
            embargo_until: older.embargo_until,
            replaces: Some(self.grant),
            confirmed_fingerprint: self.confirm_fingerprint.clone(),
        }
    }
}
