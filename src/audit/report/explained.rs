//! What the report says in sentences: what can be concluded from it, what not, and what was left out.

use super::{
    cells::By,
    content::{Content, Source},
};

/// Its title.
pub const TITLE: &str = "Transparency report";
/// What it is.
pub const WHAT: &str = "Advocates entrust sealed information about alleged violations to this broker and release it to \
    institutions only by signed grants, which they can withdraw. This report counts what the broker's log says was \
    requested, granted, released, denied, acknowledged and withdrawn. It was made from the whole log after every \
    signature and every rule in it had been checked.";
/// How to read a number.
pub const BANDS: &str = "Every number is a band: 0, 5\u{2013}9, 10\u{2013}19, 20\u{2013}49, 50\u{2013}99, \
    100\u{2013}199 and so on. \u{201c}Withheld\u{201d} means 1 to 4: behind so few cases stand people whom somebody could \
    recognise. \u{201c}Not given\u{201d} says nothing about the number: with it, a withheld one could be worked out. \
    Longer bars mean higher bands, not counts in proportion.";
/// Before a list of what is left out of a table.
pub const LEFT_OUT: &str = "Left out here, whether the numbers are small or large, because with the others they would \
    show a withheld one:";
/// Beside a reply.
pub const REPLIED: &str = "The institution saw a draft of this report and replied, in its own words:";
/// No reply came.
pub const GAVE_NONE: &str = "The institution was offered a reply and gave none.";
/// Nobody asked.
pub const NOT_ASKED: &str = "The institution was not asked for a reply before this report was made.";

/// The mark on every draft.
pub fn draft(until: &str) -> String {
    format!("DRAFT. Not for publication. Institutions may reply until {until}; what they say will stand in the report.")
}

/// The period in words.
pub fn span(content: &Content) -> String {
    format!("from {} up to, not including, {} (UTC)", content.from, content.until)
}

/// What has to be known about a table.
pub const fn about(by: By) -> Option<&'static str> {
    match by {
        By::Purpose => Some(
            "A grant, request, release or denial is counted once: those for more than one purpose stand in a row of their own.",
        ),
        By::Condition => Some(
            "A denial for which more than one condition was not met is counted once, in a row of its own. A denial is no \
             misconduct by itself: some conditions depend on the institution, some on time.",
        ),
        By::Reply => Some("An advocate owes nobody a grant: a request without one is no failure."),
        By::Wait => Some("Counted are acknowledgements that came within the period."),
        _ => None,
    }
}

/// The sections at the end, each a title and its sentences.
pub fn closing(content: &Content) -> [(&'static str, Vec<String>); 4] {
    [
        ("What a reader can conclude", concluded(content)),
        ("What a reader cannot conclude", not_concluded(content)),
        ("What was left out, and why", left_out(content)),
        ("How to repeat it", repeated(content)),
    ]
}

fn owned(sentences: &[&str]) -> Vec<String> {
    sentences.iter().map(|sentence| (*sentence).to_owned()).collect()
}

fn concluded(content: &Content) -> Vec<String> {
    let witness = match (content.bundle.witnessed, content.bundle.cosigned) {
        (true, Some(size)) => format!(
            "Enough of the witnesses that the broker's trust root names signed for the first {size} entries of the case \
             log, as its own entries show: everybody was shown those."
        ),
        (true, None) => {
            "The broker's trust root names witnesses, but too few of them have signed for this log: compare \
             the sizes and roots below with what the witnesses publish."
                .to_owned()
        }
        (false, _) => {
            "No witness stands behind this log. The numbers are those of one copy of it; whether everybody was \
             shown the same copy can be found out only by comparing the sizes and roots below."
                .to_owned()
        }
    };
    let mut sentences = owned(&[
        "Every release counted here was made under a grant signed by the owner of the information, for a purpose, within a \
         time and as often as that grant allowed: otherwise the log would not have held, and there would be no report.",
        "The numbers are those of the log. Whoever holds the same bundle gets the same report, byte for byte.",
    ]);
    sentences.push(witness);
    sentences
}

fn not_concluded(content: &Content) -> Vec<String> {
    let mut sentences = owned(&[
        "Nothing about whether what the information alleges is true, nor how grave or how frequent violations are.",
        "Nothing about what institutions did with what they opened, nor about copies they made.",
        "Nothing about releases outside this broker, nor about whatever a broker and an institution may have agreed on \
         outside the log.",
        "Times are those of the broker's clock. They cannot run backwards in the log; that they are right is its word.",
        "An overdue answer means that the advocate asked for one by a day, that the information had been collected, and that \
         by the end of the period the log holds no handing back. Answers given outside the log are not seen; the \
         institution's reply is the place to say so.",
        "Acknowledgements and what they say are the institution's own statements.",
    ]);
    if !content.bundle.conditions_in_words {
        sentences.push(
            "Conditions are told by their ids: the rules this log was decided under were not at hand in words."
                .to_owned(),
        );
    }
    sentences
}

fn left_out(content: &Content) -> Vec<String> {
    let mut sentences = owned(&[
        "Everything about reports of the highest sensitivity (tier 4): not even their number is told, and no sum contains \
         them.",
        "Who granted, who collected, which report, and when: no name of a person, no id and no day of any case.",
        "Counts from 1 to 4, and whatever they could be worked out from. This was checked for all numbers of this report \
         together; it was not checked against other reports, so periods of published reports should not overlap.",
        "How one purpose is spread over institutions: nearly every such number would be withheld.",
        "Denials beyond sixty an hour to one officer, which the log counts together without saying for which report.",
    ]);
    let Source { bodies_destroyed: destroyed, bodies_lost: lost, .. } = content.bundle;
    if destroyed + lost > 0 {
        sentences.push(format!(
            "Denials: what {} entries said that may be of this time is gone, and denials may have been among them.",
            destroyed + lost
        ));
    }
    if lost > 0 {
        sentences.push(format!(
            "Whatever {lost} entries recorded that the broker lost, as administrators and council confirmed: requests, \
             grants, releases and answers among them are in no number here, so that every number may be too small."
        ));
    }
    sentences.push(format!(
        "Everything from {} on: what is younger than 90 days at the bundle's last entry could still be acted on.",
        content.bundle.nothing_from
    ));
    sentences
}

fn repeated(content: &Content) -> Vec<String> {
    let source = &content.bundle;
    let case = if source.case_size == 0 { "empty".to_owned() } else { root(source.case_size, &source.case_root) };
    vec![
        format!("Trust root: {}", source.card),
        format!("Register: {}", root(source.register_size, &source.register_root)),
        format!("Case log: {case}"),
        "The file method.txt, which comes with this page, says how.".to_owned(),
    ]
}

fn root(size: u64, root: &str) -> String {
    format!("{size} entries, root {root}")
}
