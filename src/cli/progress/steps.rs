//! What uploads, downloads and proofs of work tell, as a bar and lines.

use super::Progress;
use crate::{
    cli::output::Out,
    client::{receiving::FetchStep, uploading::UploadStep, work::Working},
};
use std::time::Duration;

impl Progress {
    /// Begins an upload: what counts is what the broker has made durable.
    pub(in crate::cli) fn upload(total_bytes: u64, out: &Out) -> Self {
        Self::shown(
            total_bytes,
            out,
            "{bar:24} {bytes} of {total_bytes} safe at the broker · {bytes_per_sec} · {eta} left {msg}",
        )
    }

    /// Says that a broker asks for a proof of work, and shows how far it is. How many tries it takes is chance.
    pub(in crate::cli) fn of_work(out: &Out) -> impl FnMut(Working) {
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

    /// Shows a step of an upload; waits are said on a line of their own, since they may be long.
    pub(in crate::cli) fn step(&self, step: &UploadStep, out: &Out) {
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
    pub(in crate::cli) fn fetched(&self, step: &FetchStep, out: &Out) {
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
