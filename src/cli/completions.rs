//! `completions`: for a shell, from the same definition as `--help`.

use super::output::{Failure, Out};
use clap::Args;
use clap_complete::Shell;

/// Print completions for a shell.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  amana completions bash > ~/.local/share/bash-completion/completions/amana\n  amana completions zsh > ~/.zfunc/_amana"
)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::command(), "amana", &mut script);
    let script = String::from_utf8(script).map_err(|e| Failure::from_error(&e))?;
    out.show(script.trim_end(), &serde_json::json!({ "shell": arguments.shell.to_string(), "script": script }));
    Ok(())
}
