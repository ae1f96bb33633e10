//! Founding a broker: its keys, every office's first keys, and a genesis signed by all of them.

use crate::{
    client::identity::{Identity, Label},
    model::{
        ambient::{Entropy, random},
        bundle::Bundle,
        genesis::{Genesis, LogKeys, NamedKey, Office, Roles},
        ids::PublicKey,
        time::Timestamp,
    },
    tlog::{CosignatureVerifier, Ed25519NoteSigner, KeyName, NoteSigner},
    wire::genesis::SignedGenesis,
};
use ed25519_dalek::SigningKey;
use std::{fs, io::Write as _, path::Path};
use zeroize::Zeroizing;

/// How many hold each office, and how many must agree.
pub const ADMINISTRATORS: (usize, u32) = (3, 2);
const ACCREDITORS: (usize, u32) = (1, 1);
const AUDITORS: (usize, u32) = (1, 1);
const COUNCIL: (usize, u32) = (3, 2);

/// A new broker's offices, with their private keys.
pub struct Founded {
    /// The trust root.
    pub genesis: SignedGenesis,
    /// Administrators.
    pub administrators: Vec<Identity>,
    /// Accreditors.
    pub accreditors: Vec<Identity>,
    /// Auditors.
    pub auditors: Vec<Identity>,
    /// Policy council.
    pub council: Vec<Identity>,
}

impl Founded {
    /// Everybody who holds an office.
    pub fn holders(&self) -> impl Iterator<Item = &Identity> {
        self.administrators.iter().chain(&self.accreditors).chain(&self.auditors).chain(&self.council)
    }
}

/// Who watches a new broker's logs.
#[derive(Clone, Debug, Default)]
pub struct Watchers {
    witnesses: Vec<NamedKey>,
    quorum: u32,
}

impl Watchers {
    /// These witnesses, of which `quorum` count as enough; by default the majority of them.
    ///
    /// # Errors
    /// In words, if there are too few for the quorum or two have one key.
    pub fn new(witnesses: &[CosignatureVerifier], quorum: Option<u32>) -> Result<Self, String> {
        let named = |w: &CosignatureVerifier| NamedKey {
            name: w.name().to_string(),
            key: PublicKey::from_bytes(w.key().to_bytes()),
        };
        let count = u32::try_from(witnesses.len()).map_err(|_| "too many witnesses")?;
        let quorum = quorum.unwrap_or(if count == 0 { 0 } else { count / 2 + 1 });
        if quorum > count {
            return Err(format!(
                "a quorum of {quorum} is more than the {count} witnesses named: name more, or ask for fewer"
            ));
        }
        if count > 0 && quorum == 0 {
            return Err("a quorum of 0 says that no witness counts: ask for at least 1, or name none".to_owned());
        }
        Ok(Self { witnesses: witnesses.iter().map(named).collect(), quorum })
    }
}

/// Makes keys and genesis of a broker without witnesses; writes log and storage keys to `keys` (0600), nothing else.
///
/// # Errors
/// In words.
pub fn found(origin: &str, keys: &Path, now: Timestamp, entropy: &dyn Entropy) -> Result<Founded, String> {
    found_watched(origin, keys, &Watchers::default(), now, entropy)
}

/// As [`found`], with witnesses.
///
/// # Errors
/// In words.
pub fn found_watched(
    origin: &str,
    keys: &Path,
    watchers: &Watchers,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Founded, String> {
    make_folder(keys)?;
    let register = new_key(&keys.join("register.key"), entropy)?;
    let case = new_key(&keys.join("case.key"), entropy)?;
    let _storage = new_key(&keys.join("storage.key"), entropy)?;
    let office = |name: &str, (count, _): (usize, u32)| -> Result<Vec<Identity>, String> {
        (1..=count).map(|n| identity(&format!("{name}-{n}"), entropy)).collect()
    };
    let administrators = office("administrator", ADMINISTRATORS)?;
    let accreditors = office("accreditor", ACCREDITORS)?;
    let auditors = office("auditor", AUDITORS)?;
    let council = office("council", COUNCIL)?;
    let bundle = Bundle::shipped();
    let genesis = Genesis {
        v: 1,
        origin: origin.to_owned(),
        at: now,
        log_keys: LogKeys { register: public(&register), case: public(&case) },
        witnesses: watchers.witnesses.clone(),
        witness_quorum: watchers.quorum,
        roles: Roles {
            administrators: described(origin, &administrators, ADMINISTRATORS.1),
            accreditors: described(origin, &accreditors, ACCREDITORS.1),
            auditors: described(origin, &auditors, AUDITORS.1),
            council: described(origin, &council, COUNCIL.1),
        },
        bundle: bundle.digest(),
        taxonomy: bundle.taxonomy_digest().ok_or("the shipped bundle has no taxonomy")?,
    };
    let mut signers = vec![signer(&genesis.register_origin(), register)?, signer(&genesis.case_origin(), case)?];
    for holder in administrators.iter().chain(&accreditors).chain(&auditors).chain(&council) {
        signers.push(signer(&note_name(origin, holder), holder.signing_key().clone())?);
    }
    let borrowed: Vec<&dyn NoteSigner> = signers.iter().map(|s| s as &dyn NoteSigner).collect();
    let genesis = SignedGenesis::make(&genesis, &borrowed).map_err(|e| e.to_string())?;
    Ok(Founded { genesis, administrators, accreditors, auditors, council })
}

/// Founds a broker's folder: keys, a plain identity file for every office under `dir/roles`, and the signed genesis.
/// No witness watches it.
///
/// # Errors
/// In words; a folder that has a genesis is left alone.
#[cfg(feature = "server")]
pub(super) fn found_folder(
    dir: &Path,
    keys: &Path,
    origin: &str,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Founded, String> {
    let new = |keys: &Path| found(origin, keys, now, entropy);
    founded_in(dir, keys, new)
}

/// As `found_folder`, whatever `new` founds; it is given the folder of keys.
///
/// # Errors
/// In words; a folder that has a genesis is left alone.
pub(super) fn founded_in(
    dir: &Path,
    keys: &Path,
    new: impl FnOnce(&Path) -> Result<Founded, String>,
) -> Result<Founded, String> {
    let genesis = dir.join("genesis.note");
    if genesis.exists() {
        return Err(format!("{} is there already: this broker has been founded", genesis.display()));
    }
    make_folder(dir)?;
    let founded = new(keys)?;
    let roles = dir.join("roles");
    make_folder(&roles)?;
    for holder in founded.holders() {
        let path = roles.join(format!("{}.txt", holder.label().as_str()));
        holder.write_plain(&path).map_err(|e| e.to_string())?;
    }
    write_private(&genesis, founded.genesis.note().as_bytes())?;
    Ok(founded)
}

/// A new identity under a label.
pub fn identity(label: &str, entropy: &dyn Entropy) -> Result<Identity, String> {
    let label: Label = label.parse().map_err(|_| format!("{label:?} is no label"))?;
    Ok(Identity::generate(label, entropy))
}

fn described(origin: &str, holders: &[Identity], threshold: u32) -> Office {
    let named = |holder: &Identity| NamedKey { name: note_name(origin, holder), key: holder.public_key() };
    Office { keys: holders.iter().map(named).collect(), threshold }
}

fn note_name(origin: &str, holder: &Identity) -> String {
    format!("{origin}/{}", holder.label().as_str())
}

fn signer(name: &str, key: SigningKey) -> Result<Ed25519NoteSigner, String> {
    let name: KeyName = name.parse().map_err(|_| format!("{name:?} is no key name"))?;
    Ed25519NoteSigner::new(name, key).map_err(|e| e.to_string())
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::from_bytes(key.verifying_key().to_bytes())
}

fn new_key(path: &Path, entropy: &dyn Entropy) -> Result<SigningKey, String> {
    let seed = Zeroizing::new(random::<32>(entropy));
    let text = Zeroizing::new(format!("{}\n", hex::encode(*seed)));
    write_private(path, text.as_bytes())?;
    Ok(SigningKey::from_bytes(&seed))
}

/// Writes a new file that only its owner can read.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let words = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut file = options.open(path).map_err(words)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(words)
}

/// Makes a folder that only its owner can enter.
pub(super) fn make_folder(path: &Path) -> Result<(), String> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|e| format!("{}: {e}", path.display()))
}
