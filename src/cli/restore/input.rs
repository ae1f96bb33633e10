//! Where a backup comes from, and whether its database and its payloads belong together.

use crate::{
    cli::{
        ambient::SystemEntropy,
        embedded::{self, Places},
        output::{Failure, chain},
    },
    store::sqlite::Snapshot,
    wire::backup::Manifest,
};
use std::{
    collections::BTreeSet,
    io::{self, IsTerminal as _, Read},
};

#[cfg(feature = "client")]
use crate::{
    cli::home::{ask, read_secret},
    client::{
        identity::file::MAX_FILE_BYTES,
        seal::stream::{identities_need_passphrase, open_stream, read_identities},
    },
};
#[cfg(feature = "client")]
use std::{
    fs::File,
    path::{Path, PathBuf},
};
#[cfg(feature = "client")]
use zeroize::Zeroizing;

/// Where a backup comes from.
#[derive(clap::Args)]
pub(super) struct Origin {
    /// The sealed backup; without it, an opened one is read from standard input.
    #[cfg(feature = "client")]
    #[arg(value_name = "FILE", requires = "identity")]
    file: Option<PathBuf>,
    /// The identity it is sealed to: as `age-keygen` or `amana identity new` wrote it.
    #[cfg(feature = "client")]
    #[arg(long, value_name = "FILE", requires = "file")]
    identity: Option<PathBuf>,
    /// Read the identity's passphrase from this file.
    #[cfg(feature = "client")]
    #[arg(long, value_name = "FILE", env = "AMANA_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Origin {
    /// The opened backup, and about how many bytes it has.
    #[cfg(feature = "client")]
    pub(super) fn open(&self) -> Result<(Box<dyn Read>, u64), Failure> {
        let (Some(path), Some(identity)) = (&self.file, &self.identity) else { return standard_input() };
        let words = |what: &dyn std::fmt::Display| Failure::refused(format!("{}: {what}", path.display()));
        let bytes = identity_file(identity)?;
        let passphrase = self.passphrase(identity, &bytes)?;
        let identities = read_identities(&bytes, passphrase.as_deref().map(String::as_str))
            .map_err(|e| Failure::refused(format!("{}: {}", identity.display(), chain(&e))))?;
        let file = File::open(path).map_err(|e| words(&e))?;
        let bytes = file.metadata().map_err(|e| words(&e))?.len();
        let opened = open_stream(file, &identities).map_err(|e| words(&chain(&e)))?;
        Ok((Box::new(opened), bytes))
    }

    #[cfg(not(feature = "client"))]
    pub(super) fn open(&self) -> Result<(Box<dyn Read>, u64), Failure> {
        let Self {} = self;
        standard_input()
    }

    /// The passphrase of an identity file, if it has one.
    #[cfg(feature = "client")]
    fn passphrase(&self, path: &Path, bytes: &[u8]) -> Result<Option<Zeroizing<String>>, Failure> {
        if !identities_need_passphrase(bytes) {
            return Ok(None);
        }
        let given = std::env::var("AMANA_PASSPHRASE").ok().filter(|text| !text.is_empty()).map(Zeroizing::new);
        let passphrase = match (&self.passphrase_file, given) {
            (Some(file), _) => read_secret(file)?,
            (None, Some(given)) => given,
            (None, None) => ask(
                &format!("Passphrase of {}: ", path.display()),
                "give the passphrase with --passphrase-file FILE or AMANA_PASSPHRASE",
            )?,
        };
        Ok(Some(passphrase))
    }
}

#[cfg(feature = "client")]
fn identity_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let words = |e: io::Error| Failure::refused(format!("{}: {e}", path.display()));
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE_BYTES));
    File::open(path).map_err(words)?.take(MAX_FILE_BYTES as u64).read_to_end(&mut bytes).map_err(words)?;
    Ok(bytes)
}

fn standard_input() -> Result<(Box<dyn Read>, u64), Failure> {
    if io::stdin().is_terminal() {
        let how = "age -d -i IDENTITY FILE | amana restore --dir NEWDIR --keys KEYS";
        return Err(Failure::refused(format!("there is no backup on standard input. Write:\n  {how}")));
    }
    Ok((Box::new(io::stdin()), 0))
}

/// The payloads in a backup are those its database calls stored, but for what was left out by name.
pub(super) fn matches_database(places: &Places, manifest: &Manifest) -> Result<(), String> {
    let storage = embedded::read_seed(&places.keys.join("storage.key")).map_err(|e| e.words().to_owned())?;
    let snapshot = Snapshot::open(&places.data, &storage, SystemEntropy::new()).map_err(|e| chain(&e))?;
    let heads = snapshot.heads().map_err(|e| chain(&e))?;
    if (heads.register, heads.case) != (manifest.register, manifest.case) {
        return Err("the logs in the backup are not those its manifest names".to_owned());
    }
    let stored = snapshot.stored_reports().map_err(|e| chain(&e))?;
    let stored: BTreeSet<_> = stored
        .into_iter()
        .filter(|(id, _)| !manifest.left_out.contains(id))
        .map(|(id, row)| (id, row.report.payload_bytes, row.report.payload_sha256))
        .collect();
    let listed: BTreeSet<_> = manifest.payloads.iter().map(|p| (p.report, p.bytes, p.sha256)).collect();
    if stored == listed { Ok(()) } else { Err("its payloads are not those its database calls stored".to_owned()) }
}
