//! `audit watch`: follow a broker, and fail loudly.

use crate::{
    cli::{
        ambient::{SystemClock, SystemEntropy},
        home::Access,
        output::{Failure, Out, chain},
    },
    client::{
        remote::Remote,
        watching::{Alarm, Broker, FolderError, Looked, Quiet, Shown, SourceError, Watch, WatchError},
    },
    model::{ambient::Clock as _, limits, time::Duration},
    wire::genesis::{Card, SignedGenesis},
};
use clap::{Args, value_parser};
use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Follow a broker and fail loudly when it rolls back, forks, hides or stands still, as an auditor.
///
/// Every look fetches the public checkpoints and whatever is new, verifies it as `audit verify` does, and keeps it in the
/// state folder. A quiet look prints one line. Anything else ends the command with exit code 3 and leaves an alarm in the
/// folder, which has to be cleared before it goes on. A broker that does not answer is asked again, until --stale-after.
#[derive(Args)]
#[command(after_help = "\
Examples:
  amana audit watch --state watch --identity auditor-1.txt --broker https://broker.example --card 'broker.example#3f…'
  amana audit watch --state watch --identity auditor-1.txt --once --json
  amana audit watch --state watch --identity auditor-1.txt --alarm /usr/local/bin/call-somebody
  amana audit watch --state watch --identity auditor-1.txt --clear-alarm
  amana audit watch --state watch-2 --after watch --identity auditor-1.txt --broker https://broker.example \
                    --card 'broker.example#3f…'

What can be found (the word is the argument of --alarm's program):
  rollback             a log is smaller than one verified before
  fork                 two signed logs contradict each other
  stale                the public checkpoint stands still, or too few witnesses cosign it
  lost                 the broker was rolled forward over entries that you hold
  closed               an entry does not open, is withheld, or cannot be followed
  unexplained-release  a release breaks a rule, or its facts are not those of the log
  clock                entries are ahead of your own clock
  other-broker         another genesis, or other keys
  unreachable          nothing could be had for longer than --stale-after

The state folder opens every entry: keep it as carefully as the log. Each look is an entry in the broker's log.")]
pub(in crate::cli) struct Arguments {
    /// Folder for what was verified so far; made if it is not there.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Minutes between two looks.
    #[arg(long, value_name = "MINUTES", default_value_t = limits::WATCH_EVERY.as_seconds() / 60,
        value_parser = value_parser!(u64).range(1..=limits::WATCH_EVERY_MOST.as_seconds() / 60))]
    every: u64,
    /// Look once and end; exit code 4 when nobody answered.
    #[arg(long)]
    once: bool,
    /// Minutes the public checkpoint may stand still, and the broker not answer, before it is an alarm.
    #[arg(long, value_name = "MINUTES", default_value_t = limits::WATCH_STALE.as_seconds() / 60,
        value_parser = value_parser!(u64).range(1..=limits::WATCH_EVERY_MOST.as_seconds() / 60))]
    stale_after: u64,
    /// Program to run when something is found, with the word as its argument; no shell is involved.
    #[arg(long, value_name = "COMMAND")]
    alarm: Option<PathBuf>,
    /// Take away the alarm in the folder and go on: you have acted on it.
    #[arg(long)]
    clear_alarm: bool,
    /// A folder of before, which ended in an alarm: the logs must begin with what was verified in it.
    #[arg(long, value_name = "DIR")]
    after: Option<PathBuf>,
    #[command(flatten)]
    access: Access,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let stop = Stop::listen()?;
    let (clock, entropy) = (SystemClock::new(), SystemEntropy::new());
    let (identity, address, card) = arguments.access.without_desk(card_of(&arguments.state))?;
    if arguments.clear_alarm
        && let Some(words) = Watch::clear_alarm(&arguments.state, clock.wall()).map_err(|e| own(&e))?
    {
        out.note(format!("Cleared: {}", words.trim_end()));
    }
    let remote = Remote::new(&address, clock.clone(), entropy).map_err(|e| Failure::from_error(&e))?;
    let source = Broker::new(remote, identity);
    let patience = Duration::from_seconds(arguments.stale_after * 60);
    let mut watch = Watch::open(&arguments.state, card, patience).map_err(|e| not_opened(&e))?;
    if let Some(before) = &arguments.after {
        watch = watch.after(before).map_err(|e| not_opened(&e))?;
    }
    let every = arguments.every * 60;
    let (mut wait, mut answered) = (limits::WATCH_RETRY_SECONDS, false);
    while !stop.asked() {
        let pause = match watch.look(&source, clock.wall()).map_err(|e| own(&e))? {
            Looked::Quiet(quiet) => {
                out.show(line(&quiet), &json(&quiet));
                (wait, answered) = (limits::WATCH_RETRY_SECONDS, true);
                every
            }
            Looked::Alarm(alarm) => return Err(sound(arguments, &alarm)),
            Looked::Trouble(error) => {
                // Somebody who is no auditor, or has the wrong broker, learns it now and not in half an hour.
                if arguments.once || (!answered && matches!(error, SourceError::Refused(_))) {
                    return Err(trouble(&error));
                }
                warn(out, &error, wait);
                let pause = wait.min(every);
                wait = wait.saturating_mul(2).min(every);
                pause
            }
        };
        if arguments.once {
            break;
        }
        stop.pause(pause);
    }
    Ok(())
}

/// The card of the genesis in a state folder; it was compared with one when the folder was begun.
fn card_of(state: &Path) -> Option<Card> {
    let note = fs::read_to_string(state.join("genesis.note")).ok()?;
    SignedGenesis::parse(&note).ok().map(|genesis| genesis.card())
}

fn own(error: &FolderError) -> Failure {
    match error {
        FolderError::Changed(_) | FolderError::Alarmed { .. } => Failure::does_not_hold(chain(error)),
        FolderError::File { .. } | FolderError::InUse(_) => Failure::refused(chain(error)),
    }
}

fn not_opened(error: &WatchError) -> Failure {
    match error {
        WatchError::Folder(error) => own(error),
        WatchError::OtherCard { .. } => Failure::does_not_hold(chain(error)),
    }
}

fn trouble(error: &SourceError) -> Failure {
    match error {
        SourceError::Unreachable(_) => Failure::unanswered(chain(error)),
        SourceError::NotFound | SourceError::Refused(_) => Failure::refused(chain(error)),
    }
}

fn warn(out: &Out, error: &SourceError, wait: u64) {
    out.note(format!("warning: {error}. Next attempt in {wait} seconds."));
    if !out.is_for_people() {
        out.show("", &serde_json::json!({ "quiet": false, "trouble": error.to_string(), "retry_seconds": wait }));
    }
}

/// Runs the alarm's program and says everything.
fn sound(arguments: &Arguments, alarm: &Alarm) -> Failure {
    let finding = &alarm.finding;
    let (word, state) = (finding.word, arguments.state.display());
    let kept = match &alarm.evidence {
        Some(path) => format!("The evidence is in {}.", path.display()),
        None => format!("No evidence was kept: {state}/evidence is full. Move some of it away, and keep it."),
    };
    let mut words = format!("{word}: {}.\n{}\n{}\n{kept}", finding.seen, word.meaning(), word.advice());
    if let Some(program) = &arguments.alarm
        && let Err(error) = call(program, word.as_str())
    {
        // Writing to a string cannot fail.
        let _ = write!(words, "\nThe alarm's program {} did not do its work: {error}", program.display());
    }
    words.push_str("\nThe watch has ended and does not go on from this folder until --clear-alarm.");
    let details = serde_json::json!({ "found": word, "seen": finding.seen, "evidence": alarm.evidence });
    Failure::does_not_hold(words).with(details)
}

fn call(program: &Path, word: &str) -> io::Result<()> {
    // What it says is for people: standard output may be read by a program that expects JSON.
    let mut child = Command::new(program).arg(word).stdin(Stdio::null()).stdout(Stdio::from(io::stderr())).spawn()?;
    for _ in 0..limits::WATCH_ALARM_SECONDS * PAUSES_A_SECOND {
        if let Some(status) = child.try_wait()? {
            return if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) };
        }
        thread::sleep(PAUSE);
    }
    Err(io::Error::other(format!("it still runs after {} seconds", limits::WATCH_ALARM_SECONDS)))
}

fn line(quiet: &Quiet) -> String {
    let Quiet { register_size, case_size, new, .. } = quiet;
    let news: Vec<String> = new.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let at = jiff::Timestamp::from_second(i64::try_from(quiet.at.as_seconds()).unwrap_or(i64::MAX));
    let at = at.map_or_else(|_| quiet.at.as_seconds().to_string(), |at| at.to_string());
    format!(
        "{at} holds: register {register_size}, case log {case_size}; new: {}; public register {}, case log {}",
        if news.is_empty() { "nothing".to_owned() } else { news.join(", ") },
        shown(&quiet.public_register),
        shown(&quiet.public_case)
    )
}

fn shown(shown: &Shown) -> String {
    let Some(size) = shown.size else { return "not published".to_owned() };
    let mut words = format!("{size} (grew {} min ago", shown.age_seconds / 60);
    if shown.quorum > 0 {
        let oldest = shown.witnesses.iter().map(|(_, age)| age / 60).max().unwrap_or(0);
        // Writing to a string cannot fail.
        let _ = write!(words, ", {} witnesses of {} needed, up to {oldest} min", shown.witnesses.len(), shown.quorum);
    }
    words.push(')');
    words
}

fn json(quiet: &Quiet) -> serde_json::Value {
    let public = |shown: &Shown| {
        let witnesses: Vec<_> =
            shown.witnesses.iter().map(|(name, age)| serde_json::json!({ "name": name, "age_seconds": age })).collect();
        serde_json::json!({
            "size": shown.size, "age_seconds": shown.age_seconds, "quorum": shown.quorum, "witnesses": witnesses,
        })
    };
    serde_json::json!({
        "quiet": true, "at": quiet.at, "register_size": quiet.register_size, "case_size": quiet.case_size,
        "new": quiet.new, "public": { "register": public(&quiet.public_register), "case": public(&quiet.public_case) },
    })
}

/// How often a wait is interrupted to see whether somebody wants an end.
const PAUSES_A_SECOND: u64 = 5;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(1000 / PAUSES_A_SECOND);

/// SIGTERM and SIGINT: the step under way is finished, the next is not begun.
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn listen() -> Result<Self, Failure> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            // A second signal ends the process at once: a step may wait minutes for the broker.
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&flag))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
                .map_err(|e| Failure::from_error(&e))?;
        }
        Ok(Self(flag))
    }
    fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    fn pause(&self, seconds: u64) {
        for _ in 0..seconds.saturating_mul(PAUSES_A_SECOND) {
            if self.asked() {
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}
