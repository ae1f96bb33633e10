//! How far long work is, on the terminal. Programs and pipes see nothing of it.

use super::output::Out;
use crate::client::{receiving::FetchStep, uploading::UploadStep, work::Working};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{io::IsTerminal as _, time::Duration};

/// A bar for `total_bytes` of work; it vanishes when dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins.
    pub(super) fn begin(what: &'static str, total_bytes: u64, out: &Out) -> Self {
        let bar = Self::shown(total_bytes, out, "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        bar.0.set_message(what);
        bar
    }

    /// Begins an upload: what counts is what the broker has made durable.
    pub(super) fn upload(total_bytes: u64, out: &Out) -> Self {
        Self::shown(
            total_bytes,
            out,
            "{bar:24} {bytes} of {total_bytes} safe at the broker · {bytes_per_sec} · {eta} left {msg}",
        )
    }

    fn shown(total_bytes: u64, out: &Out, template: &str) -> Self {
        let shown = out.is_for_people() && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total_bytes), target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Says that a broker asks for a proof of work, and shows how far it is. How many tries it takes is chance.
    pub(super) fn of_work(out: &Out) -> impl FnMut(Working) {
        let mut bar = None;
        move |working| match working {
            Working::Asked(bits) => {
                let bits_words = bits.count();
                out.note(format!(
                    "This broker asks for a proof of work of {bits_words} bits. Your device does it now."
                ));
                let template = "working {bar:30} {human_pos} of about {human_len} tries";
                bar = Some(Self::shown(bits.tries(), out, template));
            }
            Working::Tried(more) => {
                if let Some(Self(bar)) = &bar {
                    bar.inc(more);
                }
            }
        }
    }

    /// So many more bytes are done.
    pub(super) fn add(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Shows a step of an upload; waits are said on a line of their own, since they may be long.
    pub(super) fn step(&self, step: &UploadStep, out: &Out) {
        match step {
            UploadStep::Checked(_) => self.0.set_message("(comparing the file with its statement)"),
            UploadStep::Safe(bytes) => {
                self.0.set_message("");
                self.reached(*bytes);
            }
            UploadStep::Waiting { why, wait } => self.waits(why, *wait, "safe at the broker", out),
        }
    }

    /// Shows a step of a download.
    pub(super) fn fetched(&self, step: &FetchStep, out: &Out) {
        match step {
            FetchStep::Here(bytes) => self.reached(*bytes),
            FetchStep::Waiting { why, wait } => self.waits(why, *wait, "here", out),
        }
    }

    fn reached(&self, bytes: u64) {
        // What there was before this command says nothing about the link's speed.
        if self.0.position() == 0 && bytes > 0 {
            self.0.reset_eta();
        }
        self.0.set_position(bytes);
    }

    fn waits(&self, why: &str, wait: Duration, place: &str, out: &Out) {
        let (seconds, bytes) = (wait.as_secs().max(1), indicatif::BinaryBytes(self.0.position()));
        self.0.suspend(|| out.note(format!("{why}\n{bytes} are {place}; trying again in {seconds} s")));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
