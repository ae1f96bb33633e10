//! Taking an audit bundle away: streamed from the broker, split into the files `audit verify` reads.

use super::{
    desk::{Desk, DeskError},
    identity::private_file,
};
use crate::{
    audit,
    model::{bundle::Bundle, event::Log, limits},
    wire::api::{BundleLine, Policies},
};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Write as _},
    path::Path,
};

impl Desk {
    /// Downloads the bundle into a new folder.
    ///
    /// # Errors
    /// [`DeskError`]; a bundle without its last line is incomplete and refused.
    pub fn export_audit(&self, into: &Path) -> Result<(), DeskError> {
        let file = |e: std::io::Error| DeskError::refused(format!("{}: {e}", into.display()));
        let response = self.remote.stream("/v1/audit/bundle", &[], self.signed_in())?;
        fs::create_dir(into).map_err(file)?;
        let mut lines = BufReader::new(response.into_body().into_reader());
        let mut out = Files::create(into).map_err(file)?;
        loop {
            let line: Option<BundleLine> = audit::read_line(&mut lines).map_err(DeskError::refused)?;
            match line {
                Some(BundleLine::End) => return out.finish().map_err(file),
                Some(line) => out.take(into, &line).map_err(file)?,
                None => return Err(DeskError::refused("the bundle broke off; delete the folder and export again")),
            }
        }
    }
}

struct Files {
    register: BufWriter<File>,
    case: BufWriter<File>,
    facts: BufWriter<File>,
}

impl Files {
    fn create(folder: &Path) -> std::io::Result<Self> {
        let new = |name| private_file(&folder.join(name)).map(BufWriter::new);
        Ok(Self { register: new("register.jsonl")?, case: new("case.jsonl")?, facts: new("facts.jsonl")? })
    }

    fn take(&mut self, folder: &Path, line: &BundleLine) -> std::io::Result<()> {
        match line {
            BundleLine::Genesis(note) => fs::write(folder.join("genesis.note"), note),
            BundleLine::Policies(policies) => write_policies(folder, policies),
            BundleLine::Checkpoint(Log::Register, note) => fs::write(folder.join("checkpoint.register"), note),
            BundleLine::Checkpoint(Log::Case, note) => fs::write(folder.join("checkpoint.case"), note),
            BundleLine::Register(shared) => write(&mut self.register, shared),
            BundleLine::Case(case) => write(&mut self.case, case),
            BundleLine::Closed(_) => write(&mut self.case, line),
            BundleLine::Fact(kind, key, log, index, row) => write(&mut self.facts, &(kind, key, log, index, row)),
            BundleLine::End => Ok(()),
        }
    }

    fn finish(mut self) -> std::io::Result<()> {
        for file in [&mut self.register, &mut self.case, &mut self.facts] {
            file.flush()?;
            file.get_ref().sync_all()?;
        }
        Ok(())
    }
}

/// Nothing is written outside the folder, whatever the broker calls its files.
fn write_policies(folder: &Path, policies: &Policies) -> std::io::Result<()> {
    let root = folder.join("policies").join(policies.digest.to_string());
    if policies.files.len() > limits::POLICY_FILES {
        return Err(std::io::Error::other("the broker's policies are too many files; they are not written"));
    }
    for (path, text) in &policies.files {
        if !Bundle::is_path(path) {
            let words = format!("the broker calls a policy file {path:?}; no file of that name is written");
            return Err(std::io::Error::other(words));
        }
        let path = path.split('/').fold(root.clone(), |path, name| path.join(name));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        File::create_new(&path)?.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn write(file: &mut BufWriter<File>, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}
