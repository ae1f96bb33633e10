//! `audit status`: what everybody is shown of the logs, and who cosigned it, how long ago.

use crate::{
    cli::{
        home::Access,
        output::{Failure, Out},
        words,
    },
    client::witnessing::Public,
    model::{event::Log, time::Timestamp},
};
use clap::Args;
use std::fmt::Write as _;

/// Show what everybody is shown of both logs, check it against what this device knows, and name the witnesses.
#[derive(Args)]
#[command(after_help = "Example:\n  amana audit status --identity advocate.txt")]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    arguments.access.at_desk(|sitting| {
        let logs = sitting.desk.public_logs()?;
        let now = sitting.desk.now();
        let text: String = logs.iter().map(|log| lines(log, now)).collect();
        let json: Vec<serde_json::Value> = logs.iter().map(|log| json(log, now)).collect();
        out.show(text.trim_end().to_owned(), &serde_json::json!({ "logs": json }));
        Ok(())
    })
}

const fn word(log: Log) -> &'static str {
    match log {
        Log::Register => "register",
        Log::Case => "case log",
    }
}

fn lines(public: &Public, now: Timestamp) -> String {
    let Public { log, size, cosigned, quorum } = public;
    let mut text = format!("{}: {size} entries shown to everybody; they are those this device knows\n", word(*log));
    // Writing to a string cannot fail.
    for (name, at) in cosigned {
        let _ = writeln!(text, "  cosigned by {name}, {} ({} s ago)", words::moment(*at), now.seconds_since(*at));
    }
    let _ = match (quorum, public.witnessed_at()) {
        (0, _) => writeln!(text, "  no witness: others may have been shown another log"),
        (_, Some(_)) => writeln!(text, "  {} of at least {quorum} witnesses: enough", cosigned.len()),
        (_, None) => writeln!(
            text,
            "  {} of at least {quorum} witnesses: TOO FEW; nothing of tier 3 or 4 is released, and no waiting time ends",
            cosigned.len()
        ),
    };
    text
}

fn json(public: &Public, now: Timestamp) -> serde_json::Value {
    let cosigned: Vec<_> = public
        .cosigned
        .iter()
        .map(|(name, at)| serde_json::json!({ "witness": name, "at": at, "age_seconds": now.seconds_since(*at) }))
        .collect();
    serde_json::json!({
        "log": word(public.log), "size": public.size, "quorum": public.quorum, "cosigned": cosigned,
        "witnessed_at": public.witnessed_at(),
    })
}
