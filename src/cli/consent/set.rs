//! `consent set`: other answers of a person who is recorded.

use super::{
    answers::{AnswerArguments, read_code, read_day},
    told::{self, Where},
};
use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::consent::{Answers, Said, file::Entry},
};
use clap::Args;
use jiff::civil::Date;

/// Record other answers of a person. What is not said stays as it was.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana consent set --file case/consent/consent_register.json W-02 --use publication=no\n  amana consent set W-02 --report 3f… --use criminal-proceedings=initials --recipient international-court=yes --by self"
)]
pub(super) struct Arguments {
    /// The person's code.
    #[arg(value_parser = read_code)]
    code: String,
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    answers: AnswerArguments,
    /// The day by which it must be gone through again.
    #[arg(long, value_name = "DAY", value_parser = read_day)]
    review_by: Option<Date>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let answers = arguments.answers.answers(arguments.review_by, &words::taxonomy()?)?;
    if answers == Answers::default() {
        return Err(Failure::usage("say what the person answered, such as --use publication=no"));
    }
    tell(&arguments.code, answers, &arguments.place, access, out)
}

/// Records answers of a person who is recorded, where they belong.
pub(super) fn tell(code: &str, answers: Answers, place: &Where, access: &Access, out: &Out) -> Result<(), Failure> {
    let said = Said::Answered(answers);
    match &place.file {
        Some(path) => told::in_file(path, code, Entry::Known, &said, place, out),
        None => told::on_device(access, place.telling(code, said), out),
    }
}
