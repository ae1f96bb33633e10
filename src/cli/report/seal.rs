//! `report seal`: files become one encrypted file. Needs no network.

use super::{
    pending::{self, Pending},
    relation::{self, RelationArguments, stale_answers},
    upload,
};
use crate::{
    cli::{
        ambient::SystemEntropy,
        home::{self, Access, Sitting},
        output::{Failure, Out},
        pace::PaceArguments,
        progress::Progress,
        words,
    },
    client::{
        memory::Memory,
        report::{ManifestDraft, Plan},
        reporting::{SealedReport, Sealer},
    },
    model::{
        ambient::Entropy,
        ids::PartyId,
        report::{ReportKind, Tier},
    },
};
use clap::Args;
use std::path::{Path, PathBuf};

/// Seal files into one encrypted file that only you and your recovery key can open. Nothing leaves the device.
///
/// A `report.json` in the folder describes the files and the consent of the persons in them. Files are sealed as they are:
/// nothing is taken out of them.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana report seal --out case.age statement.odt photos/\n  amana report seal --tier 3 --kind redaction --description case/redacted/report.json case/\n  amana report seal --redacts 3f… --description case/redacted/report.json case/\n  amana report seal --upload --limit-rate 64k --out case.age case/"
)]
pub(super) struct Arguments {
    /// Sensitivity, 1 low to 4 highest. From 3 on a grant takes effect only with your second yes.
    #[arg(long, default_value = "2", value_parser = read_tier)]
    tier: Tier,
    /// What it is: original, redaction or translation [default: as report.json says, or original].
    #[arg(long, value_parser = words::read_term::<ReportKind>)]
    kind: Option<ReportKind>,
    /// The sealed file to make [default: report-DATE.age].
    #[arg(long)]
    out: Option<PathBuf>,
    /// A title. It is sealed inside; the broker never sees it.
    #[arg(long)]
    title: Option<String>,
    /// A description elsewhere than in the folder's report.json; takes one folder.
    #[arg(long, value_name = "REPORT.JSON")]
    description: Option<PathBuf>,
    /// Another advocate who owns it too; may be given several times. Any one of the owners can withdraw what was granted.
    #[arg(long = "co-owner", value_name = "PARTY_ID", allow_hyphen_values = true)]
    co_owners: Vec<PartyId>,
    /// How many of all owners have to agree with a grant, you counted [default: all].
    #[arg(long, value_name = "N", requires = "co_owners")]
    owners_needed: Option<u32>,
    /// Seal although files carry hidden metadata, without asking.
    #[arg(long)]
    yes: bool,
    /// Upload while sealing. What was sent of a sealing that breaks off is thrown away: it is sealed anew.
    #[arg(long)]
    upload: bool,
    #[command(flatten)]
    relation: RelationArguments,
    #[command(flatten)]
    pace: PaceArguments,
    /// Files and folders.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let place = place(arguments)?;
    if pending::beside(&place).exists() {
        return Err(Failure::refused(format!(
            "{} is left from a sealed file that was not uploaded; upload that one, or choose another --out",
            pending::beside(&place).display()
        )));
    }
    let plan = plan(arguments)?;
    let entropy = SystemEntropy::new();
    if arguments.upload {
        return access.at_desk(|sitting| {
            let ready = Ready::of(plan, arguments, sitting.desk.memory(), &*entropy, out)?;
            seal_and_send(sitting, arguments, &place, &ready, out)
        });
    }
    let unlocked = access.unlock()?;
    let kept = unlocked.kept()?;
    let Ready { plan, kind, warnings } = Ready::of(plan, arguments, kept.memory(), &*entropy, out)?;
    let sealer = Sealer { identity: &unlocked.identity, recovery: kept.memory().recovery.as_ref(), entropy: &*entropy };
    let progress = Progress::begin("sealing", plan.total_bytes(), out);
    let sealed = sealer.seal(&plan, arguments.tier, kind, &place, &mut |bytes| progress.add(bytes))?;
    drop(progress);
    let pending = Pending::of(owned(sealed, arguments));
    let beside = pending.write(&place, &unlocked.identity)?;
    tell(&place, &beside, &plan, &pending, &warnings, out);
    Ok(())
}

/// A plan that may be sealed: related to what it names, and its warnings read.
struct Ready {
    plan: Plan,
    kind: ReportKind,
    warnings: Vec<String>,
}

impl Ready {
    fn of(
        plan: Plan,
        arguments: &Arguments,
        memory: &Memory,
        entropy: &dyn Entropy,
        out: &Out,
    ) -> Result<Self, Failure> {
        let plan = arguments.relation.relate(plan, memory, entropy)?;
        let kind = relation::kind(arguments.kind, &plan)?;
        let mut warnings: Vec<String> = plan.warnings().iter().map(ToString::to_string).collect();
        warnings.extend(stale_answers(&plan, memory));
        warn(&warnings, arguments, out)?;
        Ok(Self { plan, kind, warnings })
    }
}

/// Seals and sends at once; where the link fails, sealing goes on and the upload is gone on with.
fn seal_and_send(
    sitting: &mut Sitting,
    arguments: &Arguments,
    place: &Path,
    ready: &Ready,
    out: &Out,
) -> Result<(), Failure> {
    let (Ready { plan, kind, warnings }, pace) = (ready, arguments.pace.pace());
    // What earlier sealings sent and never finished is worthless: their file keys are forgotten.
    for upload in std::mem::take(&mut sitting.desk.memory_mut().early_uploads) {
        sitting.desk.end_upload(upload)?;
    }
    let upload = sitting.desk.begin_early(&pace)?.ok_or_else(|| Failure::refused("the broker began no upload"))?;
    sitting.desk.memory_mut().early_uploads.push(upload);
    sitting.keep()?;
    let progress = Progress::upload(plan.total_bytes(), out);
    let sent = sitting.desk.seal_and_upload(plan, arguments.tier, *kind, place, upload, &pace, &mut |step| {
        progress.step(&step, out);
    })?;
    drop(progress);
    if let Some(trouble) = sent.trouble {
        out.note(format!("Sealed, but not everything could be sent yet: {trouble}"));
    }
    let mut pending = Pending::of(owned(sent.sealed, arguments));
    pending.upload = Some(upload);
    let beside = pending.write(place, sitting.desk.identity())?;
    sitting.desk.memory_mut().early_uploads.clear();
    if out.is_for_people() {
        tell(place, &beside, plan, &pending, warnings, out);
    }
    upload::send(sitting, place, &pace, out)
}

fn owned(sealed: SealedReport, arguments: &Arguments) -> SealedReport {
    let all = u32::try_from(arguments.co_owners.len()).unwrap_or(u32::MAX).saturating_add(1);
    sealed.owned_with(arguments.co_owners.clone(), arguments.owners_needed.unwrap_or(all))
}

fn tell(place: &Path, beside: &Path, plan: &Plan, pending: &Pending, warnings: &[String], out: &Out) {
    let consent = match &plan.manifest().consent_register {
        Some(register) => {
            format!("consent of {} person(s) sealed inside; grants are held against it", register.persons.len())
        }
        None => "no consent register: nobody's consent is recorded, you answer for it".to_owned(),
    };
    let sizes = plan.sizes();
    out.show(
        format!(
            "Sealed {} file(s) into {}.\n  {consent}\n  kept beside it until it is uploaded: {}\nNothing has left this device. \
             The originals are where they were.\n\nNext: amana report upload {}",
            sizes.files,
            place.display(),
            beside.display(),
            place.display()
        ),
        &serde_json::json!({
            "sealed": place, "beside": beside, "files": sizes.files, "content_bytes": sizes.content_bytes,
            "payload_bytes": pending.report().payload_bytes, "payload_sha256": pending.report().payload_sha256,
            "consent": plan.manifest().consent_register.is_some(), "warnings": warnings,
        }),
    );
}

fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    let plan = match (&arguments.description, arguments.files.as_slice()) {
        (None, files) => {
            let draft = ManifestDraft { title: arguments.title.clone(), ..ManifestDraft::default() };
            Plan::of(files, draft, &mut |_| {})
        }
        (Some(_), _) if arguments.title.is_some() => {
            return Err(Failure::usage("with --description the title stands in the description; leave out --title"));
        }
        (Some(description), [folder]) => Plan::of_folder(folder, description, &mut |_| {}),
        (Some(_), _) => return Err(Failure::usage("--description takes exactly one folder")),
    };
    plan.map_err(|e| Failure::from_error(&e))
}

/// Shows what the files say beyond what they show, and lets a person stop.
fn warn(warnings: &[String], arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    if warnings.is_empty() {
        return Ok(());
    }
    out.note("Before sealing:");
    for warning in warnings {
        out.note(format!("  - {warning}"));
    }
    out.note("Whoever opens the report can read what is hidden in its files. Seal a cleaned copy if that must not be.");
    if arguments.yes { Ok(()) } else { home::decide("Seal as it is?", "seal", "not now", out) }
}

/// The default name says the day and nothing of the content.
fn place(arguments: &Arguments) -> Result<PathBuf, Failure> {
    match &arguments.out {
        Some(path) => Ok(path.clone()),
        None => Ok(PathBuf::from(format!("report-{}.age", crate::client::consent::date_of(home::now())?))),
    }
}

fn read_tier(text: &str) -> Result<Tier, String> {
    let number: u8 = text.parse().map_err(|_| "say 1, 2, 3 or 4".to_owned())?;
    Tier::try_from(number).map_err(str::to_owned)
}
