//! How far long work is, on the terminal. Programs and pipes see nothing of it.

use super::output::Out;
use crate::client::work::Working;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;

/// A bar for `total_bytes` of work; it vanishes when dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins.
    pub(super) fn begin(what: &'static str, total_bytes: u64, out: &Out) -> Self {
        Self::shown(what, "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}", total_bytes, out)
    }

    fn shown(what: &'static str, template: &str, total: u64, out: &Out) -> Self {
        let shown = out.is_for_people() && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
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
                let template = "{msg} {bar:30} {human_pos} of about {human_len} tries";
                bar = Some(Self::shown("working", template, bits.tries(), out));
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
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
