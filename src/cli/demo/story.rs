//! The story, step by step. Every step that should be refused is tried as well, and the demo fails if it is not.

mod oversight;

use super::{
    Stage,
    cast::{Cast, INSTITUTION, copy, purpose},
};
use crate::{
    cli::{
        audit,
        output::{Failure, Out},
    },
    client::{
        desk::{Desk, DeskError},
        fetched::{Collected, open_collected},
        granting::{HeaderGoes, Terms, Version},
        report::{self, ManifestDraft, Plan, Relation, RelationKind},
    },
    model::{
        ambient::{Entropy, random},
        grant::{Ask, Conditions, Contact, Scope, UseMode, WithdrawnBy},
        ids::{Digest, GrantId, ReportId},
        purpose::Identification,
        report::{ReportKind, Tier},
        time::{Duration, Timestamp, Window},
    },
    wire::api::Released,
};
use include_dir::{Dir, include_dir};
use std::{
    fs,
    path::{Path, PathBuf},
};

static CASE: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/sample");

struct Teller<'a> {
    out: &'a Out,
    step: u32,
}

impl Teller<'_> {
    fn chapter(&mut self, title: &str) {
        self.step += 1;
        self.out.line(format!("\n{}. {title}", self.step));
    }
    fn tell(&self, words: impl std::fmt::Display) {
        self.out.line(format!("   {words}"));
    }
    /// Something that must be refused was.
    fn refused<T>(&self, what: &str, outcome: Result<T, DeskError>) -> Result<(), DeskError> {
        match outcome {
            Ok(_) => Err(DeskError::refused(format!("{what} was NOT refused"))),
            Err(error) => {
                self.tell(format!("Refused, as it must be: {what}."));
                for line in error.to_string().lines() {
                    self.tell(format!("  | {line}"));
                }
                Ok(())
            }
        }
    }
}

pub(super) fn play(cast: &mut Cast, url: &str, stage: &Stage, files: &[PathBuf], out: &Out) -> Result<(), Failure> {
    let mut teller = Teller { out, step: 0 };
    opening(cast, url, &mut teller);
    let told = tell(cast, url, stage, files, &mut teller);
    told.map_err(|error| Failure::does_not_hold(format!("the demo failed: {error}")))?;
    closing(cast, url, stage, &mut teller)
}

fn opening(cast: &Cast, url: &str, teller: &mut Teller<'_>) {
    teller
        .out
        .line("Amana demo. The case is fictional. One person plays everybody on this machine, so the separation of");
    teller
        .out
        .line("duties is shown, not had; the institution's key is minutes old, so its fingerprint is typed by hand.");
    teller.chapter("A broker is founded");
    teller.tell(format!("It serves at {url}. Genesis is signed by {} keys.", 2 + 8));
    teller.tell(format!("Bootstrap card, handed out by another channel: {}", cast.card()));
}

fn tell(
    cast: &mut Cast,
    url: &str,
    stage: &Stage,
    files: &[PathBuf],
    teller: &mut Teller<'_>,
) -> Result<(), DeskError> {
    teller.chapter("An institution enrols and is examined");
    cast.establish(url)?;
    teller.tell(format!("{INSTITUTION}: enrolled by its root key, officer and recipient key published,"));
    teller.tell("admission proposed by one administrator and approved by another, due diligence attested.");
    teller.chapter("An advocate enrols and seals a report on their own device");
    cast.enrol_advocate(url)?;
    let report = share(cast, url, stage, files, teller)?;
    teller.chapter("The advocate grants it, the officer collects it");
    oversight::ask(cast, url, report, teller)?;
    let (grant, collected) = release(cast, url, stage, report, teller)?;
    teller.chapter("The institution opens it");
    open(cast, url, stage, &collected, teller)?;
    teller.chapter("The advocate withdraws");
    withdraw(cast, url, grant, teller)?;
    let open = cast.leave_open_grant(url, report)?;
    teller.chapter("An administrator stops the institution, and two let it go on");
    oversight::suspend(cast, url, open, teller)?;
    oversight::name_auditor(cast, url, teller)
}

/// Seals the files, or the case: first the original, whose grant the persons' consent forbids, then the redaction.
fn share(
    cast: &mut Cast,
    url: &str,
    stage: &Stage,
    files: &[PathBuf],
    teller: &Teller<'_>,
) -> Result<ReportId, DeskError> {
    let advocate = copy(&cast.advocate);
    let words = |e: &dyn std::fmt::Display| DeskError::refused(e.to_string());
    if !files.is_empty() {
        let plan = Plan::of(files, ManifestDraft::default(), &mut |_| {}).map_err(|e| words(&e))?;
        let sealed_at = stage.path("sealed.age");
        return cast.at_desk(&advocate, url, |desk| publish(desk, &plan, ReportKind::Original, &sealed_at, teller));
    }
    let case = stage.path("case");
    unpack_case(&case).map_err(|e| words(&e))?;
    let today = crate::client::consent::date_of(cast.now())?;
    let plan = |plan: Result<Plan, _>| plan.and_then(|p: Plan| p.rebased(today)).map_err(|e| words(&e));
    let original = plan(Plan::of(std::slice::from_ref(&case), ManifestDraft::default(), &mut |_| {}))?;
    let redacted = plan(Plan::of_folder(&case, &case.join("redacted/report.json"), &mut |_| {}))?;
    let (first, second) = (stage.path("original.age"), stage.path("sealed.age"));
    let original =
        cast.at_desk(&advocate, url, |desk| publish(desk, &original, ReportKind::Original, &first, teller))?;
    let terms = cast.terms(url, original)?;
    let outcome = cast.at_desk(&advocate, url, |desk| desk.prepare_grant(&terms));
    teller.refused("granting the original, wider than what its persons agreed to", outcome)?;
    let expired = overdue(&case, today).map_err(|e| words(&e))?;
    let third = stage.path("overdue.age");
    let expired =
        cast.at_desk(&advocate, url, |desk| publish(desk, &expired, ReportKind::Redaction, &third, teller))?;
    let terms = cast.terms(url, expired)?;
    let outcome = cast.at_desk(&advocate, url, |desk| desk.prepare_grant(&terms));
    teller.refused("granting a report whose persons should have been asked again by now", outcome)?;
    let redacted = redacting(redacted, original, &*cast.entropy()).map_err(|e| words(&e))?;
    cast.at_desk(&advocate, url, |desk| publish(desk, &redacted, ReportKind::Redaction, &second, teller))
}

/// The redaction, naming the report it was made from: the broker sees a salted commitment to that.
fn redacting(plan: Plan, original: ReportId, entropy: &dyn Entropy) -> Result<Plan, report::PlanError> {
    let digest = Some(report::Digest(*Digest::from(original).as_bytes()));
    let reason = "what identifies the persons was taken out".to_owned();
    let relation = Relation { kind: RelationKind::Redacts, digest, reason, salt: None };
    plan.related(relation)?.salted(report::Digest(random(entropy)))
}

/// The redaction as it would stand had nobody spoken with its persons for two years.
fn overdue(case: &Path, today: jiff::civil::Date) -> Result<Plan, report::PlanError> {
    let then = today.saturating_sub(jiff::Span::new().years(2));
    Plan::of_folder(case, &case.join("redacted/report.json"), &mut |_| {})?.rebased(then)
}

fn publish(
    desk: &mut Desk,
    plan: &Plan,
    kind: ReportKind,
    sealed_at: &Path,
    teller: &Teller<'_>,
) -> Result<ReportId, DeskError> {
    let tier = Tier::try_from(2).map_err(DeskError::refused)?;
    let sealed = desk.seal(plan, tier, kind, sealed_at, &mut |_| {})?;
    let (bytes, header) = (sealed.report.payload_bytes, sealed.owner_header.len());
    let report = ReportId::from(desk.declare(sealed)?.id);
    desk.upload(report, sealed_at, &mut |_| {})?;
    teller.tell(format!("Sealed {} files into {}.", plan.sizes().files, sealed_at.display()));
    teller.tell(format!("Left the device: a signed statement, {header} bytes of header for the owner's own keys, and"));
    teller.tell(format!("{bytes} bytes of ciphertext. No title, file name or content. Report {report}"));
    Ok(report)
}

fn release(
    cast: &mut Cast,
    url: &str,
    stage: &Stage,
    report: ReportId,
    teller: &Teller<'_>,
) -> Result<(GrantId, Collected), DeskError> {
    let (advocate, officer) = (copy(&cast.advocate), copy(&cast.officer));
    let use_for = purpose("commission-of-inquiry")?;
    let mut cooling = cast.terms(url, report)?;
    cooling.cooling_off = Duration::from_seconds(3600);
    let grant = cast.grant(url, &cooling)?;
    let asked = cast.at_desk(&officer, url, |desk| desk.request_release(grant, &use_for));
    teller.refused("collecting while the advocate can still take the grant back", asked)?;
    cast.at_desk(&advocate, url, |desk| desk.revoke(grant, vec![Scope::All], WithdrawnBy::Provider, soon(desk.now())))?;

    let terms = cast.terms(url, report)?;
    let grant = cast.grant(url, &terms)?;
    teller.tell(format!("Granted: {use_for}, once, for 14 days, persons at most redacted. Grant {grant}"));
    let administrator = cast.administrator(0)?;
    let asked = cast.at_desk(&administrator, url, |desk| desk.request_release(grant, &use_for));
    teller.refused("collecting by an administrator", asked)?;
    let released: Released = cast.at_desk(&officer, url, |desk| desk.request_release(grant, &use_for))?;
    let path = stage.path("report.age");
    let collected = cast.at_desk(&officer, url, |desk| desk.collect(&released, &path, &mut |_| {}))?;
    teller.tell("The release was in the log, durable and proved, before the first byte of the header left.");
    let again = cast.at_desk(&officer, url, |desk| desk.request_release(grant, &use_for));
    teller.refused("a second release under a grant for one, with the first not acknowledged", again)?;
    Ok((grant, collected))
}

fn open(
    cast: &mut Cast,
    url: &str,
    stage: &Stage,
    collected: &Collected,
    teller: &Teller<'_>,
) -> Result<(), DeskError> {
    let (unit, officer) = (copy(&cast.unit), copy(&cast.officer));
    let (report_age, into) = (stage.path("report.age"), stage.path("opened"));
    let (opened, outcome) = open_collected(collected, &report_age, &unit, &into, &mut |_| {})?;
    teller.tell(format!("{} files in {}, conditions beside them.", opened.files, opened.folder.display()));
    teller.tell("Payload digest and key commitment are those the advocate signed: one report, one content.");
    cast.at_desk(&officer, url, |desk| desk.acknowledge(collected, outcome))?;
    teller.tell("Acknowledged, signed by the officer.");
    unit.write_plain(&stage.path("institution-identity.txt")).map_err(|e| DeskError::refused(e.to_string()))
}

fn withdraw(cast: &mut Cast, url: &str, grant: GrantId, teller: &Teller<'_>) -> Result<(), DeskError> {
    let (advocate, officer) = (copy(&cast.advocate), copy(&cast.officer));
    let use_for = purpose("commission-of-inquiry")?;
    let revoked = cast
        .at_desk(&advocate, url, |desk| desk.revoke(grant, vec![Scope::All], WithdrawnBy::Person, soon(desk.now())))?;
    teller.tell("Nobody can collect this again.");
    teller.tell(format!(
        "It was collected {} time(s); what was opened cannot be un-opened, and the institution owes",
        revoked.releases_used
    ));
    teller.tell("an answer on what became of it.");
    let asked = cast.at_desk(&officer, url, |desk| desk.request_release(grant, &use_for));
    teller.refused("collecting after the withdrawal", asked)
}

fn closing(cast: &mut Cast, url: &str, stage: &Stage, teller: &mut Teller<'_>) -> Result<(), Failure> {
    teller.chapter("An auditor checks all of it offline");
    let (before, folder) = (stage.path("audit-before"), stage.path("audit"));
    let auditor = cast.auditor().map_err(|e| Failure::does_not_hold(e.to_string()))?;
    let failed = |e: DeskError| Failure::does_not_hold(format!("the demo failed: {e}"));
    cast.at_desk(&auditor, url, |desk| desk.export_audit(&before)).map_err(failed)?;
    let trees = audit::verify_folder(&before, Some(&cast.card()))?.trees;
    cast.at_desk(&auditor, url, |desk| desk.vouch(trees.register, trees.case)).map_err(failed)?;
    teller.tell(format!("The auditor says, signed, that the log of {} entries holds.", trees.case.size));
    cast.at_desk(&auditor, url, |desk| desk.export_audit(&folder)).map_err(failed)?;
    let (summary, replayed) = audit::replay_folder(&folder, Some(&cast.card()))?;
    for line in audit::text(&summary, Some(&cast.card())).lines() {
        teller.tell(line);
    }
    teller.tell(format!("{} decisions were made again from the log, and came out the same.", replayed.decisions()));
    let (key, report) = (stage.path("institution-identity.txt"), stage.path("report.age"));
    teller.out.show(
        format!(
            "\nEverything held. Open the released report with stock tools:\n  age -d -i {} {} | tar x\n\
             Check the audit bundle again:\n  amana audit replay {} --card '{}'",
            key.display(),
            report.display(),
            folder.display(),
            cast.card()
        ),
        &serde_json::json!({
            "held": true, "dir": stage.dir, "report": report, "identity": key, "audit": folder,
            "card": cast.card().to_string(), "released": summary.events.get("released"),
        }),
    );
    Ok(())
}

fn unpack_case(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    CASE.extract(folder)
}

fn soon(now: Timestamp) -> Timestamp {
    now.plus(Duration::from_days(30))
}

impl Cast {
    /// The terms of the story's grant.
    ///
    /// # Errors
    /// When the register does not know the institution.
    pub fn terms(&mut self, url: &str, report: ReportId) -> Result<Terms, DeskError> {
        let institution = self.institution.party_id();
        let (advocate, recipient) = (copy(&self.advocate), self.unit.recipient());
        // In life the eight words come over another channel; here both sides are one person.
        let fingerprint = self.at_desk(&advocate, url, |desk| desk.institution_fingerprint(institution, &recipient))?;
        let now = self.now();
        Ok(Terms {
            report,
            version: Version::Default,
            institution,
            unit: None,
            purposes: vec![purpose("commission-of-inquiry")?],
            use_mode: UseMode::Information,
            identification: Identification::Redacted,
            collect: Window { from: now, until: now.plus(Duration::from_days(14)) },
            keep_until: Some(now.plus(Duration::from_days(730))),
            max_releases: 1,
            cooling_off: Duration::from_seconds(0),
            officers: Vec::new(),
            conditions: Conditions {
                onward: Ask::AskFirst,
                contact: Contact::ThroughProviderOnly,
                publication: Ask::No,
                external_processing: Ask::No,
            },
            answers: None,
            officer_approvals: 0,
            embargo_until: None,
            replaces: None,
            confirmed_fingerprint: Some(fingerprint),
        })
    }

    /// Signs and sends a grant with its header.
    ///
    /// # Errors
    /// What the desk says.
    pub fn grant(&mut self, url: &str, terms: &Terms) -> Result<GrantId, DeskError> {
        let advocate = copy(&self.advocate);
        self.at_desk(&advocate, url, |desk| {
            let prepared = desk.prepare_grant(terms)?;
            desk.give(&prepared, HeaderGoes::Along)
        })
        .map(|accepted| accepted.id.into())
    }

    /// Leaves one more grant, so that a broker left running has something to collect.
    fn leave_open_grant(&mut self, url: &str, report: ReportId) -> Result<GrantId, DeskError> {
        let mut terms = self.terms(url, report)?;
        terms.max_releases = 100;
        self.grant(url, &terms)
    }
}
