//! What a person said after their register was sealed. It is recorded on the device and applied to the register as it
//! was sealed; it never changes that one.

use crate::{
    client::report::{Answer, ContactRule, IdentificationLevel, Person, Status, strict},
    model::{ids::ReportId, time::Timestamp},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One later answer of one person. Changes are ordered by when they were recorded, and none is ever removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When it was recorded. On one device no two have the same.
    pub at: Timestamp,
    /// The person's code.
    pub code: String,
    // Before the rest: of two that different commands recorded in one second, the withdrawal is applied last.
    /// What they said.
    pub said: Said,
    /// The day they said it.
    #[serde(with = "strict::text")]
    pub date: Date,
    /// The own reports it is about. None named: every one this person is in, also one sealed later.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reports: BTreeSet<ReportId>,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    /// New or other answers; what is not said stays as it was.
    Answered(Answers),
    /// Something is taken back.
    Withdrawn(Withdrawal),
}

/// Answers a person gave; what is absent was not spoken about.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// What the person is in the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whether there is consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Purpose id → answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "strict::unique_map")]
    pub uses: BTreeMap<String, Answer>,
    /// Recipient class id → answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "strict::unique_map")]
    pub recipients: BTreeMap<String, Answer>,
    /// The day it must be gone through again.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "strict::optional_text")]
    pub review_by: Option<Date>,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Language it was explained in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Why there is no consent, or why it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What the person said about their identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Whether and how the person may be contacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactRule>,
}

/// What a person takes back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Withdrawal {
    /// To be named: from now on at most redacted.
    Identity {},
    /// Some purposes and classes of recipients, at least one.
    Of {
        /// Purpose ids.
        uses: BTreeSet<String>,
        /// Recipient class ids.
        recipients: BTreeSet<String>,
    },
    /// Everything.
    Everything {},
}

/// As far as somebody may be shown who does not want to be named any more.
const UNNAMED: IdentificationLevel = IdentificationLevel::Redacted;

impl Said {
    /// The person's entry after this.
    pub fn apply(&self, person: &mut Person, date: Date) {
        person.date = Some(date);
        match self {
            Self::Answered(answers) => answers.apply(person),
            Self::Withdrawn(withdrawal) => withdrawal.apply(person),
        }
    }

    /// A person nobody had recorded anything of, after this; none where it says too little to be an entry.
    pub fn first_entry(&self, code: &str, date: Date) -> Option<Person> {
        let status = match self {
            Self::Answered(answers) => answers.status?,
            Self::Withdrawn(Withdrawal::Everything {}) => Status::Withdrawn,
            Self::Withdrawn(_) => return None,
        };
        let mut person = unanswered(code, status);
        self.apply(&mut person, date);
        Some(person)
    }
}

impl Answers {
    fn apply(&self, person: &mut Person) {
        let set = |field: &mut Option<String>, said: &Option<String>| {
            if said.is_some() {
                field.clone_from(said);
            }
        };
        set(&mut person.by, &self.by);
        set(&mut person.form, &self.form);
        set(&mut person.language, &self.language);
        set(&mut person.why, &self.why);
        set(&mut person.identity, &self.identity);
        if !self.roles.is_empty() {
            person.roles.clone_from(&self.roles);
        }
        person.status = self.status.unwrap_or(person.status);
        person.valid_review_by = self.review_by.or(person.valid_review_by);
        person.contact = self.contact.or(person.contact);
        person.uses.extend(self.uses.clone());
        person.recipients.extend(self.recipients.clone());
    }
}

impl Withdrawal {
    fn apply(&self, person: &mut Person) {
        match self {
            Self::Everything {} => {
                person.status = Status::Withdrawn;
                // Old answers must not come back with a later "given": what is agreed to anew is asked anew.
                person.uses.clear();
                person.recipients.clear();
                person.valid_review_by = None;
            }
            Self::Of { uses, recipients } => {
                person.uses.extend(uses.iter().map(|purpose| (purpose.clone(), Answer::No)));
                person.recipients.extend(recipients.iter().map(|class| (class.clone(), Answer::No)));
            }
            Self::Identity {} => {
                let unnamed = |answer: &mut Answer| {
                    if answer.for_use() > UNNAMED {
                        *answer = Answer::Level(UNNAMED);
                    }
                };
                // A class that sets no limit of its own stays as it is: the lesser of the two answers counts.
                person.uses.values_mut().chain(person.recipients.values_mut()).for_each(unnamed);
            }
        }
    }
}

/// A person of whom only this is known.
pub fn unanswered(code: &str, status: Status) -> Person {
    Person {
        code: code.to_owned(),
        roles: Vec::new(),
        status,
        why: None,
        by: None,
        language: None,
        form: None,
        date: None,
        valid_review_by: None,
        identity: None,
        uses: BTreeMap::new(),
        recipients: BTreeMap::new(),
        contact: None,
        protective_measures: Vec::new(),
        support_referral: None,
        effect: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const DAY: Date = date(2026, 5, 1);

    fn person() -> Person {
        let mut person = unanswered("W-1", Status::Given);
        let answers = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, answer)| ((*key).to_owned(), answer.parse().unwrap())).collect()
        };
        person.uses = answers(&[("publication", "anonymous-summary"), ("urgent-appeal", "identified-to-state")]);
        person.recipients = answers(&[("ngo", "initials-only"), ("un-mechanism", "yes"), ("media", "no")]);
        person.valid_review_by = Some(date(2027, 1, 1));
        person
    }

    fn after(said: &Said) -> Person {
        let mut person = person();
        said.apply(&mut person, DAY);
        assert_eq!(person.date, Some(DAY));
        person
    }

    #[test]
    fn withdrawing_everything_leaves_no_answer_that_a_later_yes_could_revive() {
        let mut person = after(&Said::Withdrawn(Withdrawal::Everything {}));
        assert_eq!((person.status, person.uses.len(), person.recipients.len()), (Status::Withdrawn, 0, 0));
        Said::Answered(Answers { status: Some(Status::Given), ..Answers::default() }).apply(&mut person, DAY);
        assert_eq!((person.status, person.uses.len(), person.valid_review_by), (Status::Given, 0, None));
    }

    #[test]
    fn withdrawing_some_uses_leaves_the_others() {
        let uses = BTreeSet::from(["publication".to_owned()]);
        let person = after(&Said::Withdrawn(Withdrawal::Of { uses, recipients: BTreeSet::new() }));
        assert_eq!(person.status, Status::Given);
        assert_eq!(person.uses["publication"], Answer::No);
        assert_eq!(person.uses["urgent-appeal"], Answer::Level(IdentificationLevel::IdentifiedToState));
    }

    #[test]
    fn withdrawing_the_name_lowers_what_is_above_redacted_and_raises_nothing() {
        let person = after(&Said::Withdrawn(Withdrawal::Identity {}));
        assert_eq!(person.uses["urgent-appeal"], Answer::Level(IdentificationLevel::Redacted));
        assert_eq!(person.uses["publication"], Answer::Level(IdentificationLevel::AnonymousSummary));
        assert_eq!(person.recipients["ngo"], Answer::Level(IdentificationLevel::Redacted));
        assert_eq!((&person.recipients["un-mechanism"], &person.recipients["media"]), (&Answer::Yes, &Answer::No));
    }

    #[test]
    fn what_was_not_said_stays_as_it_was() {
        let uses = BTreeMap::from([("publication".to_owned(), Answer::No)]);
        let person = after(&Said::Answered(Answers { uses, ..Answers::default() }));
        assert_eq!(person.uses["publication"], Answer::No);
        assert_eq!(person.uses.len(), 2);
        assert_eq!(person.valid_review_by, Some(date(2027, 1, 1)));
    }

    #[test]
    fn person_nobody_recorded_needs_a_status_to_be_an_entry() {
        let given = Answers { status: Some(Status::Given), ..Answers::default() };
        assert!(Said::Answered(given).first_entry("S-4", DAY).is_some());
        assert!(Said::Answered(Answers::default()).first_entry("S-4", DAY).is_none());
        let withdrawn = Said::Withdrawn(Withdrawal::Everything {}).first_entry("S-4", DAY).unwrap();
        assert_eq!(withdrawn.status, Status::Withdrawn);
    }
}
