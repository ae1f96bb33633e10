//! `method.txt`: how somebody else gets the same report.

use super::{
    content::{Content, Right},
    explained,
};
use std::fmt::Write as _;

/// The file.
pub fn file(content: &Content) -> String {
    let source = &content.bundle;
    let mut text = format!("{}\n{}\n\n", explained::TITLE, explained::span(content));
    if let Some(until) = &content.draft_replies_until {
        let _ = writeln!(text, "{}\n", explained::draft(until));
    }
    let _ = writeln!(text, "MADE FROM\n  trust root  {}", source.card);
    let given =
        if source.card_given { "given by hand, and matched" } else { "taken from the bundle itself; compare it" };
    let _ = writeln!(text, "  card        {given}");
    let _ = writeln!(text, "  register    {} entries, root {}", source.register_size, source.register_root);
    let _ = writeln!(text, "  case log    {} entries, root {}", source.case_size, source.case_root);
    let _ = writeln!(
        text,
        "  witnesses   {}",
        match (source.witnessed, source.cosigned) {
            (true, Some(size)) => format!("enough signed for the first {size} entries of the case log"),
            (true, None) => "named in the trust root; too few signed".to_owned(),
            (false, _) => "none".to_owned(),
        }
    );
    let _ = writeln!(
        text,
        "  not there   {} bodies destroyed and {} lost that may be of this time",
        source.bodies_destroyed, source.bodies_lost
    );
    let _ = writeln!(text, "  program     amana {}\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(
        text,
        "COMMAND\n  amana audit report BUNDLE --from {} --until {} --card '{}' {}--out DIR\n",
        content.from,
        content.until,
        source.card,
        stage(content)
    );
    text.push_str(
        "The bundle opens every entry of the log: it is not published. Its sizes and roots are; whoever may hold a bundle \
         (an auditor of this broker) gets the same bytes from the same bundle and options.\n\n",
    );
    text.push_str(COUNTED);
    text.push_str(PROTECTED);
    for (title, sentences) in explained::closing(content) {
        let _ = writeln!(text, "\n{}", title.to_uppercase());
        for sentence in sentences {
            let _ = writeln!(text, "- {sentence}");
        }
    }
    text
}

fn stage(content: &Content) -> String {
    if content.draft_replies_until.is_some() {
        let shown = content.draft_shown.as_deref().unwrap_or_default();
        return format!("--draft --shown-on {shown} ");
    }
    let asked = content.institutions.iter().all(|standing| !matches!(standing.reply, Right::NotAsked));
    if asked { "--replies REPLIES " } else { "--no-replies-asked " }.to_owned()
}

const COUNTED: &str = "\
WHAT IS COUNTED
- Requests, grants, releases, denials, acknowledgements, withdrawals and ends by the day of their entry in the log.
- A grant is withdrawn when its advocate, or a person through the advocate, first takes it back; later ones only widen it.
- Still owed: releases made before the period's end that nobody had acknowledged by then.
- Overdue: withdrawals of grants that had been collected under, whose day for an answer lies before the period's end, and
  which the institution had not handed back by then.
- A request is answered by a grant when a grant names it before the period's end.
- Listed are institutions admitted before the period's end, by the name they enrolled with; the same name again is numbered.

";
const PROTECTED: &str = "\
RULES OF PROTECTION
- Bands: 0; 1 to 4 (withheld); 5-9; 10-19; 20-49; 50-99; and on in steps of 1, 2 and 5 times a power of ten.
- The whole of a measure is told only where each of its possible bands leaves every withheld count beneath it as open.
- All numbers of the report are laid out as one network of sums (institutions, purposes, months, conditions, answers and the
  whole; at each institution: owed before and released = acknowledged and still owed). A withheld count must be able to be
  three of the numbers from 1 to 4 while every published number stays within its band. Where it is not, a breakdown is left out
  (months first, purposes last), then counts are not given, until it is.
- Reports of tier 4 are left out before anything is counted. Nothing younger than 90 days before the last entry is counted.
  A period lasts at least 28 days.
";
