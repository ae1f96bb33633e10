//! `release status`: what became of what was collected, signed by an officer. An honest "cannot" is an answer.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    model::{answer::Became, ids::GrantId, statement::Text, time::Timestamp},
};
use clap::{Args, ValueEnum};

/// Say what became of what was collected under a grant. Whoever gave it is shown this, and an overdue answer stops every
/// further release to your institution.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana release status 3f… --became used-internally\n  amana release status 3f… --became erased\n  amana release status 3f… --became cannot-say --until 2030-03-31\n  amana release status 3f… --became cannot-erase --reason 'It is part of the record of case F-12.' --review 2030-12-31"
)]
pub(super) struct Arguments {
    /// The grant.
    grant: GrantId,
    /// What became of it.
    #[arg(long, value_enum)]
    became: Word,
    /// For cannot-say: the day by which you can; the whole day counts, in UTC.
    #[arg(long, value_name = "DATE", value_parser = words::read_moment)]
    until: Option<Timestamp>,
    /// For cannot-erase: why.
    #[arg(long, value_name = "TEXT", value_parser = words::read_text)]
    reason: Option<Text>,
    /// For cannot-erase: the day by which that is looked at again; the whole day counts, in UTC.
    #[arg(long, value_name = "DATE", value_parser = words::read_moment)]
    review: Option<Timestamp>,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Word {
    /// It was received, and nothing else yet.
    Received,
    /// Used in the institution's own work.
    UsedInternally,
    /// Shown to both sides of proceedings.
    DisclosedToParties,
    /// Part of a court's or commission's record.
    InTheRecord,
    /// Published.
    Published,
    /// In an archive with restricted access.
    ArchivedRestricted,
    /// Handed back, no copy kept.
    Returned,
    /// Erased.
    Erased,
    /// It cannot be said before --until.
    CannotSay,
    /// It cannot be erased, for --reason; looked at again by --review.
    CannotErase,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let became = became(arguments.became, arguments.until, arguments.reason.as_ref(), arguments.review)?;
    access.at_desk(|sitting| {
        let (summary, _) = sitting.desk.listed_grant(arguments.grant)?;
        let accepted = sitting.desk.say_what_became(&summary, became.clone())?;
        // What is still owed is the broker's to say: the terms and the clock are there.
        let (after, _) = sitting.desk.listed_grant(arguments.grant)?;
        let owed = words::owed(after.answer, sitting.desk.now());
        out.show(
            format!(
                "Said: your institution {}.\n  statement  {}\n  owed       {}",
                words::became(&became),
                accepted.id,
                owed.unwrap_or_else(|| "nothing more".to_owned())
            ),
            &serde_json::json!({
                "status": accepted.id, "index": accepted.index, "grant": summary.id, "release": summary.exercised,
                "became": became, "answer": after.answer,
            }),
        );
        Ok(())
    })
}

fn became(
    word: Word,
    until: Option<Timestamp>,
    reason: Option<&Text>,
    review: Option<Timestamp>,
) -> Result<Became, Failure> {
    let alone = |became| match (until, reason, review) {
        (None, None, None) => Ok(became),
        _ => Err(Failure::usage("--until belongs to cannot-say, --reason and --review to cannot-erase")),
    };
    match word {
        Word::Received => alone(Became::Received {}),
        Word::UsedInternally => alone(Became::UsedInternally {}),
        Word::DisclosedToParties => alone(Became::DisclosedToParties {}),
        Word::InTheRecord => alone(Became::InTheRecord {}),
        Word::Published => alone(Became::Published {}),
        Word::ArchivedRestricted => alone(Became::ArchivedRestricted {}),
        Word::Returned => alone(Became::Returned {}),
        Word::Erased => alone(Became::Erased {}),
        Word::CannotSay => match (until, reason, review) {
            (Some(until), None, None) => Ok(Became::CannotSay { until }),
            _ => Err(Failure::usage("cannot-say takes --until, the day by which you can, and nothing else")),
        },
        Word::CannotErase => match (until, reason, review) {
            (None, Some(reason), Some(review)) => Ok(Became::CannotErase { reason: reason.clone(), review }),
            _ => {
                Err(Failure::usage("cannot-erase takes --reason and --review, the day by which it is looked at again"))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_the_one_in_statements_and_takes_what_belongs_to_it() {
        let (day, reason) = (Some(Timestamp::from_seconds(7)), "a duty".parse::<Text>().unwrap());
        for word in Word::value_variants() {
            let name = word.to_possible_value().unwrap().get_name().to_owned();
            let read = match word {
                Word::CannotSay => became(*word, day, None, None),
                Word::CannotErase => became(*word, None, Some(&reason), day),
                _ => became(*word, None, None, None),
            };
            assert_eq!(read.unwrap().word(), name);
            assert!(became(*word, day, Some(&reason), day).is_err(), "{name}");
        }
        assert!(became(Word::CannotSay, None, None, None).is_err());
        assert!(became(Word::CannotErase, None, Some(&reason), None).is_err());
        assert!(became(Word::Erased, day, None, None).is_err());
    }
}
