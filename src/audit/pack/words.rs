//! What happened, in words for people who never saw this program: no "party", no "header", no "shred".

use super::{
    custody::{Actor, grant, institution},
    story::Story,
};
use crate::model::{
    answer::Became,
    event::Event,
    grant::{EndCause, Grant, HeaderCopy, Revocation},
    ids::GrantId,
    purpose::Purpose,
    release::Outcome,
    report::{AfterWithdrawal, Withdrawal},
    request::AccessRequest,
    statement::{Body, Signed},
    time::Timestamp,
};

/// A moment in UTC, as RFC 3339.
pub fn utc(moment: Timestamp) -> String {
    let seconds = i64::try_from(moment.as_seconds()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| format!("second {}", moment.as_seconds()), |at| at.to_string())
}

/// A word for programs, and a sentence for people.
pub(super) fn of(story: &Story, event: &Event, actor: &Actor) -> (&'static str, String) {
    let by = actor.institution.as_deref().unwrap_or("the institution");
    match event {
        Event::Accepted(signed, body) => accepted(story, signed, body, by),
        Event::Released(_, request) => (
            "released",
            format!("{by} collected the information under permission {}, for: {}.", short(request.grant), request.purpose),
        ),
        Event::ReleaseDenied(_, request) => (
            "release-denied",
            format!(
                "{by} asked to collect the information under permission {} and was refused. Nothing was handed over.",
                short(request.grant)
            ),
        ),
        Event::PayloadStored(_) => (
            "stored",
            "The sealed file had arrived whole at the broker. Its length and digest are those the advocate signed. The \
             broker cannot open it."
                .to_owned(),
        ),
        Event::HeaderReceived(id) => (
            "key-received",
            format!("The locked key made for {} arrived at the broker: it can be collected now.", recipient(story, *id)),
        ),
        Event::OwnerHeaderFetched(..) => (
            "own-key-fetched",
            "The advocate fetched their own locked key, as is needed to give a permission or to read the information."
                .to_owned(),
        ),
        Event::OwnerHeaderDenied(..) => {
            ("own-key-refused", "Somebody asked for the advocate's own locked key and was refused.".to_owned())
        }
        Event::GrantEnded(id, cause) => ("ended", format!("Permission {} ended: {}.", short(*id), ending(*cause))),
        Event::Shredded(id, copy) => (
            "key-destroyed",
            format!(
                "The broker says it destroyed the locked key of permission {} in {}.",
                short(*id),
                match copy {
                    HeaderCopy::Database => "its database",
                    HeaderCopy::Wal => "the journal of its database; no copy of its own is left",
                }
            ),
        ),
        Event::ReportErased(_) => (
            "erased",
            "The broker says it erased the sealed file and the advocate's own locked key. Backups made before may hold both."
                .to_owned(),
        ),
        _ => ("other", "The log records something else.".to_owned()),
    }
}

fn accepted(story: &Story, signed: &Signed, body: &Body, by: &str) -> (&'static str, String) {
    match body {
        Body::Party(_) => ("key-registered", "The advocate registered a key at the broker, without a name.".to_owned()),
        Body::Report(report) => (
            "sealed",
            format!(
                "The advocate signed the digest of the sealed information, {} bytes long. From here on it cannot change \
                 unnoticed.",
                report.payload_bytes
            ),
        ),
        Body::Request(request) => ("access-requested", requested(request, by)),
        Body::Grant(given) => ("permission-given", permitted(story, signed, given)),
        Body::Revocation(revocation) => withdrawn(signed, revocation, by),
        Body::Acknowledgement(answer) => match &answer.outcome {
            Outcome::Opened { .. } => (
                "delivery-proved",
                format!(
                    "{by} signed a proof of delivery: it opened the information, and found the content and the key that \
                     the advocate signed for."
                ),
            ),
            Outcome::Defect { description } => {
                ("defect-reported", format!("{by} signed that something was wrong with the delivery: {description}"))
            }
        },
        Body::Status(status) => ("status-stated", became(&status.became, by)),
        Body::Refusal(_) => ("request-refused", "The advocate refused what was asked.".to_owned()),
        Body::Question(_) => ("asked-back", "The advocate asked back before answering.".to_owned()),
        Body::Withdrawal(withdrawal) => ("report-withdrawn", report_withdrawn(*withdrawal)),
        Body::OwnerHeader(_) => (
            "own-key-replaced",
            "The advocate locked the key to the information anew, for their own keys of today. The information is the same."
                .to_owned(),
        ),
        Body::Handover(_) => {
            ("handed-over", "The advocate offered the information to another advocate, to be theirs.".to_owned())
        }
        Body::Approval(_) => ("agreed", format!("{} agreed.", actor_words(by))),
        _ => ("other", "The log records another signed statement.".to_owned()),
    }
}

fn actor_words(by: &str) -> &str {
    if by == "the institution" { "Somebody whose agreement was needed" } else { by }
}

fn became(became: &Became, by: &str) -> String {
    match became {
        Became::CannotSay { until } => {
            format!("{by} stated that it cannot say yet what became of the information; by {} it will.", utc(*until))
        }
        Became::CannotErase { reason, review } => format!(
            "{by} stated that it cannot erase the information, and why: {reason}. It looks at that again by {}.",
            utc(*review)
        ),
        other => format!("{by} stated what became of the information: {}.", other.word().replace('-', " ")),
    }
}

fn report_withdrawn(withdrawal: Withdrawal) -> String {
    let then = match withdrawal.then {
        AfterWithdrawal::Keep => "The sealed file stays for the advocate.",
        AfterWithdrawal::Erase => {
            "The sealed file is to be erased 14 days after the advocate's recovery key agreed as well."
        }
    };
    format!("The advocate withdrew the information: nobody can collect it or be given a permission any more. {then}")
}

fn requested(request: &AccessRequest, by: &str) -> String {
    let purposes: Vec<&str> = request.purposes.iter().map(Purpose::as_str).collect();
    let (purposes, until) = (purposes.join(", "), utc(request.deadline));
    format!(
        "{by} asked for the information, for: {purposes}. Legal basis, as it says: {}. Answer wanted before {until}.",
        request.legal_basis
    )
}

fn permitted(story: &Story, signed: &Signed, given: &Grant) -> String {
    let whom = institution(story, given.institution).unwrap_or_else(|| "an institution".to_owned());
    let purposes: Vec<&str> = given.purposes.iter().map(Purpose::as_str).collect();
    format!(
        "The advocate gave permission {} to {whom}: to collect the information {}, from {} until {}, for: {}.",
        short(signed.digest.into()),
        if given.max_releases == 1 { "once".to_owned() } else { format!("at most {} times", given.max_releases) },
        utc(given.collect.from),
        utc(given.collect.until),
        purposes.join(", ")
    )
}

fn withdrawn(signed: &Signed, revocation: &Revocation, by: &str) -> (&'static str, String) {
    use crate::model::grant::WithdrawnBy;
    let which = signed.subject.map_or_else(String::new, |grant| short(grant.into()));
    match revocation.withdrawn_by {
        WithdrawnBy::Recipient => ("handed-back", format!("{by} handed permission {which} back.")),
        WithdrawnBy::Person => (
            "withdrawn",
            format!(
                "The advocate withdrew permission {which}, as a person in the information wished. Nobody can collect under it again."
            ),
        ),
        WithdrawnBy::Provider => {
            ("withdrawn", format!("The advocate withdrew permission {which}. Nobody can collect under it again."))
        }
    }
}

fn recipient(story: &Story, id: GrantId) -> String {
    let whom = grant(story, id).and_then(|row| institution(story, row.grant.institution));
    format!("{} (permission {})", whom.unwrap_or_else(|| "an institution".to_owned()), short(id))
}

const fn ending(cause: EndCause) -> &'static str {
    match cause {
        EndCause::Revoked => "it was withdrawn",
        EndCause::Expired => "its time was over",
        EndCause::Exhausted => "it was used as often as it allowed",
        EndCause::HeaderLost => "the broker went on from a backup, which holds no locked keys",
        EndCause::Replaced => "another permission took its place",
        EndCause::ReportWithdrawn => "the information was withdrawn",
    }
}

/// The first eight characters of an id: enough to tell the permissions of one report apart; the file has the rest.
fn short(id: GrantId) -> String {
    id.to_string().chars().take(8).collect()
}
