//! `consent add`: a person's first answers, in a register that is not sealed yet.

use super::{
    answers::{AnswerArguments, read_code, read_day},
    told::{self, Where},
};
use crate::{
    cli::{
        output::{Failure, Out},
        words,
    },
    client::consent::{Said, file::Entry},
};
use clap::Args;
use jiff::civil::Date;
use std::path::PathBuf;

/// Add a person to a register that is not sealed yet. The file is made if there is none.
#[derive(Args)]
#[command(
    after_help = "Example:\n  amana consent add --file case/consent/consent_register.json W-02 --role witness --status given --by self --form 'verbal, recorded' --use commission-of-inquiry=redacted --recipient un-mechanism=yes --review-by 2027-03-24 --contact none"
)]
pub(super) struct Arguments {
    /// The register.
    #[arg(long, value_name = "REGISTER.JSON")]
    file: PathBuf,
    /// The person's code. The key to the codes is kept apart.
    #[arg(value_parser = read_code)]
    code: String,
    #[command(flatten)]
    answers: AnswerArguments,
    /// The day by which it must be gone through again: from its first second in UTC it covers nothing.
    #[arg(long, value_name = "DAY", value_parser = read_day)]
    review_by: Option<Date>,
    /// The day of the talk [default: today].
    #[arg(long, value_name = "DAY", value_parser = read_day)]
    date: Option<Date>,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let said = Said::Answered(arguments.answers.answers(arguments.review_by, &words::taxonomy()?)?);
    let place = Where { file: None, reports: Vec::new(), date: arguments.date };
    told::in_file(&arguments.file, &arguments.code, Entry::New, &said, &place, out)
}
