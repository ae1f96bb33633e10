//! `consent propose`: the grants that are wider than consent by now, the withdrawals that implies, and what narrower
//! release remains. Signs nothing without --do.

use super::answers::read_code;
use crate::{
    cli::{
        home::{self, Access, Seat, Sitting},
        output::{Failure, Out},
        words,
    },
    client::{
        consent::{Instead, Proposal, Whose, given, proposals},
        memory::Memory,
        mirror::Mirror,
    },
    model::{grant::WithdrawnBy, ids::PartyId, purpose::Purpose},
    wire::{api::GrantSummary, genesis::SignedGenesis},
};
use clap::Args;
use std::collections::BTreeMap;

/// See which grants are wider than consent by now, and withdraw them.
#[derive(Args)]
#[command(after_help = "Examples:\n  amana consent propose\n  amana consent propose W-02 --do")]
pub(super) struct Arguments {
    /// Only what this person's answers imply.
    #[arg(value_parser = read_code)]
    code: Option<String>,
    #[command(flatten)]
    doing: Doing,
}

/// Whether what is proposed is done.
#[derive(Args)]
pub(super) struct Doing {
    /// Withdraw those grants now, after asking once.
    #[arg(long = "do")]
    carry_out: bool,
    /// In how many days the institutions owe their answers.
    #[arg(long, default_value_t = 30, value_name = "DAYS")]
    answer_within: u64,
}

impl Doing {
    /// Whether it was asked for.
    pub(super) fn asked_for(&self) -> bool {
        self.carry_out
    }
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let whose = arguments.code.as_deref().map_or(Whose::Everybody, Whose::Of);
    access.change_then_sit(|_| Ok(()), |seat, ()| tell(seat, whose, &arguments.doing, &serde_json::json!({}), out))
}

/// What is proposed, and by whose knowledge.
pub(super) struct Proposed {
    proposals: Vec<Proposal>,
    names: BTreeMap<PartyId, String>,
    /// Why the broker could not be asked, if it could not.
    alone: Option<String>,
}

/// Looks which grants are wider than consent: by the device's receipts, and by the broker's list if it can be had.
pub(super) fn look(seat: &Seat<'_>, whose: Whose<'_>) -> Result<Proposed, Failure> {
    match seat {
        Seat::AtDesk(sitting) => match sitting.desk.grants() {
            Ok(listed) => of(sitting.desk.memory(), sitting.desk.mirror(), Some(&listed), whose, None),
            Err(why) => of(
                sitting.desk.memory(),
                sitting.desk.mirror(),
                None,
                whose,
                Some(Failure::from(why).words().to_owned()),
            ),
        },
        Seat::Alone { memory, why } => {
            let Some(note) = &memory.genesis else {
                return Ok(Proposed {
                    proposals: Vec::new(),
                    names: BTreeMap::new(),
                    alone: Some(why.words().to_owned()),
                });
            };
            let genesis = SignedGenesis::parse(note).map_err(|e| Failure::from_error(&e))?;
            let mirror = Mirror::remembered(&genesis, &memory.register).map_err(|e| Failure::from_error(&e))?;
            of(memory, &mirror, None, whose, Some(why.words().to_owned()))
        }
    }
}

fn of(
    memory: &Memory,
    mirror: &Mirror,
    listed: Option<&[GrantSummary]>,
    whose: Whose<'_>,
    alone: Option<String>,
) -> Result<Proposed, Failure> {
    let class = |id| mirror.institution(id).map(|row| row.record.class);
    let proposals = proposals(memory, &given(memory, listed), whose, &class, home::now())?;
    let name = |id| mirror.institution(id).map_or_else(|| PartyId::to_string(&id), |row| row.record.name.to_string());
    let names = proposals.iter().map(|proposal| (proposal.institution, name(proposal.institution))).collect();
    Ok(Proposed { proposals, names, alone })
}

/// Tells what is proposed and, if asked for, does it. `told` is what programs are told besides.
pub(super) fn tell(
    seat: Seat<'_>,
    whose: Whose<'_>,
    doing: &Doing,
    told: &serde_json::Value,
    out: &Out,
) -> Result<(), Failure> {
    let proposed = look(&seat, whose)?;
    let mut value = told.clone();
    let mut add = |name: &str, what: serde_json::Value| {
        if let Some(members) = value.as_object_mut() {
            members.insert(name.to_owned(), what);
        }
    };
    add("broker_asked", proposed.broker_asked().into());
    add("proposals", proposed.json());
    if !doing.carry_out || proposed.proposals.is_empty() {
        out.show(proposed.text(), &value);
        return Ok(());
    }
    let sitting = match seat {
        Seat::AtDesk(sitting) => sitting,
        Seat::Alone { why, .. } => {
            out.line(proposed.text());
            return Err(why.and(
                "Nothing was withdrawn at the broker; what was recorded here stays. Try again with: amana consent propose \
                 --do\nor withdraw each grant by itself with `amana grant revoke`.",
            ));
        }
    };
    out.line(proposed.text());
    home::decide("\nWithdraw these grants?", "withdraw", "not now", out)?;
    let done = carry_out(sitting, &proposed.proposals, doing, out)?;
    add("withdrawn", serde_json::json!(done));
    out.show(format!("Withdrew {} grant(s).", done.len()), &value);
    Ok(())
}

/// Withdraws each; one that fails does not keep the others from being withdrawn.
fn carry_out(
    sitting: &mut Sitting,
    proposals: &[Proposal],
    doing: &Doing,
    out: &Out,
) -> Result<Vec<serde_json::Value>, Failure> {
    let due = home::now().plus(words::days(doing.answer_within)?);
    let (mut done, mut failed) = (Vec::new(), None);
    for proposal in proposals {
        let revoked = sitting.desk.revoke(proposal.grant, proposal.scopes.clone(), WithdrawnBy::Person, due);
        match revoked {
            Ok(revoked) => {
                sitting.desk.memory_mut().kept_headers.remove(&proposal.grant.to_string());
                done.push(serde_json::json!({
                    "grant": proposal.grant, "revocation": revoked.accepted.id, "releases_used": revoked.releases_used,
                    "answer_due": due,
                }));
            }
            Err(error) => {
                out.note(format!("Not withdrawn: {}: {error}", proposal.grant));
                failed = Some(Failure::from(error));
            }
        }
        sitting.keep()?;
    }
    match failed {
        None => Ok(done),
        Some(failure) => Err(failure
            .and(format!("{} of {} grants were withdrawn; give the same command again.", done.len(), proposals.len()))
            .with(serde_json::json!({ "withdrawn": done }))),
    }
}

impl Proposed {
    /// Whether the broker's list was there.
    pub(super) fn broker_asked(&self) -> bool {
        self.alone.is_none()
    }

    /// In plain words.
    pub(super) fn text(&self) -> String {
        let mut text: Vec<String> = self.proposals.iter().map(|proposal| self.one(proposal)).collect();
        if let Some(why) = &self.alone {
            text.insert(
                0,
                format!(
                    "The broker could not be asked ({}); this is by the receipts on this device. Ask again with: amana \
                     consent propose",
                    why.lines().next().unwrap_or_default()
                ),
            );
        }
        if self.proposals.is_empty() {
            text.push("No grant is wider than this.".to_owned());
        }
        text.join("\n\n")
    }

    fn one(&self, proposal: &Proposal) -> String {
        let because: Vec<String> =
            proposal.because.iter().map(|one| format!("    {}: {}", one.code, one.why)).collect();
        let collected = match proposal.collected {
            Some(0) => "not collected so far".to_owned(),
            Some(times) => format!("collected {times} time(s): what was opened cannot be taken back, further use can"),
            None => "whether it was collected is not known".to_owned(),
        };
        format!(
            "Wider than consent now: grant {}\n  to {}, {collected}\n{}\n  withdraw it\n    {}\n  {}",
            proposal.grant,
            self.names.get(&proposal.institution).map_or("an institution", String::as_str),
            because.join("\n"),
            revoke(proposal),
            instead_words(proposal),
        )
    }

    /// For programs.
    pub(super) fn json(&self) -> serde_json::Value {
        let one = |proposal: &Proposal| {
            serde_json::json!({
                "grant": proposal.grant, "report": proposal.report, "institution": proposal.institution,
                "name": self.names.get(&proposal.institution), "collected": proposal.collected,
                "scopes": proposal.scopes, "because": proposal.because, "instead": proposal.instead,
                "command": revoke(proposal), "instead_command": instead(proposal),
            })
        };
        self.proposals.iter().map(one).collect()
    }
}

fn revoke(proposal: &Proposal) -> String {
    let scopes: Vec<String> = proposal.scopes.iter().map(|scope| words::term(scope).replace(' ', "-")).collect();
    format!("amana grant revoke {} --by person --scope {}", proposal.grant, scopes.join(","))
}

fn instead(proposal: &Proposal) -> String {
    match &proposal.instead {
        Instead::Grant { report, purposes, identification } => {
            let purposes: Vec<&str> = purposes.iter().map(Purpose::as_str).collect();
            format!(
                "amana grant create {report} --to {} --purpose {} --identification {}",
                proposal.institution,
                purposes.join(","),
                words::term(identification).replace(' ', "-")
            )
        }
        Instead::SealWithout { .. } => {
            format!("amana report seal --redacts {} --description REDACTED/report.json CASE/", proposal.report)
        }
    }
}

fn instead_words(proposal: &Proposal) -> String {
    let command = instead(proposal);
    match &proposal.instead {
        Instead::Grant { report, .. } if *report == proposal.report => {
            format!("what remains possible, with this report\n    {command}")
        }
        Instead::Grant { .. } => format!("what remains possible, with the redacted version\n    {command}"),
        Instead::SealWithout { files } if files.is_empty() => {
            "what remains possible: nothing before the persons named were asked again".to_owned()
        }
        Instead::SealWithout { files } => {
            format!("seal a redacted version without these files: {}\n    {command}", files.join(", "))
        }
    }
}
