//! What a report about to be sealed is to an earlier one, from the command line and from what the device remembers.

use crate::{
    cli::{consent::answers::read_words, output::Failure},
    client::{
        consent,
        memory::Memory,
        relations::{Earlier, Later, earlier, later},
        report::{self, Plan, Relation, RelationKind, relation::kind_of},
    },
    model::{
        ambient::{Entropy, random},
        ids::{Digest, ReportId},
        report::ReportKind,
    },
};
use clap::Args;

/// What it is to an earlier report.
#[derive(Args)]
#[command(next_help_heading = "Earlier report")]
pub(super) struct RelationArguments {
    /// It adds to this report of yours.
    #[arg(long, value_name = "REPORT", group = "earlier")]
    supplements: Option<ReportId>,
    /// It corrects this report of yours.
    #[arg(long, value_name = "REPORT", group = "earlier")]
    corrects: Option<ReportId>,
    /// It stands in the place of this report of yours.
    #[arg(long, value_name = "REPORT", group = "earlier")]
    replaces: Option<ReportId>,
    /// It is this report of yours with something taken out.
    #[arg(long, value_name = "REPORT", group = "earlier")]
    redacts: Option<ReportId>,
    /// It is this report of yours in another language.
    #[arg(long, value_name = "REPORT", group = "earlier")]
    translates: Option<ReportId>,
    /// Why, for whoever opens it.
    #[arg(long, value_name = "WORDS", requires = "earlier", value_parser = read_words)]
    because: Option<String>,
}

impl RelationArguments {
    fn named(&self) -> Option<(RelationKind, ReportId)> {
        [
            (RelationKind::Supplements, self.supplements),
            (RelationKind::Corrects, self.corrects),
            (RelationKind::Replaces, self.replaces),
            (RelationKind::Redacts, self.redacts),
            (RelationKind::Translates, self.translates),
        ]
        .into_iter()
        .find_map(|(kind, report)| Some((kind, report?)))
    }

    /// The plan with the relation named here, if one is, and a fresh salt for the commitment to the earlier report.
    pub(super) fn relate(&self, mut plan: Plan, memory: &Memory, entropy: &dyn Entropy) -> Result<Plan, Failure> {
        if let Some((kind, report)) = self.named() {
            if memory.report(report).is_none() {
                return Err(Failure::refused(format!(
                    "this device knows no report {report} of yours; see `amana report list`"
                )));
            }
            let reason = self.because.clone().unwrap_or_else(|| format!("{kind} an earlier report"));
            let digest = Some(report::Digest(*Digest::from(report).as_bytes()));
            plan = plan.related(Relation { kind, digest, reason, salt: None }).map_err(|e| Failure::from_error(&e))?;
        }
        plan.salted(report::Digest(random(entropy))).map_err(|e| Failure::from_error(&e))
    }
}

/// What the statement will say the report is: as the relations say, or as was said where they say nothing.
pub(super) fn kind(said: Option<ReportKind>, plan: &Plan) -> Result<ReportKind, Failure> {
    let manifest = plan.manifest();
    let follows = in_statement(manifest.kind);
    let by_relation = kind_of(&manifest.relations, report::ReportKind::Original) != report::ReportKind::Original;
    match said {
        Some(said) if by_relation && said != follows => {
            Err(Failure::usage("--kind contradicts what the report is to an earlier one; leave it out"))
        }
        Some(said) => Ok(said),
        None => Ok(follows),
    }
}

const fn in_statement(kind: report::ReportKind) -> ReportKind {
    match kind {
        report::ReportKind::Original => ReportKind::Original,
        report::ReportKind::Redaction => ReportKind::Redaction,
        report::ReportKind::Translation => ReportKind::Translation,
    }
}

/// What the device was told later than the register about to be sealed says.
pub(super) fn stale_answers(plan: &Plan, memory: &Memory) -> Vec<String> {
    let Some(register) = &plan.manifest().consent_register else { return Vec::new() };
    let missing = consent::not_taken_over(memory, register);
    missing
        .into_iter()
        .map(|(code, date)| {
            format!(
                "the register does not say what {code} said on {date}; if it is the same person, record that in the file \
                 with `amana consent`"
            )
        })
        .collect()
}

/// An own report's relations in both directions.
pub(super) struct Relations {
    /// Reports it names.
    pub(super) earlier: Vec<Earlier>,
    /// Reports that name it.
    pub(super) later: Vec<Later>,
}

impl Relations {
    /// Of a report this device sealed; none of another.
    pub(super) fn of(memory: &Memory, id: ReportId) -> Result<Self, Failure> {
        let earlier = memory.report(id).map_or_else(|| Ok(Vec::new()), earlier)?;
        Ok(Self { earlier, later: later(memory, id) })
    }

    /// One line each, after a line's end and `indent`.
    pub(super) fn lines(&self, indent: &str) -> String {
        let earlier = self.earlier.iter().map(ToString::to_string);
        let all: Vec<String> = earlier.chain(self.later.iter().map(ToString::to_string)).collect();
        if all.is_empty() { String::new() } else { format!("\n{indent}{}", all.join(&format!("\n{indent}"))) }
    }
}
