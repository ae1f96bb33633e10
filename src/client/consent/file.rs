//! A register before it is sealed: a file in the case folder, read and made as strictly as what is sealed.

use super::{after, day_said};
use crate::{
    client::{
        consent::Said,
        desk::DeskError,
        report::{ConsentRegister, draft, limits::MAX_DESCRIBING_BYTES},
    },
    model::purpose::{Purpose, Taxonomy},
};
use jiff::civil::Date;
use std::path::Path;

/// What a register says of itself when it is begun.
const NOTE: &str = "codes only; the key to the codes is kept apart and is not part of this report";

/// Reads a register, or begins one where there is no file yet.
///
/// # Errors
/// The file is larger than a register may be, or is none.
pub fn read_or_begin(path: &Path) -> Result<ConsentRegister, DeskError> {
    if path.exists() {
        read(path)
    } else {
        Ok(ConsentRegister { v: 1, note: Some(NOTE.to_owned()), persons: Vec::new() })
    }
}

/// Reads a register.
///
/// # Errors
/// There is no such file, it is larger than a register may be, or it is none.
pub fn read(path: &Path) -> Result<ConsentRegister, DeskError> {
    draft::read_register(path).map_err(|error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        DeskError::refused(format!("{error}{}", source.unwrap_or_default()))
    })
}

/// The bytes of a register's file.
///
/// # Errors
/// Whatever a sealed register would be refused for, so that it is never written; purposes the taxonomy does not list.
pub fn bytes(register: &ConsentRegister, taxonomy: &Taxonomy) -> Result<Vec<u8>, DeskError> {
    let failed = |why: serde_json::Error| DeskError::refused(format!("the register would be refused: {why}"));
    let mut text = serde_json::to_vec_pretty(register).map_err(failed)?;
    text.push(b'\n');
    ConsentRegister::from_json(&text).map_err(failed)?;
    for person in &register.persons {
        for purpose in person.uses.keys() {
            known(purpose, taxonomy).map_err(|why| DeskError::refused(format!("{}: {why}", person.code)))?;
        }
    }
    match u64::try_from(text.len()) {
        Ok(bytes) if bytes <= MAX_DESCRIBING_BYTES => Ok(text),
        _ => Err(DeskError::refused(format!("the register would be larger than {MAX_DESCRIBING_BYTES} bytes"))),
    }
}

/// The register with what one person said on a day, as [`day_said`] takes it. `entry` says whether they must be in it
/// already.
///
/// # Errors
/// The code stands there or does not, against `entry`; [`super::NotRecorded`].
pub fn with(
    mut register: ConsentRegister,
    code: &str,
    entry: Entry,
    said: &Said,
    (date, today): (Option<Date>, Date),
) -> Result<ConsentRegister, DeskError> {
    let place = register.persons.iter().position(|person| person.code == code);
    match (entry, place) {
        (Entry::New, Some(_)) => {
            return Err(DeskError::refused(format!(
                "{code} is in the register already; change it with `amana consent set`"
            )));
        }
        (Entry::Known, None) => {
            let codes: Vec<&str> = register.persons.iter().map(|person| person.code.as_str()).collect();
            return Err(DeskError::refused(format!(
                "{code} is not in the register; add them with `amana consent add`. There are: {}",
                codes.join(", ")
            )));
        }
        _ => {}
    }
    let before = place.and_then(|place| register.persons.get(place));
    let date = day_said(date, before.and_then(|person| person.date), today);
    let person = date.and_then(|date| after(code, before, said, date, today));
    let person = person.map_err(|why| DeskError::refused(why.to_string()))?;
    match place.and_then(|place| register.persons.get_mut(place)) {
        Some(entry) => *entry = person,
        None => register.persons.push(person),
    }
    Ok(register)
}

/// Whether a person is recorded for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// For the first time.
    New,
    /// Again.
    Known,
}

/// A purpose of the taxonomy, or all there are.
///
/// # Errors
/// The purpose and the list to choose from.
pub fn known(purpose: &str, taxonomy: &Taxonomy) -> Result<(), DeskError> {
    let parsed: Option<Purpose> = purpose.parse().ok();
    if parsed.is_some_and(|purpose| taxonomy.leaf(&purpose).is_some()) {
        return Ok(());
    }
    let ids: Vec<&str> = taxonomy.leaves().map(|(id, _)| id.as_str()).collect();
    Err(DeskError::refused(format!("there is no purpose {purpose}; choose from: {}", ids.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{
            consent::{Answers, Withdrawal},
            report::{Answer, IdentificationLevel, Status},
        },
        model::bundle::Bundle,
    };
    use jiff::civil::date;

    const TODAY: Date = date(2026, 6, 15);

    fn taxonomy() -> Taxonomy {
        crate::wire::taxonomy::parse(Bundle::shipped().file("taxonomy.json").unwrap()).unwrap()
    }

    fn empty() -> ConsentRegister {
        ConsentRegister { v: 1, note: None, persons: Vec::new() }
    }

    fn given(uses: &[(&str, Answer)]) -> Said {
        let uses = uses.iter().map(|(purpose, answer)| ((*purpose).to_owned(), answer.clone())).collect();
        Said::Answered(Answers { status: Some(Status::Given), uses, ..Answers::default() })
    }

    fn said(register: ConsentRegister, code: &str, entry: Entry, said: &Said) -> Result<ConsentRegister, DeskError> {
        with(register, code, entry, said, (Some(TODAY), TODAY))
    }

    #[test]
    fn what_is_written_is_what_a_sealed_register_may_be() {
        let redacted = Answer::Level(IdentificationLevel::Redacted);
        let good = said(empty(), "W-01", Entry::New, &given(&[("publication", redacted.clone())])).unwrap();
        let text = bytes(&good, &taxonomy()).unwrap();
        assert_eq!(ConsentRegister::from_json(&text).unwrap(), good);
        for (code, purpose, answer) in [
            ("W 01", "publication", redacted.clone()),
            ("V-04..V-07", "publication", redacted.clone()),
            ("W-01", "publication", Answer::Yes),
            ("W-01", "world-peace", redacted.clone()),
            ("W-01", "Not an id", redacted),
        ] {
            let register = said(empty(), code, Entry::New, &given(&[(purpose, answer)])).unwrap();
            assert!(bytes(&register, &taxonomy()).is_err(), "{code} {purpose}");
        }
    }

    #[test]
    fn unknown_purpose_is_answered_with_the_list() {
        let words = known("world-peace", &taxonomy()).unwrap_err().to_string();
        assert!(words.contains("commission-of-inquiry"), "{words}");
        assert!(known("commission-of-inquiry", &taxonomy()).is_ok());
    }

    #[test]
    fn person_is_added_once_and_changed_only_when_there() {
        let one = said(empty(), "W-01", Entry::New, &given(&[])).unwrap();
        assert!(said(one.clone(), "W-01", Entry::New, &given(&[])).is_err());
        assert!(said(one.clone(), "W-02", Entry::Known, &given(&[])).is_err());
        let withdrawn = said(one, "W-01", Entry::Known, &Said::Withdrawn(Withdrawal::Everything {})).unwrap();
        assert_eq!(withdrawn.persons[0].status, Status::Withdrawn);
    }
}
