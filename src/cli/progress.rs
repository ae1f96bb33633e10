//! How far long work is, on the terminal. Programs and pipes see nothing of it.

#[cfg(feature = "client")]
mod steps;

use super::output::Out;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;

/// A bar for `total_bytes` of work; it vanishes when dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins.
    pub(super) fn begin(what: &'static str, total_bytes: u64, out: &Out) -> Self {
        let bar = Self::shown(total_bytes, out, "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
        bar.0.set_message(what);
        bar
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
