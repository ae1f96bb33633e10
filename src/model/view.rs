//! Views: the rows one decision reads, with their versions. Loaded alike from memory and from a database.

use super::{
    epoch::EpochRow,
    event::{EntryRef, Log},
    freeze::FrozenRow,
    ids::{Digest, GrantId, KeyId, ReleaseId, ReportId},
    rows::{
        ClockRow, CosignedRow, GenesisRow, GrantRow, Held, InstitutionRow, KeyRow, ONLY, OwedRow, RecipientKeyRow,
        ReleaseRow, ReportRow, RosterRow, Row, Rows, StatementRow, of_log,
    },
};
use std::cell::RefCell;

/// One row that was read, as it was: what the commit compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// The row's kind.
    pub kind: &'static str,
    /// The row's key.
    pub key: String,
    /// Its version, or none if there was no such row.
    pub version: Option<EntryRef>,
}

/// Reads rows and remembers which.
struct Citing<'a, S> {
    rows: &'a S,
    citations: RefCell<Vec<Citation>>,
}

impl<S: Rows> Citing<'_, S> {
    fn read<R: Row>(&self, key: &impl std::fmt::Display) -> Result<Option<Held<R>>, S::Error> {
        let key = key.to_string();
        let held = self.rows.read::<R>(&key)?;
        let version = held.as_ref().map(|held| held.version);
        self.citations.borrow_mut().push(Citation { kind: R::KIND, key, version });
        Ok(held)
    }
}

/// What a decision about a release reads.
#[derive(Clone, Debug)]
pub struct ReleaseView {
    pub(in crate::model) grant_id: GrantId,
    pub(in crate::model) grant: GrantRow,
    pub(in crate::model) report: ReportRow,
    pub(in crate::model) institution: Option<InstitutionRow>,
    pub(in crate::model) officer: KeyRow,
    pub(in crate::model) officer_id: KeyId,
    pub(in crate::model) recipient_key: Option<RecipientKeyRow>,
    pub(in crate::model) clock: Option<ClockRow>,
    pub(in crate::model) witnessing: Witnessing,
    pub(in crate::model) epoch: EpochRow,
    pub(in crate::model) owners_frozen: [FrozenRow; 2],
    pub(in crate::model) approving: Vec<KeyRow>,
    pub(in crate::model) owed: OwedRow,
    pub(in crate::model) bundle: Digest,
    pub(in crate::model) citations: Vec<Citation>,
}

/// What witnesses vouch for, as far as a release depends on it.
#[derive(Clone, Debug)]
pub(in crate::model) struct Witnessing {
    /// How many witnesses have to cosign; 0 where there are none.
    pub(in crate::model) quorum: u32,
    /// The case log as they last cosigned it.
    pub(in crate::model) cosigned: Option<CosignedRow>,
    /// The entry the grant was given in.
    pub(in crate::model) given_in: EntryRef,
}

impl ReleaseView {
    /// Reads everything a release of `grant` to `officer` depends on. `None` when the grant, its report, the officer
    /// or the trust root is missing: there is nothing to decide about then.
    pub fn load<S: Rows>(rows: &S, grant: GrantId, officer: KeyId) -> Result<Option<Self>, S::Error> {
        let rows = Citing { rows, citations: RefCell::default() };
        let Some(genesis) = rows.read::<GenesisRow>(&ONLY)? else { return Ok(None) };
        let Some(grant_row) = rows.read::<GrantRow>(&grant)? else { return Ok(None) };
        let Some(officer_row) = rows.read::<KeyRow>(&officer)? else { return Ok(None) };
        let terms = &grant_row.row.grant;
        let Some(report) = rows.read::<ReportRow>(&terms.report)? else { return Ok(None) };
        let institution = rows.read::<InstitutionRow>(&terms.institution)?.map(|held| held.row);
        let recipient_key = rows.read::<RecipientKeyRow>(&terms.recipient_key)?.map(|held| held.row);
        let clock = rows.read::<ClockRow>(&ONLY)?.map(|held| held.row);
        let Some(roster) = rows.read::<RosterRow>(&ONLY)? else { return Ok(None) };
        let Some(statement) = rows.read::<StatementRow>(&grant)? else { return Ok(None) };
        let witnessing = Witnessing {
            quorum: roster.row.roster.witness_quorum,
            cosigned: rows.read::<CosignedRow>(&of_log(Log::Case))?.map(|held| held.row),
            given_in: statement.version,
        };
        let approving = grant_row.row.approvals_without(officer);
        let approving: Vec<Option<Held<KeyRow>>> = approving.map(|kid| rows.read(&kid)).collect::<Result<_, _>>()?;
        let frozen = |party| Ok(rows.read::<FrozenRow>(&party)?.map(|held| held.row).unwrap_or_default());
        Ok(Some(Self {
            owners_frozen: [frozen(grant_row.row.owner)?, frozen(report.row.owner)?],
            approving: approving.into_iter().flatten().map(|held| held.row).collect(),
            owed: rows.read::<OwedRow>(&terms.institution)?.map(|held| held.row).unwrap_or_default(),
            grant_id: grant,
            grant: grant_row.row,
            report: report.row,
            institution,
            officer: officer_row.row,
            officer_id: officer,
            recipient_key,
            clock,
            witnessing,
            epoch: rows.read::<EpochRow>(&ONLY)?.map(|held| held.row).unwrap_or_default(),
            bundle: genesis.row.genesis.bundle,
            citations: rows.citations.into_inner(),
        }))
    }

    /// The grant.
    pub fn grant(&self) -> &GrantRow {
        &self.grant
    }
    /// The report granted.
    pub fn report(&self) -> &ReportRow {
        &self.report
    }
    /// Whether the officer's institution is the one the grant was made to. Others are told nothing exists.
    pub fn concerns_officer(&self) -> bool {
        self.officer.institution() == Some(self.grant.grant.institution)
    }
}

/// What a decision about delivering a release again reads.
#[derive(Clone, Debug)]
pub struct RedeliveryView {
    pub(in crate::model) release_id: ReleaseId,
    pub(in crate::model) release: ReleaseRow,
    pub(in crate::model) view: ReleaseView,
}

impl RedeliveryView {
    /// Reads the release and everything its grant depends on.
    pub fn load<S: Rows>(rows: &S, release: ReleaseId) -> Result<Option<Self>, S::Error> {
        let citing = Citing { rows, citations: RefCell::default() };
        let Some(row) = citing.read::<ReleaseRow>(&release)? else { return Ok(None) };
        let Some(mut view) = ReleaseView::load(rows, row.row.grant, row.row.officer)? else { return Ok(None) };
        view.citations.append(&mut citing.citations.into_inner());
        Ok(Some(Self { release_id: release, release: row.row, view }))
    }

    /// The release.
    pub fn release(&self) -> &ReleaseRow {
        &self.release
    }
    /// What its grant depends on.
    pub fn view(&self) -> &ReleaseView {
        &self.view
    }
}

/// What a decision about handing an owner its own header reads.
#[derive(Clone, Debug)]
pub struct OwnerFetchView {
    pub(in crate::model) report_id: ReportId,
    pub(in crate::model) report: ReportRow,
    pub(in crate::model) caller: KeyRow,
    pub(in crate::model) caller_id: KeyId,
    pub(in crate::model) epoch: EpochRow,
    pub(in crate::model) frozen: FrozenRow,
    pub(in crate::model) bundle: Digest,
    pub(in crate::model) citations: Vec<Citation>,
}

impl OwnerFetchView {
    /// Reads the report and the caller's key.
    pub fn load<S: Rows>(rows: &S, report: ReportId, caller: KeyId) -> Result<Option<Self>, S::Error> {
        let rows = Citing { rows, citations: RefCell::default() };
        let Some(genesis) = rows.read::<GenesisRow>(&ONLY)? else { return Ok(None) };
        let Some(row) = rows.read::<ReportRow>(&report)? else { return Ok(None) };
        let Some(key) = rows.read::<KeyRow>(&caller)? else { return Ok(None) };
        Ok(Some(Self {
            frozen: rows.read::<FrozenRow>(&row.row.owner)?.map(|held| held.row).unwrap_or_default(),
            report_id: report,
            report: row.row,
            caller: key.row,
            caller_id: caller,
            epoch: rows.read::<EpochRow>(&ONLY)?.map(|held| held.row).unwrap_or_default(),
            bundle: genesis.row.genesis.bundle,
            citations: rows.citations.into_inner(),
        }))
    }
    /// Whether the caller owns the report. Others are told nothing exists.
    pub fn concerns_caller(&self) -> bool {
        self.caller.party == self.report.owner
    }
    /// The report.
    pub fn report(&self) -> &ReportRow {
        &self.report
    }
}
