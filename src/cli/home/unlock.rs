//! Unlocking an identity, and asking for secrets. Secrets are shown on a terminal or nowhere.

use super::{Access, Place, Unlocked};
use crate::{
    cli::output::{Failure, Out},
    client::identity::{self, Identity, passphrase},
    model::ambient::Entropy,
};
use std::{
    env, fs,
    io::{self, IsTerminal as _, Read as _, Write as _},
    path::Path,
};
use zeroize::Zeroizing;

/// Longest secret read from a file or a pipe.
const SECRET_BYTES: u64 = 4096;

/// Reads the identity asked for.
pub(super) fn unlock(access: &Access) -> Result<Unlocked, Failure> {
    let path = match &access.identity {
        Some(path) => path.clone(),
        None => Place::known(access)?.identity(),
    };
    let identity = read(access, &path)?;
    let place = match (&access.identity, &access.label) {
        (None, _) => Place::known(access)?,
        (Some(_), Some(label)) => Place::of(access, label)?,
        (Some(_), None) => Place::of(access, identity.label().as_str())?,
    };
    place.make()?;
    Ok(Unlocked { identity, place })
}

/// Reads an identity file, plain or under a passphrase.
pub(super) fn read(access: &Access, path: &Path) -> Result<Identity, Failure> {
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("{}: {what}", path.display()));
    let file = fs::File::open(path).map_err(|e| words(&e))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(identity::file::MAX_FILE_BYTES + 1));
    let bound = u64::try_from(identity::file::MAX_FILE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(|e| words(&e))?;
    let read = if identity::needs_passphrase(&bytes) {
        let passphrase = passphrase_for(access, &format!("Passphrase of {}: ", path.display()))?;
        identity::read_encrypted(&bytes, passphrase.as_str().into())
    } else {
        identity::read_plain(&bytes)
    };
    read.map_err(|e| words(&e))
}

/// The passphrase from a file, the environment or a person, in this order.
fn passphrase_for(access: &Access, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Some(given) = given_passphrase(access)? {
        return Ok(given);
    }
    ask(prompt, "give the passphrase with --passphrase-file FILE or AMANA_PASSPHRASE")
}

fn given_passphrase(access: &Access) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(path) = &access.passphrase_file {
        return read_secret(path).map(Some);
    }
    Ok(env::var("AMANA_PASSPHRASE").ok().map(Zeroizing::new).filter(|text| !text.is_empty()))
}

/// The passphrase for a new identity: one that was given, one typed twice, or six words shown once on the terminal.
pub(in crate::cli) fn new_passphrase(access: &Access, entropy: &dyn Entropy) -> Result<Zeroizing<String>, Failure> {
    if let Some(given) = given_passphrase(access)? {
        return Ok(given);
    }
    let typed = ask(
        "New passphrase (leave empty, and six words are made for you): ",
        "give a passphrase with --passphrase-file FILE or AMANA_PASSPHRASE: a generated one is shown on a terminal only",
    )?;
    if typed.is_empty() {
        let made = passphrase::generate(entropy);
        on_terminal(&format!("Your passphrase, shown this once:\n\n    {}\n", made.as_str()))?;
        return Ok(made);
    }
    let again = ask("The same once more: ", "there is no terminal")?;
    if typed == again { Ok(typed) } else { Err(Failure::refused("the two passphrases differ; nothing was made")) }
}

/// Reads a secret from a file, without the line's end.
pub(in crate::cli) fn read_secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let words = |what: &dyn std::fmt::Display| Failure::refused(format!("{}: {what}", path.display()));
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let file = fs::File::open(path).map_err(|e| words(&e))?;
    file.take(SECRET_BYTES).read_to_string(&mut text).map_err(|e| words(&e))?;
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.is_empty() { Err(words(&"the file is empty")) } else { Ok(secret) }
}

/// Asks a person without echo.
pub(in crate::cli) fn ask(prompt: &str, otherwise: &str) -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(otherwise));
    }
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|e| Failure::refused(format!("cannot ask: {e}")))
}

/// Shows a secret to the person at the terminal, or refuses: it must not end in a file or a log.
pub(in crate::cli) fn on_terminal(text: &str) -> Result<(), Failure> {
    let mut terminal = io::stderr();
    if !terminal.is_terminal() {
        return Err(Failure::usage("this is shown on a terminal only, and there is none"));
    }
    writeln!(terminal, "{text}").map_err(|e| Failure::refused(format!("cannot write to the terminal: {e}")))
}

/// Lets a person decide between two words of the same weight; without a person the command line has decided.
pub(in crate::cli) fn decide(question: &str, yes: &str, no: &str, out: &Out) -> Result<(), Failure> {
    if !out.is_for_people() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let failed = |e: io::Error| Failure::refused(format!("cannot ask: {e}"));
    write!(io::stderr(), "{question} Type \"{yes}\" or \"{no}\": ").map_err(failed)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(failed)?;
    if answer.trim().eq_ignore_ascii_case(yes) {
        Ok(())
    } else {
        Err(Failure::refused("not now: nothing was signed or sent"))
    }
}
