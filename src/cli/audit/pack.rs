//! `audit verify` of an evidence pack: an archive, or the folder it was unpacked into.

use crate::{
    audit::pack::{self, Checked, Pack, PackError},
    cli::output::{Failure, Out, chain},
    model::limits,
    wire::genesis::Card,
};
use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

/// Whether a path is an evidence pack and not a bundle.
pub(super) fn is_one(path: &Path) -> bool {
    // Also one from which a file was taken: that is to be said, not taken for a broken bundle.
    path.is_file() || ["custody.json", "manifest.txt", "listings"].iter().any(|name| path.join(name).exists())
}

/// Checks it and says what it proves.
pub(super) fn run(path: &Path, card: Option<&Card>, out: &Out) -> Result<(), Failure> {
    let refused =
        |error: PackError| Failure::does_not_hold(format!("the evidence pack does NOT hold: {}", chain(&error)));
    let pack = if path.is_file() { of_file(path)?.map_err(refused)? } else { of_folder(path)? };
    let checked = pack::check(&pack, card).map_err(refused)?;
    let mut value = serde_json::to_value(&checked.custody).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.insert("holds".to_owned(), true.into());
        members.insert("remarks".to_owned(), checked.remarks.clone().into());
    }
    out.show(text(&checked, card), &value);
    Ok(())
}

fn of_file(path: &Path) -> Result<Result<Pack, PackError>, Failure> {
    let bytes = read(path, limits::EVIDENCE_BYTES)?;
    if pack::is_tar(&bytes) {
        Ok(Pack::of_tar(&bytes))
    } else {
        Err(Failure::does_not_hold(format!("{}: not an evidence pack; those are tar archives", path.display())))
    }
}

fn of_folder(folder: &Path) -> Result<Pack, Failure> {
    let (mut pack, mut room) = (Pack::default(), limits::EVIDENCE_BYTES);
    let mut folders = vec![(folder.to_owned(), String::new(), 0)];
    let words = |path: &Path, e: &dyn std::fmt::Display| Failure::refused(format!("{}: {e}", path.display()));
    while let Some((path, prefix, depth)) = folders.pop() {
        for entry in fs::read_dir(&path).map_err(|e| words(&path, &e))? {
            let entry = entry.map_err(|e| words(&path, &e))?;
            let kind = entry.file_type().map_err(|e| words(&path, &e))?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|_| words(&path, &"a file's name is not UTF-8; it does not belong here"))?;
            let name = format!("{prefix}{name}");
            if kind.is_dir() && depth == 0 {
                folders.push((entry.path(), format!("{name}/"), 1));
            } else if kind.is_file() && pack.names().len() < limits::EVIDENCE_FILES {
                let bytes = read(&entry.path(), room)?;
                room = room.saturating_sub(bytes.len() as u64);
                pack.put(name, bytes);
            } else {
                return Err(words(&entry.path(), &"it does not belong into an evidence pack"));
            }
        }
    }
    Ok(pack)
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let words = |e: io::Error| Failure::refused(format!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).map_err(words)?.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(words)?;
    if bytes.len() as u64 > most {
        return Err(Failure::refused(format!("{}: larger than any evidence pack", path.display())));
    }
    Ok(bytes)
}

fn text(checked: &Checked, card: Option<&Card>) -> String {
    let custody = &checked.custody;
    let mut text = format!("The evidence pack holds.\n  report {}\n", custody.report);
    // Writing to a string cannot fail.
    for act in &custody.after {
        let mark = if act.witnessed { "witnessed" } else { "not witnessed" };
        let _ = writeln!(text, "  entry {:>6}  {}  {:<13}  {}", act.entry, act.utc, mark, act.words);
    }
    text.push_str("By the log's own signed listing, nothing about this report is left out.\n");
    let seen = &custody.witnessed;
    for (name, at) in &seen.witnesses {
        let at = pack::utc(*at);
        let _ = writeln!(text, "  witness {name} cosigned the log of {} entries at {at}", seen.published);
    }
    if seen.quorum == 0 {
        text.push_str(
            "No witness: this proves what THIS copy of the log says, not that everybody is shown the same one.\n",
        );
    } else if custody.after.iter().any(|act| !act.witnessed) {
        let _ = writeln!(
            text,
            "Entries that are not witnessed ({} witness(es) needed) rest on the broker's word that it shows everybody the same \
             log. A newer pack of the same report will say more.",
            seen.quorum
        );
    }
    for remark in &checked.remarks {
        let _ = writeln!(text, "{remark}");
    }
    if card.is_none() {
        let _ = writeln!(text, "Compare this card with the one you were given: {}", custody.card);
    }
    text.push_str("It does not prove that the content is true, nor what was before sealing.");
    text
}
