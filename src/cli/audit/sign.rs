//! `audit sign`: the auditor's word that a bundle holds, as an entry that everybody's log then carries.

use super::verify_folder;
use crate::cli::{
    home::Access,
    output::{Failure, Out},
};
use clap::Args;
use std::path::PathBuf;

/// Say, signed and logged, that an exported bundle holds, as an auditor.
///
/// The bundle is verified first, against the bootstrap card given or remembered; what does not hold is not signed. The
/// statement names the size and root of both logs. Its receipt is kept with what this device remembers.
#[derive(Args)]
#[command(after_help = "\
Examples:
  amana audit export --out audit --identity auditor-1.txt
  amana audit sign audit --identity auditor-1.txt
  amana audit sign audit --identity auditor-1.txt --broker https://broker.example --card 'broker.example#3f…'

Exit code 3: the bundle does not hold, and nothing was signed.")]
pub(in crate::cli) struct Arguments {
    /// Folder of the bundle.
    folder: PathBuf,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    arguments.access.at_desk(|sitting| {
        let card = sitting.desk.genesis().card();
        let summary = verify_folder(&arguments.folder, Some(&card))
            .map_err(|failure| failure.and("Nothing was signed. Keep the bundle: it is evidence."))?;
        let accepted = sitting.desk.vouch(summary.trees.register, summary.trees.case)?;
        out.show(
            format!(
                "The bundle holds, and you have said so: register {} entries, case log {} entries.\n  statement {}\nIts \
                 receipt was verified and is kept.",
                summary.register_size, summary.case_size, accepted.id
            ),
            &serde_json::json!({
                "statement": accepted.id, "register_size": summary.register_size, "case_size": summary.case_size,
                "register_root": summary.trees.register.root, "case_root": summary.trees.case.root,
            }),
        );
        Ok(())
    })
}
