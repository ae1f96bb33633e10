//! `consent withdraw`: a person takes consent back. It is recorded first, whatever the network says; then the grants that
//! are wider than it are shown, and withdrawn only if that was asked for.

use super::{
    answers::read_code,
    propose::{self, Doing},
    told::{self, Where},
};
use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        words,
    },
    client::consent::{
        self, Recorded, Said, Whose, Withdrawal,
        file::{self, Entry},
        taken_back,
    },
    model::purpose::RecipientClass,
};
use clap::Args;

/// Record that a person takes consent back, and see which grants that withdraws.
///
/// Recorded without --report it is about every report of yours with this person, also one sealed later. Nothing is
/// withdrawn at the broker without --do.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana consent withdraw W-02\n  amana consent withdraw W-02 --use publication --do\n  amana consent withdraw W-02 --naming --report 3f…\n  amana consent withdraw --file case/consent/consent_register.json W-02"
)]
pub(super) struct Arguments {
    /// The person's code.
    #[arg(value_parser = read_code)]
    code: String,
    #[command(flatten)]
    place: Where,
    /// Only for this purpose; may be given several times.
    #[arg(long = "use", value_name = "PURPOSE", value_delimiter = ',')]
    uses: Vec<String>,
    /// Only for this class of recipients; may be given several times.
    #[arg(long = "recipient", value_name = "CLASS", value_delimiter = ',')]
    recipients: Vec<String>,
    /// Only being named: what does not name the person stays agreed to.
    #[arg(long, conflicts_with_all = ["uses", "recipients"])]
    naming: bool,
    #[command(flatten)]
    doing: Doing,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let said = Said::Withdrawn(withdrawal(arguments)?);
    let code = arguments.code.as_str();
    if let Some(path) = &arguments.place.file {
        if arguments.doing.asked_for() {
            return Err(Failure::usage("a register that is not sealed has no grants; leave out --do"));
        }
        return told::in_file(path, code, Entry::Known, &said, &arguments.place, out);
    }
    let what = taken_back(&said).unwrap_or_default();
    let telling = arguments.place.telling(code, said);
    let record = |memory: &mut _| Ok(consent::record(memory, telling, home::now())?);
    access.change_then_sit(record, |seat, recorded: Recorded| {
        let date = recorded.date;
        out.line(format!(
            "Recorded that {code} took back on {date}: {what}. For:\n  {}\nThe register sealed inside still shows the \
             earlier answer. No new grant goes beyond what {code} says now.\n",
            told::ids(&recorded.reports),
        ));
        let told = serde_json::json!({
            "code": code, "date": date.to_string(), "taken_back": what, "reports": recorded.reports,
            "changed": recorded.changed,
        });
        propose::tell(seat, Whose::Of(code), &arguments.doing, &told, out)
    })
}

fn withdrawal(arguments: &Arguments) -> Result<Withdrawal, Failure> {
    if arguments.naming {
        return Ok(Withdrawal::Identity {});
    }
    if arguments.uses.is_empty() && arguments.recipients.is_empty() {
        return Ok(Withdrawal::Everything {});
    }
    let taxonomy = words::taxonomy()?;
    for purpose in &arguments.uses {
        file::known(purpose, &taxonomy).map_err(|why| Failure::usage(why.to_string()))?;
    }
    for class in &arguments.recipients {
        words::read_term::<RecipientClass>(class).map_err(Failure::usage)?;
    }
    let (uses, recipients) = (&arguments.uses, &arguments.recipients);
    Ok(Withdrawal::Of { uses: uses.iter().cloned().collect(), recipients: recipients.iter().cloned().collect() })
}
