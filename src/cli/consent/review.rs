//! `consent review`: gone through again with the person.

use super::{
    answers::{AnswerArguments, read_code, read_day},
    set,
    told::Where,
};
use crate::cli::{
    home::Access,
    output::{Failure, Out},
    words,
};
use clap::Args;
use jiff::civil::Date;

/// Record that a person's consent was gone through again, with the day of the next review. Answers that changed are given
/// along; the others stay.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana consent review W-02 --review-by 2028-03-24\n  amana consent review W-02 --review-by 2028-03-24 --date 2027-03-20 --use publication=no\n  amana consent review --file case/consent/consent_register.json W-02 --review-by 2028-03-24"
)]
pub(super) struct Arguments {
    /// The person's code.
    #[arg(value_parser = read_code)]
    code: String,
    #[command(flatten)]
    place: Where,
    /// The day by which it must be gone through again: from its first second in UTC it covers nothing.
    #[arg(long, value_name = "DAY", value_parser = read_day)]
    review_by: Date,
    #[command(flatten)]
    answers: AnswerArguments,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let answers = arguments.answers.answers(Some(arguments.review_by), &words::taxonomy()?)?;
    set::tell(&arguments.code, answers, &arguments.place, access, out)
}
