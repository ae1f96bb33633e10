//! `institution enrol`: a public record under a root key.

use crate::{
    cli::{
        home::{self, Access},
        output::{Failure, Out},
        progress::Progress,
        recovery, words,
    },
    model::{
        institution::InstitutionRecord,
        party::EnrolmentRole,
        purpose::{Purpose, RecipientClass},
        statement::Text,
    },
};
use clap::Args;

/// Enrol an institution under its root key. Its record is public.
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana institution enrol --as root --name 'Fact-Finding Mission' --jurisdiction 'Union of Lakes' \\\n    --class un-mechanism --mandate commission-of-inquiry --mandate-days 365"
)]
pub(super) struct Arguments {
    /// Its name as it calls itself.
    #[arg(long, value_parser = words::read_text)]
    name: Text,
    /// Under whose law it stands.
    #[arg(long, value_parser = words::read_text)]
    jurisdiction: Text,
    /// What kind of body it is: un-mechanism, international-court, national-prosecutor, state-concerned, ngo or media.
    #[arg(long, value_parser = words::read_term::<RecipientClass>)]
    class: RecipientClass,
    /// What its mandate lets it do; may be given several times.
    #[arg(long, value_name = "PURPOSE", required = true, value_delimiter = ',')]
    mandate: Vec<Purpose>,
    /// For how many days the mandate holds.
    #[arg(long, value_name = "DAYS")]
    mandate_days: u64,
    /// Invitation of the broker's operator, where one is needed. Where a proof of work is enough, it is done by itself.
    #[arg(long, env = "AMANA_INVITATION")]
    invitation: Option<String>,
    #[command(flatten)]
    recovery: recovery::RecoveryWords,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    words::known_purposes(&arguments.mandate, &words::taxonomy()?)?;
    let record = InstitutionRecord {
        name: arguments.name.clone(),
        jurisdiction: arguments.jurisdiction.clone(),
        class: arguments.class,
        mandate: arguments.mandate.clone(),
        mandate_until: home::now().plus(words::days(arguments.mandate_days)?),
    };
    access.at_desk(|sitting| {
        let keys = recovery::known_or_made(&mut sitting.desk, &arguments.recovery)?;
        // Before anything is registered: words whose key is registered must not be lost.
        sitting.keep()?;
        let (role, invitation) = (EnrolmentRole::Institution(record), arguments.invitation.as_deref());
        let accepted = sitting.desk.enrol_telling(role, keys, invitation, &mut Progress::of_work(out))?;
        let id = sitting.desk.party_id();
        out.show(
            format!(
                "Enrolled {}.\n  institution  {id}\n  register     entry {}, proved to this device\n\nNext: appoint an officer \
                 (amana institution officer), publish a recipient key (amana institution key),\nand ask two administrators and \
                 an accreditor to examine you.",
                arguments.name, accepted.index
            ),
            &serde_json::json!({ "institution": id, "statement": accepted.id, "index": accepted.index }),
        );
        Ok(())
    })
}
