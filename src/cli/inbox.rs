//! `inbox`: what is to be done, by when, and with which command.

mod task;

use super::{
    home::{self, Access, Sitting},
    output::{Failure, Out},
    words,
};
use crate::{
    client::{
        desk::{Desk, DeskError},
        inbox::Inbox,
        remote::RemoteError,
    },
    model::{limits, time::Duration},
    wire::api::InboxItem,
};
use clap::Args;
use std::thread;
use task::Task;

/// What you, or your institution, have to do something about, most urgent first: by when, and with which command.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana inbox\n  amana inbox --wait 600          # answer when there is something new, or after ten minutes\n  amana inbox --follow --json     # one line each time it changes, until you stop it"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    access: Access,
    /// Wait so many seconds for something new before answering.
    #[arg(long, value_name = "SECONDS", conflicts_with = "follow")]
    wait: Option<u64>,
    /// Answer again each time it changes, until stopped.
    #[arg(long)]
    follow: bool,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    arguments.access.at_desk(|sitting| {
        let inbox = sitting.desk.inbox()?;
        match (arguments.wait, arguments.follow) {
            (Some(seconds), _) => {
                let changed = changed(&mut sitting.desk, &inbox, seconds)?;
                show(&sitting.desk, &changed.unwrap_or(inbox), out);
                Ok(())
            }
            (None, true) => follow(sitting, inbox, out),
            (None, false) => {
                show(&sitting.desk, &inbox, out);
                Ok(())
            }
        }
    })
}

/// The inbox once it is another one, if it changes within so many seconds.
fn changed(desk: &mut Desk, known: &Inbox, seconds: u64) -> Result<Option<Inbox>, DeskError> {
    let until = home::now().plus(Duration::from_seconds(seconds));
    loop {
        let left = u64::try_from(until.seconds_since(home::now())).unwrap_or(0);
        if left == 0 {
            return Ok(None);
        }
        let before = home::now();
        let found = desk.inbox_after(known.tag.as_deref(), left)?;
        if found.is_some() {
            return Ok(found);
        }
        // A broker that answers at once is not asked again at once.
        if home::now() == before {
            thread::sleep(PAUSE);
        }
    }
}

/// Shows it now and each time it changes. A link that fails for a while ends nothing.
fn follow(sitting: &mut Sitting, mut inbox: Inbox, out: &Out) -> Result<(), Failure> {
    show(&sitting.desk, &inbox, out);
    let mut wait = PAUSE;
    loop {
        match changed(&mut sitting.desk, &inbox, limits::WAIT_SECONDS) {
            Ok(found) => {
                wait = PAUSE;
                if let Some(found) = found {
                    sitting.keep()?;
                    out.line("");
                    show(&sitting.desk, &found, out);
                    inbox = found;
                }
            }
            Err(DeskError::Remote(error)) if passes(&error) => {
                out.note(format!("{error}; asked again in {} second(s)", wait.as_secs()));
                thread::sleep(wait);
                wait = wait.saturating_mul(2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn show(desk: &Desk, inbox: &Inbox, out: &Out) {
    let tasks: Vec<(&InboxItem, Task)> = inbox.items.iter().map(|item| (item, Task::of(desk, item))).collect();
    let mut texts: Vec<String> = tasks.iter().map(|(_, task)| task.text()).collect();
    if inbox.more {
        texts.push("There is more than is shown here; do what is most urgent first.".to_owned());
    }
    let rows: Vec<_> = tasks
        .iter()
        .map(|(item, task)| {
            serde_json::json!({
                "by": item.by, "overdue": item.overdue, "what": task.what, "when": task.when,
                "commands": task.commands, "thing": item.thing,
            })
        })
        .collect();
    let nothing = || format!("Nothing is to be done, as of {}.", words::moment(home::now()));
    let text = if texts.is_empty() { nothing() } else { texts.join("\n\n") };
    out.show(text, &serde_json::json!({ "items": rows, "more": inbox.more }));
}

/// Whether the same question may be answered later.
fn passes(error: &RemoteError) -> bool {
    error.passes()
}

const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_mins(1);
