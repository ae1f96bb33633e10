//! All texts of a receipt, by language. Each language's file holds the same ids, and words for every purpose of the
//! shipped taxonomy; what is missing does not load.

use crate::model::{
    grant::{Ask, Contact, UseMode},
    purpose::{Identification, IdentityNeed, Purpose},
    time::{Duration, Timestamp},
};
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A language a receipt can be written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// French.
    #[serde(rename = "fr")]
    French,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
    /// Arabic.
    #[serde(rename = "ar")]
    Arabic,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::English, Self::French, Self::Spanish, Self::Arabic];

    /// Its code (ISO 639-1, BCP 47).
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Arabic => "ar",
        }
    }
    /// The direction it is written in, as HTML and JSON-LD call it.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::English | Self::French | Self::Spanish => "ltr",
            Self::Arabic => "rtl",
        }
    }
    /// Its file of texts.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::English => include_str!("words/en.json"),
            Self::French => include_str!("words/fr.json"),
            Self::Spanish => include_str!("words/es.json"),
            Self::Arabic => include_str!("words/ar.json"),
        }
    }
}

/// The texts of one language.
pub struct Words {
    /// Which.
    pub(super) language: Language,
    /// Texts by id.
    pub(super) texts: Texts,
    months: [String; 12],
    purposes: BTreeMap<Purpose, PurposeWords>,
}

/// What a purpose means to a person, in their language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PurposeWords {
    pub(super) title: String,
    pub(super) who_learns: String,
    pub(super) publicity: String,
    pub(super) undo: String,
}

impl Words {
    /// The texts of `language`.
    ///
    /// # Errors
    /// When its file is not complete; the tests load each.
    pub fn of(language: Language) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            texts: Texts,
            months: [String; 12],
            purposes: BTreeMap<Purpose, PurposeWords>,
        }
        let File { texts, months, purposes } = serde_json::from_str(language.file())?;
        Ok(Self { language, texts, months, purposes })
    }

    /// What a purpose means, unless it came later than this program.
    pub(super) fn purpose(&self, purpose: &Purpose) -> Option<&PurposeWords> {
        self.purposes.get(purpose)
    }
    /// A moment, in UTC.
    pub(super) fn moment(&self, moment: Timestamp) -> String {
        let seconds = i64::try_from(moment.as_seconds()).ok();
        let Some(stamp) = seconds.and_then(|s| jiff::Timestamp::from_second(s).ok()) else {
            return moment.as_seconds().to_string();
        };
        let at = TimeZone::UTC.to_datetime(stamp);
        let month = usize::try_from(at.month()).ok().and_then(|m| self.months.get(m.checked_sub(1)?));
        let seconds = if at.second() == 0 { String::new() } else { format!(":{:02}", at.second()) };
        self.texts
            .moment
            .replace("{day}", &at.day().to_string())
            .replace("{month}", month.map_or("", String::as_str))
            .replace("{year}", &at.year().to_string())
            .replace("{time}", &format!("{:02}:{:02}{seconds}", at.hour(), at.minute()))
    }
    /// A length of time as hours and minutes, and seconds where there are any: the same in every language.
    pub(super) fn hours(length: Duration) -> String {
        let seconds = length.as_seconds();
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if rest == 0 { format!("{hours}:{minutes:02}") } else { format!("{hours}:{minutes:02}:{rest:02}") }
    }
    /// In which way it may be used.
    pub(super) fn use_mode(&self, mode: UseMode) -> &str {
        match mode {
            UseMode::LeadOnly => &self.texts.use_lead_only,
            UseMode::Evidence => &self.texts.use_evidence,
            UseMode::PreserveOnly => &self.texts.use_preserve_only,
            UseMode::Information => &self.texts.use_information,
        }
    }
    /// How far persons may be identified.
    pub(super) fn identification(&self, level: Identification) -> &str {
        match level {
            Identification::None => &self.texts.identify_none,
            Identification::Statistics => &self.texts.identify_statistics,
            Identification::AnonymousSummary => &self.texts.identify_anonymous_summary,
            Identification::Redacted => &self.texts.identify_redacted,
            Identification::Initials => &self.texts.identify_initials,
            Identification::IdentifiedToRecipient => &self.texts.identify_to_recipient,
            Identification::IdentifiedToState => &self.texts.identify_to_state,
            Identification::Public => &self.texts.identify_public,
        }
    }
    /// Whether something may be asked for.
    pub(super) fn ask(&self, ask: Ask) -> &str {
        match ask {
            Ask::No => &self.texts.ask_no,
            Ask::AskFirst => &self.texts.ask_first,
            Ask::AsRequested => &self.texts.ask_as_requested,
        }
    }
    /// How persons may be contacted.
    pub(super) fn contact(&self, contact: Contact) -> &str {
        match contact {
            Contact::No => &self.texts.contact_no,
            Contact::ThroughProviderOnly => &self.texts.contact_provider,
            Contact::AsRequested => &self.texts.ask_as_requested,
        }
    }
    /// Whether names are needed.
    pub(super) fn names(&self, need: IdentityNeed) -> &str {
        match need {
            IdentityNeed::NotNeeded => &self.texts.names_not_needed,
            IdentityNeed::Helpful => &self.texts.names_helpful,
            IdentityNeed::Required => &self.texts.names_required,
        }
    }
}

/// Texts by id. `{from}`, `{until}`, `{key}`, `{day}`, `{month}`, `{year}` and `{time}` are filled in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Texts {
    pub(super) title: String,
    pub(super) intro: String,
    pub(super) not_delivery: String,
    pub(super) alleged: String,
    pub(super) persons: String,
    pub(super) section_who: String,
    pub(super) given_by: String,
    pub(super) given_to: String,
    pub(super) jurisdiction: String,
    pub(super) name_unknown: String,
    pub(super) signed_on: String,
    pub(super) report: String,
    pub(super) section_why: String,
    pub(super) who_learns: String,
    pub(super) names: String,
    pub(super) names_not_needed: String,
    pub(super) names_helpful: String,
    pub(super) names_required: String,
    pub(super) publicity: String,
    pub(super) undo: String,
    pub(super) purpose_unknown: String,
    pub(super) other_taxonomy: String,
    pub(super) section_terms: String,
    pub(super) use_mode: String,
    pub(super) use_lead_only: String,
    pub(super) use_evidence: String,
    pub(super) use_preserve_only: String,
    pub(super) use_information: String,
    pub(super) identification: String,
    pub(super) identify_none: String,
    pub(super) identify_statistics: String,
    pub(super) identify_anonymous_summary: String,
    pub(super) identify_redacted: String,
    pub(super) identify_initials: String,
    pub(super) identify_to_recipient: String,
    pub(super) identify_to_state: String,
    pub(super) identify_public: String,
    pub(super) collect: String,
    pub(super) from_until: String,
    pub(super) keep: String,
    pub(super) until: String,
    pub(super) keep_as_terms: String,
    pub(super) max_releases: String,
    pub(super) cooling_off: String,
    pub(super) officers: String,
    pub(super) every_officer: String,
    pub(super) review: String,
    pub(super) recipient_key: String,
    pub(super) recipient_key_statement: String,
    pub(super) opens: String,
    pub(super) answers: String,
    pub(super) answers_nothing: String,
    pub(super) replaces: String,
    pub(super) replaces_nothing: String,
    pub(super) officer_approvals: String,
    pub(super) embargo: String,
    pub(super) embargo_none: String,
    pub(super) recipient_terms: String,
    pub(super) recipient_terms_none: String,
    pub(super) urgent: String,
    pub(super) urgent_yes: String,
    pub(super) urgent_no: String,
    pub(super) section_conditions: String,
    pub(super) onward: String,
    pub(super) contact: String,
    pub(super) publication: String,
    pub(super) external_processing: String,
    pub(super) ask_no: String,
    pub(super) ask_first: String,
    pub(super) ask_as_requested: String,
    pub(super) contact_no: String,
    pub(super) contact_provider: String,
    pub(super) section_withdraw: String,
    pub(super) withdraw: String,
    pub(super) withdraw_limit: String,
    pub(super) section_proof: String,
    pub(super) statement: String,
    pub(super) rules: String,
    pub(super) taxonomy: String,
    pub(super) broker: String,
    pub(super) signature: String,
    pub(super) signature_unchecked: String,
    pub(super) signature_checked: String,
    pub(super) moment: String,
}
