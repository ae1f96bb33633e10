//! The consent check: a grant may not be wider than what every person in the report agreed to.
//!
//! Everything missing, unclear, overdue or unknown counts as "nothing allowed". All refusals are listed, each
//! with the code of the person, so that the advocate knows whom to ask.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::consent::{Answer, ConsentRegister, IdentificationLevel, Person, Status};
use super::item::Item;

/// What a grant would allow.
#[derive(Debug, Clone, Copy)]
pub struct Proposed<'a> {
    /// Purpose ids of the taxonomy; at least one.
    pub purposes: &'a [&'a str],
    /// Class of the recipient.
    pub recipient_class: &'a str,
    /// How recognisable persons may become.
    pub identification: IdentificationLevel,
    /// The day on which it is judged.
    pub today: Date,
}

/// The earliest day on which a counted person's consent must have been gone through again, if any was set.
/// A grant must not outlast it: the windows of grants are half-open, and so is this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentReviewBy(pub Option<Date>);

/// One reason why a proposed grant goes beyond a person's consent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {why}")]
pub struct ConsentRefusal {
    /// The person's code.
    pub code: String,
    /// What is not covered.
    pub why: Why,
}

/// What is not covered by a person's consent, in plain words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The grant names no purpose, so no answer can cover it.
    #[error("the grant names no purpose, and this person agreed to purposes only")]
    NoPurpose,
    /// A file names the person, but nobody recorded an answer.
    #[error("\u{201c}{path}\u{201d} shows this person, but the consent register does not list them")]
    NotRegistered {
        /// The file.
        path: String,
    },
    /// The person took the consent back and is still in the report.
    #[error("this person has withdrawn, and \u{201c}{path}\u{201d} still shows them")]
    Withdrawn {
        /// The first file that shows the person.
        path: String,
    },
    /// The person refused.
    #[error("this person refused")]
    Refused,
    /// The person cannot be reached and nobody answered for them.
    #[error("this person cannot be reached, and the register does not say who answered for them")]
    NobodyAnswered,
    /// The consent was to be gone through again by now.
    #[error("the consent was to be gone through again by {review_by}; until then it covers nothing")]
    ReviewOverdue {
        /// The day of the review.
        review_by: Date,
    },
    /// The person wants to be asked each time.
    #[error("for {about} this person wants to be asked first (\u{201c}{answer}\u{201d}); record the new answer")]
    AskFirst {
        /// The purpose or class of recipients.
        about: String,
        /// The words of the register.
        answer: String,
    },
    /// Nobody recorded an answer for this purpose or class.
    #[error("there is no answer about {about}, which counts as no")]
    NotAnswered {
        /// The purpose or class of recipients.
        about: String,
    },
    /// The grant would go further than the person allowed.
    #[error(
        "for {purpose} this person allows at most \u{201c}{allowed}\u{201d}; the grant asks for \u{201c}{asked}\u{201d}"
    )]
    TooWide {
        /// The purpose.
        purpose: String,
        /// The level allowed for this purpose and this class of recipients.
        allowed: IdentificationLevel,
        /// The level asked for.
        asked: IdentificationLevel,
    },
    /// A file shows more than the person allowed.
    #[error(
        "\u{201c}{path}\u{201d} shows this person at \u{201c}{shown}\u{201d}; for {purpose} they allow at most \u{201c}{allowed}\u{201d}"
    )]
    ItemShowsMore {
        /// The file.
        path: String,
        /// The purpose.
        purpose: String,
        /// The level allowed for this purpose and this class of recipients.
        allowed: IdentificationLevel,
        /// The level of the file.
        shown: IdentificationLevel,
    },
    /// A file shows more than the grant itself says it will.
    #[error(
        "\u{201c}{path}\u{201d} shows this person at \u{201c}{shown}\u{201d}, above the grant\u{2019}s own \u{201c}{identification}\u{201d}"
    )]
    ItemAboveGrant {
        /// The file.
        path: String,
        /// The level of the file.
        shown: IdentificationLevel,
        /// The level of the grant.
        identification: IdentificationLevel,
    },
}

/// Compares a proposed grant with the consent of every counted person.
///
/// Counted is everyone in the register, except a withdrawn person whom no item names, and everyone an item
/// names. For each purpose the person allows the lesser of the answer for the purpose and the answer for the
/// class of recipients.
///
/// # Errors
/// Every reason found, in the order of the register; persons who are not in it come last.
pub fn check(
    register: &ConsentRegister,
    items: &[Item],
    ask: &Proposed<'_>,
) -> Result<ConsentReviewBy, Vec<ConsentRefusal>> {
    let mut by_code = shown_by_code(items);
    let mut refusals = Vec::new();
    let mut earliest: Option<Date> = None;
    for person in &register.persons {
        let shows = by_code.remove(person.code.as_str()).unwrap_or_default();
        if person.status == Status::Withdrawn && shows.is_empty() {
            continue;
        }
        let whys = judge(person, &shows, ask);
        refusals.extend(whys.into_iter().map(|why| ConsentRefusal { code: person.code.clone(), why }));
        earliest = [earliest, person.valid_review_by].into_iter().flatten().min();
    }
    for (code, shows) in by_code {
        refusals.extend(shows.iter().map(|show| ConsentRefusal {
            code: code.to_owned(),
            why: Why::NotRegistered { path: show.path.to_owned() },
        }));
    }
    if refusals.is_empty() { Ok(ConsentReviewBy(earliest)) } else { Err(refusals) }
}

/// A file that shows a person.
#[derive(Clone, Copy)]
struct Show<'a> {
    path: &'a str,
    level: IdentificationLevel,
}

fn shown_by_code(items: &[Item]) -> BTreeMap<&str, Vec<Show<'_>>> {
    let mut shown: BTreeMap<&str, Vec<Show<'_>>> = BTreeMap::new();
    for item in items {
        for person in &item.persons {
            let show = Show { path: &item.path, level: person.level };
            shown.entry(person.code.as_str()).or_default().push(show);
        }
    }
    shown
}

/// All reasons against the grant on behalf of one person.
fn judge(person: &Person, shows: &[Show<'_>], ask: &Proposed<'_>) -> Vec<Why> {
    let mut whys: Vec<Why> = no_consent_at_all(person, shows, ask).into_iter().collect();
    if whys.is_empty() {
        if ask.purposes.is_empty() {
            whys.push(Why::NoPurpose);
        }
        for purpose in ask.purposes {
            whys.extend(judge_purpose(person, shows, ask, purpose));
        }
        whys.dedup();
    }
    whys.extend(shows.iter().filter(|show| show.level > ask.identification).map(|show| Why::ItemAboveGrant {
        path: show.path.to_owned(),
        shown: show.level,
        identification: ask.identification,
    }));
    whys
}

/// A reason for which no answer of the person counts, where anything at all about them would be passed on.
fn no_consent_at_all(person: &Person, shows: &[Show<'_>], ask: &Proposed<'_>) -> Option<Why> {
    let nothing = IdentificationLevel::None;
    if ask.identification == nothing && shows.iter().all(|show| show.level == nothing) {
        return None;
    }
    match (person.status, shows.first()) {
        (Status::Withdrawn, Some(show)) => return Some(Why::Withdrawn { path: show.path.to_owned() }),
        (Status::Refused | Status::Withdrawn, _) => return Some(Why::Refused),
        (Status::NotObtainable, _) if person.by.is_none() => return Some(Why::NobodyAnswered),
        (Status::Given | Status::NotObtainable, _) => {}
    }
    person.valid_review_by.filter(|review_by| ask.today >= *review_by).map(|review_by| Why::ReviewOverdue { review_by })
}

fn judge_purpose(person: &Person, shows: &[Show<'_>], ask: &Proposed<'_>, purpose: &str) -> Vec<Why> {
    let counts = matches!(person.status, Status::Given | Status::NotObtainable);
    let for_purpose = person.uses.get(purpose).filter(|_| counts);
    let for_class = person.recipients.get(ask.recipient_class).filter(|_| counts);
    let allowed = for_purpose
        .map_or(IdentificationLevel::None, Answer::for_use)
        .min(for_class.map_or(IdentificationLevel::None, Answer::for_recipient));
    let mut whys = Vec::new();
    if ask.identification > allowed {
        let unanswered = [(purpose, for_purpose), (ask.recipient_class, for_class)];
        whys.extend(unanswered.into_iter().filter_map(|(about, answer)| open_question(about, answer)));
        if whys.is_empty() {
            let asked = ask.identification;
            whys.push(Why::TooWide { purpose: purpose.to_owned(), allowed, asked });
        }
    }
    whys.extend(shows.iter().filter(|show| show.level > allowed).map(|show| Why::ItemShowsMore {
        path: show.path.to_owned(),
        purpose: purpose.to_owned(),
        allowed,
        shown: show.level,
    }));
    whys
}

/// Why an answer is still missing, if it is.
fn open_question(about: &str, answer: Option<&Answer>) -> Option<Why> {
    match answer {
        None => Some(Why::NotAnswered { about: about.to_owned() }),
        Some(Answer::Ask(words)) => Some(Why::AskFirst { about: about.to_owned(), answer: words.clone() }),
        Some(_) => None,
    }
}
