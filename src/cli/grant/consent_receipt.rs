//! `grant consent-receipt`: what was agreed, for people and for programs. Needs no network; from a statement in a file, no
//! passphrase either.

use crate::{
    cli::{
        home::{Access, write_private_new},
        output::{Failure, Out, chain},
        words::read_term,
    },
    client::{
        mirror::Mirror,
        receipt::{Format, Language, Record, Signature, Words},
    },
    model::{
        ids::{GrantId, PublicKey},
        limits,
    },
    wire::{genesis::SignedGenesis, statement::StatementError},
};
use clap::Args;
use std::{
    fmt::Display,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

/// Write a receipt of what a grant agreed to: for people as a page, for programs as JSON-LD. Needs no network.
#[derive(Args)]
#[command(after_help = "\
Examples:
  amana grant consent-receipt 3f… --format html --language fr --out receipt.html
  amana grant consent-receipt statement.jws --format jsonld
  amana grant consent-receipt statement.jws --format odrl --key 11qYAY… --register audit/

The receipt names no person: the giver is a key, persons' consent stays sealed in the report. Whoever sees it sees whom you
trusted, and for what. It does not prove that the log holds the grant; that is `amana grant receipt`.")]
pub(super) struct Arguments {
    /// A file that holds a grant statement; or the id of a grant this device gave, whose proof it remembers.
    #[arg(value_name = "STATEMENT_FILE|GRANT")]
    from: PathBuf,
    /// html for people; jsonld (ISO/IEC TS 27560, Data Privacy Vocabulary) or odrl (ODRL 2.2) for programs.
    #[arg(long, default_value = "html", value_parser = read_term::<Format>)]
    format: Format,
    /// Language of its words: en, fr, es or ar.
    #[arg(long, default_value = "en", value_parser = read_term::<Language>)]
    language: Language,
    /// The file to make; without it the receipt is printed.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Public key of who gave it (base64url): the signature is checked under it.
    // Base64url may begin with a hyphen.
    #[arg(long, value_name = "PUBLIC_KEY", allow_hyphen_values = true)]
    key: Option<PublicKey>,
    /// Folder with genesis.note and register.jsonl, such as an audit bundle or an unpacked evidence pack: name and
    /// jurisdiction of the recipient are taken from there.
    #[arg(long, value_name = "FOLDER")]
    register: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, access: &Access, out: &Out) -> Result<(), Failure> {
    let mut record = record(arguments, access)?;
    if access.card.as_ref().is_some_and(|card| card.digest != record.broker) {
        return Err(Failure::does_not_hold("the statement was meant for another broker than the one the card names"));
    }
    if let Some(folder) = &arguments.register {
        let (genesis, register) = register(folder)?;
        if genesis.digest() != record.broker {
            return Err(Failure::does_not_hold(format!("{} is another broker's register", folder.display())));
        }
        record = named(record, &register);
    }
    let words = Words::of(arguments.language).map_err(|e| Failure::from_error(&e))?;
    let receipt = record.write(arguments.format, &words);
    let checked = record.signature != Signature::Unchecked;
    let Some(file) = &arguments.out else {
        out.show(
            receipt.trim_end(),
            &serde_json::json!({ "grant": record.grant, "signature_checked": checked, "receipt": receipt }),
        );
        return Ok(());
    };
    write_private_new(file, receipt.as_bytes())?;
    let state = if checked { "Its signature holds." } else { "Its signature was not checked; give --key." };
    out.show(
        format!("{}: what the grant {} agreed to. {state}", file.display(), record.grant),
        &serde_json::json!({ "grant": record.grant, "signature_checked": checked, "file": file }),
    );
    Ok(())
}

fn record(arguments: &Arguments, access: &Access) -> Result<Record, Failure> {
    let id = arguments.from.to_str().and_then(|text| text.parse::<GrantId>().ok());
    match id {
        Some(id) if !arguments.from.exists() => of_grant(id, arguments, access),
        _ => {
            let statement = statement(&arguments.from)?;
            match &arguments.key {
                Some(key) => Record::checked(&statement, key).map_err(|e| refusal(&e)),
                None => Record::unchecked(&statement).map_err(|e| refusal(&e)),
            }
        }
    }
}

/// From what the device remembers: whose key signed, and whom the register names, is known then.
fn of_grant(id: GrantId, arguments: &Arguments, access: &Access) -> Result<Record, Failure> {
    let unlocked = access.unlock()?;
    let kept = unlocked.kept()?;
    let memory = kept.memory();
    let stored = memory.receipts.get(&id.to_string()).ok_or_else(|| {
        Failure::refused(format!("this device remembers no grant {id}; it was given from another device"))
    })?;
    let claimed = Record::unchecked(&stored.statement).map_err(|e| refusal(&e))?;
    let own = Some(unlocked.identity.public_key()).filter(|key| key.thumbprint() == claimed.given_by);
    let record = match arguments.key.or(own) {
        Some(key) => Record::checked(&stored.statement, &key).map_err(|e| refusal(&e))?,
        None => claimed,
    };
    let Some(note) = &memory.genesis else { return Ok(record) };
    let genesis = SignedGenesis::parse(note).map_err(|e| Failure::from_error(&e))?;
    let mirror = Mirror::remembered(&genesis, &memory.register).map_err(|e| Failure::from_error(&e))?;
    Ok(named(record, &mirror))
}

fn named(record: Record, register: &Mirror) -> Record {
    match register.institution(record.recipient.id) {
        Some(row) => record.naming(&row.record),
        None => record,
    }
}

fn refusal(error: &StatementError) -> Failure {
    Failure::does_not_hold(chain(error))
}

fn statement(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let file = File::open(path).map_err(|e| at(path, &e))?;
    file.take(limits::STATEMENT_BYTES as u64 + 2).read_to_string(&mut text).map_err(|e| at(path, &e))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The register as somebody exported it. Every entry is checked as it is read; that it is the newest nobody says.
fn register(folder: &Path) -> Result<(SignedGenesis, Mirror), Failure> {
    let path = folder.join("genesis.note");
    let mut note = String::new();
    let file = File::open(&path).map_err(|e| at(&path, &e))?;
    file.take(limits::WATCH_STATE_BYTES).read_to_string(&mut note).map_err(|e| at(&path, &e))?;
    let genesis = SignedGenesis::parse(&note).map_err(|e| Failure::from_error(&e))?;
    let path = folder.join("register.jsonl");
    let mut mirror = Mirror::of_genesis(&genesis).map_err(|e| Failure::from_error(&e))?;
    let first = genesis.entry().encode().map_err(|e| Failure::from_error(&e))?;
    let file = File::open(&path).map_err(|e| at(&path, &e))?;
    for line in BufReader::new(file.take(limits::EVIDENCE_BYTES)).lines() {
        let line = line.map_err(|e| at(&path, &e))?;
        let entry: String = serde_json::from_str(&line).map_err(|e| at(&path, &e))?;
        // An audit bundle begins with genesis, an evidence pack after it.
        if mirror.size() == 1 && entry == first {
            continue;
        }
        mirror
            .append(entry, &genesis)
            .map_err(|e| Failure::does_not_hold(format!("{}: {}", path.display(), chain(&e))))?;
    }
    Ok((genesis, mirror))
}

fn at(path: &Path, error: &dyn Display) -> Failure {
    Failure::refused(format!("{}: {error}", path.display()))
}
