//! `restore`: a broker's folder from a backup.

pub(super) mod accept;
mod input;
pub(super) mod marker;

use super::{
    ambient::SystemClock,
    doctor::{Patient, Thoroughness, examine},
    embedded::{self, Places},
    moment::moment,
    output::{Failure, Out, chain},
    progress::Progress,
};
use crate::{
    model::ambient::Clock as _,
    store::backup::unpack,
    wire::backup::{Manifest, Restored},
};
use clap::Args;
use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Make a broker's folder from a backup.
///
/// Everything is checked before the folder appears: each file against the manifest, the folder as `doctor` does. Nothing
/// is appended to the log. The folder bears a marker, and `serve` refuses it until it is told --accept-restored: a log
/// that goes on from a backup forks from what was answered after it.
#[derive(Args)]
#[cfg_attr(
    feature = "client",
    command(
        after_help = "Examples:\n  amana restore amana-2031-05-01.age --identity backup-key.txt --dir restored --keys \
        /etc/amana/keys\n  age -d -i backup-key.txt backup.age | amana restore --dir restored --keys /etc/amana/keys"
    )
)]
#[cfg_attr(
    not(feature = "client"),
    command(after_help = "This build cannot decrypt: it reads the backup from a pipe.\n\nExample:\n  \
        age -d -i backup-key.txt backup.age | amana restore --dir /data --keys /keys")
)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: input::Origin,
    /// The folder to make; it must not be there, or be empty.
    #[arg(long, value_name = "NEWDIR")]
    dir: PathBuf,
    /// Folder of the broker's log and storage keys, which are in no backup.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
}

pub(super) fn run(arguments: &Arguments, out: &Out) -> Result<(), Failure> {
    let dir = &arguments.dir;
    let taken = fs::read_dir(dir).map(|mut entries| entries.next().is_some());
    match taken {
        Ok(false) => {}
        Ok(true) => return Err(Failure::refused(format!("{} is not empty; nothing was touched", dir.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::refused(format!("{}: {error}", dir.display()))),
    }
    let partial = Partial::make(dir)?;
    let manifest = fill(&partial.0, arguments, out)?;
    let diagnosis = check(&partial.0, &arguments.keys, &manifest, out)?;
    partial.publish(dir)?;
    tell(arguments, &manifest, &diagnosis, out);
    Ok(())
}

/// The folder under its preliminary name; removed when dropped.
struct Partial(PathBuf);

impl Partial {
    fn make(dir: &Path) -> Result<Self, Failure> {
        let mut name = dir.as_os_str().to_owned();
        name.push(".partial");
        let folder = PathBuf::from(name);
        let words = |e: io::Error| Failure::refused(format!("{}: {e}", folder.display()));
        let mut private = DirBuilder::new();
        private.mode(0o700);
        private.create(&folder).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => Failure::refused(format!(
                "{} is left from an interrupted attempt, or one is still running; remove it and try again",
                folder.display()
            )),
            _ => words(e),
        })?;
        let partial = Self(folder);
        for inside in ["data", "data/payloads"] {
            private.create(partial.0.join(inside)).map_err(|e| Failure::refused(format!("{inside}: {e}")))?;
        }
        Ok(partial)
    }

    /// Gives the folder its name, durably.
    fn publish(self, dir: &Path) -> Result<(), Failure> {
        let words = |e: io::Error| Failure::refused(format!("{}: {e}", dir.display()));
        for folder in [self.0.join("data/payloads"), self.0.join("data"), self.0.clone()] {
            File::open(&folder).and_then(|folder| folder.sync_all()).map_err(words)?;
        }
        // Renaming a folder replaces an empty one and nothing else.
        fs::rename(&self.0, dir).map_err(words)?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(words)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After publishing there is nothing under this name.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Unpacks into the folder and marks it.
fn fill(folder: &Path, arguments: &Arguments, out: &Out) -> Result<Manifest, Failure> {
    let (from, bytes) = arguments.input.open()?;
    let progress = Progress::begin("restoring", bytes, out);
    let manifest = unpack(from, folder, &mut |bytes| progress.add(bytes))
        .map_err(|e| Failure::does_not_hold(format!("nothing was restored: {}", chain(&e))))?;
    drop(progress);
    let marker = Restored { made_at: manifest.made_at, register: manifest.register, case: manifest.case };
    let path = marker::path(&folder.join("data"));
    let words = |e: io::Error| Failure::refused(format!("{}: {e}", path.display()));
    let text = serde_json::to_vec(&marker).map_err(|e| words(e.into()))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(words)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(words)?;
    Ok(manifest)
}

/// Whether it belongs to these keys, is what its manifest says, and holds.
fn check(folder: &Path, keys: &Path, manifest: &Manifest, out: &Out) -> Result<String, Failure> {
    let places = Places { keys: keys.to_owned(), ..Places::under(folder) };
    let nothing = |words: &str| Failure::does_not_hold(format!("nothing was restored: {words}"));
    let genesis = embedded::read_genesis(&places.genesis)?;
    if genesis.digest() != manifest.genesis {
        return Err(nothing("the genesis in the backup is not the one its manifest names"));
    }
    embedded::check_keys(&places, &genesis)
        .map_err(|e| nothing(&format!("{}. These keys belong to another broker than this backup", e.words())))?;
    input::matches_database(&places, manifest).map_err(|words| nothing(&words))?;
    // Every payload was read and compared while it was unpacked.
    let now = SystemClock::new().wall();
    let diagnosis = examine(&Patient { dir: folder, places: &places, now, thoroughness: Thoroughness::Quick }, out);
    if diagnosis.holds() || (!manifest.left_out.is_empty() && diagnosis.only_payloads_are_broken()) {
        return Ok(diagnosis.text());
    }
    Err(nothing(&format!("the folder in it does not hold\n{}", diagnosis.text())).with(diagnosis.json()))
}

fn tell(arguments: &Arguments, manifest: &Manifest, diagnosis: &str, out: &Out) {
    let (dir, keys) = (arguments.dir.display(), arguments.keys.display());
    let left_out: Vec<String> = manifest.left_out.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{diagnosis}\n\nRestored into {dir}: the state of {}, register {} entries, case log {} entries, {} payloads.\n\
         Not here:\n  - every entry made after the backup: grants, withdrawals, releases, reports. Nobody can tell from \
         this folder how many\n  - every wrapped header: each open grant ends as lost, and its owner has to give it anew\n  \
         - the invitation: a new one is made at the first start that needs one\n",
        moment(manifest.made_at),
        manifest.register.size,
        manifest.case.size,
        manifest.payloads.len(),
    );
    for report in &left_out {
        text.push_str("  - the payload of report ");
        text.push_str(report);
        text.push_str(", damaged when the backup was made\n");
    }
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "To look at it: amana doctor --dir {dir} --keys {keys}\n\
         To go on from it, read `amana serve --help` on --accept-restored first: other people may have seen a later log, and \
         the anchor beside the keys says whether they did."
    );
    out.show(
        text,
        &serde_json::json!({
            "dir": arguments.dir, "made_at": manifest.made_at, "register_size": manifest.register.size,
            "case_size": manifest.case.size, "payloads": manifest.payloads.len(), "left_out": left_out,
        }),
    );
}
