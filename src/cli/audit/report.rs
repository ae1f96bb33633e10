//! `audit report`: a transparency report from an exported bundle, offline.

use super::{inputs, refusal};
use crate::{
    audit::{
        report::{self, Asked, BadReply, Hearing, History, Options, Reply},
        verify_with,
    },
    cli::output::{Failure, Out, chain},
    model::{ids::PartyId, limits},
    wire::genesis::Card,
};
use clap::Args;
use jiff::civil::Date;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Make a transparency report from an exported bundle that holds.
#[derive(Args)]
#[command(after_help = "\
Examples:
  amana audit report audit/ --out draft --draft
  amana audit report audit/ --quarter 2026Q2 --replies replies/ --out report --card 'broker.example#3f…'
  amana audit report audit/ --from 2026-01-01 --until 2026-07-01 --no-replies-asked --out report

Institutions see the draft first and may reply for 14 days. A reply is a text file in the folder of replies, named after
the id of its institution: ID.txt. Read every reply before you publish it: it is printed word for word.
Publish one series of reports whose periods do not overlap.")]
pub(in crate::cli) struct Arguments {
    /// Folder of the bundle.
    folder: PathBuf,
    /// The folder to make; report.html, report.csv, report.json and method.txt go there.
    #[arg(long)]
    out: PathBuf,
    /// The bootstrap card; without it the bundle is checked against the genesis it brings along itself.
    #[arg(long)]
    card: Option<Card>,
    /// First day of the period, in UTC.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "until", conflicts_with = "quarter")]
    from: Option<Date>,
    /// The day after its last.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "from")]
    until: Option<Date>,
    /// The period as a quarter; without any, the last whole quarter that ended 90 days before the bundle's last entry.
    #[arg(long, value_name = "YYYYQn", value_parser = quarter)]
    quarter: Option<Asked>,
    /// Mark every page as a draft, with the last day for replies.
    #[arg(long)]
    draft: bool,
    /// The day the draft is shown to the institutions; without it, the day of the bundle's last entry.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "draft")]
    shown_on: Option<Date>,
    /// Folder with one text file for each institution that replied to the draft.
    #[arg(long, conflicts_with_all = ["draft", "no_replies_asked"])]
    replies: Option<PathBuf>,
    /// Go on although no institution was asked; the report says so.
    #[arg(long, conflicts_with = "draft")]
    no_replies_asked: bool,
}

fn quarter(text: &str) -> Result<Asked, String> {
    report::quarter(text).map_err(|error| error.to_string())
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let stage = stage(arguments)?;
    let place = arguments.out.display();
    if arguments.out.symlink_metadata().is_ok() {
        return Err(Failure::refused(format!("{place} is there already; name a folder that is not, with --out")));
    }
    let asked = match (arguments.quarter, arguments.from, arguments.until) {
        (Some(quarter), ..) => quarter,
        (None, Some(from), Some(until)) => Asked::Days(from, until),
        _ => Asked::LastQuarter,
    };
    let mut history = History::default();
    let walk =
        verify_with(inputs(&arguments.folder)?, arguments.card.as_ref(), &mut history).map_err(|e| refusal(&e))?;
    let options = Options { asked, stage, card_given: arguments.card.is_some() };
    let (period, files) = report::make(&walk, history, &options).map_err(|e| Failure::refused(chain(&e)))?;
    write(&arguments.out, &files).map_err(|e| Failure::refused(format!("{place}: {e}; nothing was left there")))?;
    let next = if arguments.draft {
        "Next: show it to every institution in it, collect their replies, then make the report with --replies."
    } else {
        "Read it, and the replies in it, before you publish it."
    };
    out.show(
        format!(
            "The bundle holds. The report from {} until {} is in {place}:\n  report.html  report.csv  report.json  \
             method.txt\n\n{next}",
            period.from(),
            period.until()
        ),
        &serde_json::json!({
            "folder": arguments.out, "from": period.from().to_string(), "until": period.until().to_string(),
            "draft": arguments.draft,
        }),
    );
    Ok(())
}

fn stage(arguments: &Arguments) -> Result<Hearing, Failure> {
    if arguments.draft {
        Ok(Hearing::Draft(arguments.shown_on))
    } else if let Some(folder) = &arguments.replies {
        replies(folder).map(Hearing::Replies)
    } else if arguments.no_replies_asked {
        Ok(Hearing::NotAsked)
    } else {
        Err(Failure::refused(
            "institutions see a report before it is published. Make a draft for them first (--draft), put their replies \
             into a folder and name it (--replies FOLDER; it may be empty when none came). To go on without having asked \
             them, add --no-replies-asked: the report will say so",
        ))
    }
}

/// Every reply of a folder. A file that is none is no accident to pass over: somebody's words would be missing.
fn replies(folder: &Path) -> Result<BTreeMap<PartyId, Reply>, Failure> {
    let words = |path: &Path, e: &dyn std::fmt::Display| Failure::refused(format!("{}: {e}", path.display()));
    let mut replies = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|e| words(folder, &e))? {
        let path = entry.map_err(|e| words(folder, &e))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".txt"));
        let id: Option<PartyId> = name.and_then(|name| name.parse().ok());
        let id = id.ok_or_else(|| {
            words(&path, &"a reply is named after its institution's id: ID.txt. Rename this file or move it away")
        })?;
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(|e| words(&path, &e))?;
        file.take(limits::REPLY_BYTES + 1).read_to_end(&mut bytes).map_err(|e| words(&path, &e))?;
        let text = String::from_utf8(bytes).map_err(|_| words(&path, &"it is not UTF-8; save it as UTF-8 text"))?;
        let reply = Reply::parse(&text).map_err(|e: BadReply| words(&path, &e))?;
        replies.insert(id, reply);
    }
    Ok(replies)
}

/// Writes everything or leaves nothing behind.
fn write(folder: &Path, files: &report::Files) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    let written = files.iter().try_for_each(|(name, content)| {
        let mut file = File::create_new(folder.join(name))?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    });
    if written.is_err() {
        drop(fs::remove_dir_all(folder));
    }
    written
}
