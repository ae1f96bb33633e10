//! The terms of a grant from the command line: a profile's defaults, edited by what is given.

use crate::{
    cli::{home, output::Failure, words},
    client::granting::{Terms, Version},
    model::{
        bundle::Bundle,
        grant::{Ask, Conditions, Contact, UseMode},
        ids::{GrantId, KeyId, PartyId, ReportId, RequestId},
        limits,
        purpose::{Identification, Purpose, Taxonomy},
        time::{Timestamp, Window},
    },
};
use clap::Args;
use serde::Deserialize;

/// What is granted to whom.
#[derive(Args)]
pub(super) struct TermsArguments {
    /// The report; several are granted one after another, on the same terms.
    #[arg(required = true)]
    reports: Vec<ReportId>,
    /// This very report, although a redacted version of it is known: from tier 3 on that one is granted otherwise.
    #[arg(long)]
    original: bool,
    /// The institution's id.
    // Base64url may begin with a hyphen.
    #[arg(long, value_name = "INSTITUTION_ID", allow_hyphen_values = true)]
    to: PartyId,
    /// Its unit; needed when it has several.
    #[arg(long)]
    unit: Option<String>,
    /// What for: the id of a purpose, such as commission-of-inquiry (a wrong one lists them all); may be given several
    /// times.
    #[arg(long = "purpose", value_name = "PURPOSE", required = true, value_delimiter = ',')]
    purposes: Vec<Purpose>,
    /// Defaults to start from: a group of purposes, such as fact-finding (a wrong one lists them all) [default: the group
    /// of the first purpose].
    #[arg(long)]
    profile: Option<String>,
    /// For how many days it can be collected.
    #[arg(long)]
    days: Option<u64>,
    /// Hours in which it can be taken back before anybody can collect.
    #[arg(long, value_name = "HOURS")]
    cooling_off: Option<u64>,
    /// How often it can be collected.
    #[arg(long, value_name = "N")]
    max: Option<u32>,
    /// How far persons may be identified: none, statistics, anonymous-summary, redacted, initials,
    /// identified-to-recipient, identified-to-state or public.
    #[arg(long, value_name = "LEVEL", value_parser = words::read_term::<Identification>)]
    identification: Option<Identification>,
    /// In which way it may be used: lead-only, evidence, preserve-only or information.
    #[arg(long = "use", value_name = "MODE", value_parser = words::read_term::<UseMode>)]
    use_mode: Option<UseMode>,
    /// For how many days it may be kept.
    #[arg(long)]
    keep_days: Option<u64>,
    /// For how many calendar months it may be kept; the day of the month stays, or is the last one.
    #[arg(long, value_name = "MONTHS", conflicts_with = "keep_days")]
    keep_months: Option<u16>,
    /// The last day on which it may be kept, in UTC, such as 2030-12-31.
    #[arg(long, value_name = "DAY", value_parser = words::read_last_day, conflicts_with_all = ["keep_days", "keep_months"])]
    keep_until: Option<Timestamp>,
    /// Only this officer may collect; may be given several times.
    #[arg(long = "officer", value_name = "KEY_ID", allow_hyphen_values = true)]
    officers: Vec<KeyId>,
    /// How many officers other than the one who collects have to agree.
    #[arg(long, value_name = "N")]
    officer_approvals: Option<u32>,
    /// It must not arrive before this time, such as 2030-01-31 or 2030-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = words::read_moment)]
    embargo_until: Option<Timestamp>,
    /// The grant it takes the place of, which ends with it.
    #[arg(long, value_name = "GRANT")]
    replaces: Option<GrantId>,
    /// The request it answers.
    #[arg(long, value_name = "REQUEST")]
    answers: Option<RequestId>,
    /// Passing it on: no or ask-first.
    #[arg(long, default_value = "ask-first", value_parser = words::read_term::<Ask>)]
    onward: Ask,
    /// Contact with the persons: no or through-provider-only.
    #[arg(long, default_value = "through-provider-only", value_parser = words::read_term::<Contact>)]
    contact: Contact,
    /// Publishing: no or ask-first.
    #[arg(long, default_value = "no", value_parser = words::read_term::<Ask>)]
    publication: Ask,
    /// Processing by outside services, such as machine translation: no or ask-first.
    #[arg(long, default_value = "no", value_parser = words::read_term::<Ask>)]
    external_processing: Ask,
    /// The institution's eight words, as it told you over another channel.
    #[arg(long, value_name = "EIGHT WORDS")]
    confirm_fingerprint: Option<String>,
}

impl TermsArguments {
    /// The terms, with the profile's defaults where nothing was said.
    pub(super) fn terms(&self, taxonomy: &Taxonomy) -> Result<Vec<Terms>, Failure> {
        if self.reports.len() > 1 && (self.replaces.is_some() || self.answers.is_some()) {
            return Err(Failure::usage("--replaces and --answers are about one report; give the others by themselves"));
        }
        self.reports.iter().map(|report| self.terms_for(*report, taxonomy)).collect()
    }

    fn terms_for(&self, report: ReportId, taxonomy: &Taxonomy) -> Result<Terms, Failure> {
        words::known_purposes(&self.purposes, taxonomy)?;
        let profile = self.profile(taxonomy)?;
        let now = home::now();
        // This clock may run ahead of the broker's; a window that began before the grant gives nothing away.
        let from = Timestamp::from_seconds(now.as_seconds().saturating_sub(limits::CLOCK_AHEAD.as_seconds()));
        let open_for = words::days(self.days.unwrap_or(profile.collect_days))?;
        if open_for > limits::COLLECT_WITHIN {
            return Err(Failure::usage(format!("--days is at most {}", words::length(limits::COLLECT_WITHIN))));
        }
        let until = now.plus(open_for).min(from.plus(limits::COLLECT_WITHIN));
        Ok(Terms {
            report,
            version: if self.original { Version::ThisOne } else { Version::Default },
            institution: self.to,
            unit: self.unit.clone(),
            purposes: self.purposes.clone(),
            use_mode: self.use_mode.unwrap_or(profile.use_mode),
            identification: self.identification.unwrap_or(profile.identification),
            collect: Window { from, until },
            keep_until: Some(self.keep_until(&profile, now, until)?),
            max_releases: self.max.unwrap_or(profile.max_releases),
            cooling_off: words::hours(self.cooling_off.unwrap_or(profile.cooling_off_hours))?,
            officers: self.officers.clone(),
            conditions: Conditions {
                onward: self.onward,
                contact: self.contact,
                publication: self.publication,
                external_processing: self.external_processing,
            },
            answers: self.answers,
            officer_approvals: self.officer_approvals.unwrap_or(profile.officer_approvals),
            embargo_until: self.embargo_until,
            replaces: self.replaces,
            confirmed_fingerprint: self.confirm_fingerprint.clone(),
        })
    }

    fn keep_until(&self, profile: &Profile, now: Timestamp, until: Timestamp) -> Result<Timestamp, Failure> {
        let keep = match (self.keep_until, self.keep_months) {
            (Some(keep), _) => keep,
            (None, Some(months)) => words::months_after(now, months)?,
            (None, None) => now.plus(words::days(self.keep_days.unwrap_or(profile.keep_days))?),
        };
        if keep < until {
            return Err(Failure::usage(
                "the time to keep it ends before it can be collected for the last time; lower --days",
            ));
        }
        Ok(keep)
    }

    fn profile(&self, taxonomy: &Taxonomy) -> Result<Profile, Failure> {
        let group = self.purposes.first().and_then(|first| taxonomy.leaf(first)).map(|leaf| leaf.group.clone());
        let name = self.profile.clone().or(group).unwrap_or_default();
        let bundle = Bundle::shipped();
        let text = bundle.file(&format!("profiles/{name}.json")).ok_or_else(|| {
            let profiles = bundle.paths().filter_map(|path| path.strip_prefix("profiles/")?.strip_suffix(".json"));
            Failure::usage(format!(
                "there is no profile {name:?}; say with --profile where to start from: {}",
                profiles.collect::<Vec<_>>().join(", ")
            ))
        })?;
        serde_json::from_str(text)
            .map_err(|e| Failure::refused(format!("the profile {name} is not as documented: {e}")))
    }
}

/// Defaults of a group of purposes, as `policies/profiles/` has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    #[serde(rename = "v")]
    _version: u8,
    #[serde(rename = "group")]
    _group: String,
    collect_days: u64,
    cooling_off_hours: u64,
    max_releases: u32,
    identification: Identification,
    use_mode: UseMode,
    keep_days: u64,
    officer_approvals: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Duration;
    use std::collections::BTreeSet;

    /// The profiles of the shipped bundle, by the name of their file; and as they stand there.
    fn profiles() -> Vec<(String, Profile, serde_json::Value)> {
        let bundle = Bundle::shipped();
        let named = bundle.paths().filter(|path| path.starts_with("profiles/"));
        let read = |path: &str| {
            let text = bundle.file(path).unwrap();
            let name = path.trim_start_matches("profiles/").trim_end_matches(".json").to_owned();
            (name, serde_json::from_str(text).unwrap(), serde_json::from_str(text).unwrap())
        };
        named.map(read).collect()
    }

    #[test]
    fn every_group_of_purposes_has_a_profile_and_every_profile_a_group() {
        let taxonomy = words::taxonomy().unwrap();
        let groups: BTreeSet<String> = taxonomy.leaves().map(|(_, leaf)| leaf.group.clone()).collect();
        let named: BTreeSet<String> = profiles().into_iter().map(|(name, ..)| name).collect();
        assert_eq!(groups, named);
        for (name, _, file) in profiles() {
            assert_eq!(file["group"], *name);
        }
    }

    #[test]
    fn every_profile_lies_within_the_bounds_of_a_grant() {
        for (name, profile, file) in profiles() {
            let collect = Duration::from_days(profile.collect_days);
            assert!(profile.collect_days > 0 && collect <= limits::COLLECT_WITHIN, "{name}");
            assert!(profile.cooling_off_hours * 3600 < collect.as_seconds(), "{name} cools off longer than it is open");
            assert!((1..=limits::MAX_RELEASES).contains(&profile.max_releases), "{name}");
            assert!(profile.keep_days >= profile.collect_days, "{name} ends before it can be collected");
            assert!(words::days(profile.keep_days).is_ok(), "{name}");
            assert!(file["officer_approvals"].as_u64().unwrap() <= u64::from(limits::OFFICER_APPROVALS), "{name}");
        }
    }

    #[test]
    fn no_profile_shows_the_state_or_the_public_who_somebody_is() {
        for (name, profile, _) in profiles() {
            assert!(profile.identification <= Identification::IdentifiedToRecipient, "{name}");
        }
    }
}
