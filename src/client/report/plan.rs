//! The plan of a report: which files will be sealed, under which names, with which description.
//!
//! Planning reads every file once and changes none. What it finds is shown to the advocate before anything is
//! sealed; [`super::pack::write`] then refuses if a file is no longer what the plan says.

use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use zeroize::Zeroizing;

use super::consent::ConsentRegister;
use super::draft::{DraftError, ManifestDraft};
use super::item::{Digest, Item, Moment};
use super::limits::{MAX_ARCHIVE_BYTES, MAX_DEPTH, MAX_FILES, MAX_MANIFEST_BYTES};
use super::manifest::{Manifest, ManifestError};
use super::metadata::Hidden;
use super::name::NameError;
use super::relation::{self, Relation};
use super::walk::{self, Found};
use super::{framing, padme};

mod describe;
mod facts;

/// A describing file in the root of a folder.
pub const DRAFT_NAME: &str = "report.json";

/// What will be sealed.
#[derive(Debug)]
pub struct Plan {
    // INVARIANT: the manifest is valid, `sources` has one path per item, and the two texts are the manifest's.
    manifest: Manifest,
    sources: Vec<PathBuf>,
    manifest_json: Zeroizing<Vec<u8>>,
    index_csv: Zeroizing<Vec<u8>>,
    warnings: Vec<Warning>,
    as_of: Option<Date>,
    total_bytes: u64,
}

impl Plan {
    /// Plans a report of any files and folders.
    ///
    /// The contents of one single folder are named from inside it; several inputs each keep their own name. A
    /// `report.json` in the root is read as a [`ManifestDraft`]; what `draft` says goes before it. The consent
    /// register and the provider card move into the manifest; the custody log, the redaction log and the media
    /// list are sealed and read into the manifest. `progress` is told the bytes read since its last call.
    ///
    /// # Errors
    /// Links, devices, unsafe names, descriptions of files that are not there, and every bound.
    pub fn of(paths: &[PathBuf], draft: ManifestDraft, progress: &mut dyn FnMut(u64)) -> Result<Self, PlanError> {
        let mut found = walk::walk(paths)?;
        let draft = match describe::take(&mut found, DRAFT_NAME) {
            Some(own) => draft.or(ManifestDraft::read(&own.source)?),
            None => draft,
        };
        Self::described(found, draft, progress)
    }

    /// Plans a report of the folder `root` as `report_json`, which may lie anywhere, describes it. One folder
    /// can so be sealed in several ways, such as whole and redacted.
    ///
    /// # Errors
    /// As for [`Self::of`].
    pub fn of_folder(root: &Path, report_json: &Path, progress: &mut dyn FnMut(u64)) -> Result<Self, PlanError> {
        let mut found = walk::walk(&[root.to_owned()])?;
        describe::take(&mut found, DRAFT_NAME);
        let draft = ManifestDraft::read(report_json)?;
        let own = report_json.canonicalize().ok();
        found.retain(|file| {
            file.source.file_name() != report_json.file_name() || file.source.canonicalize().ok() != own
        });
        Self::described(found, draft, progress)
    }

    /// The manifest to be sealed.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the advocate should know before sealing.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// How much there is.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            files: self.manifest.items.len(),
            content_bytes: self.manifest.items.iter().map(|item| item.bytes).sum(),
            total_bytes: self.total_bytes,
        }
    }

    /// Length of the archive, a Padmé bucket.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The same plan with one more relation to an earlier report, before those of the description; what the report is
    /// follows from them.
    ///
    /// # Errors
    /// The manifest outgrows its bound.
    pub fn related(mut self, relation: Relation) -> Result<Self, PlanError> {
        self.manifest.relations.insert(0, relation);
        self.manifest.kind = relation::kind_of(&self.manifest.relations, self.manifest.kind);
        self.rendered()
    }

    /// The same plan with a fresh salt for the commitment to the first earlier report it names, if it names one.
    ///
    /// # Errors
    /// The manifest outgrows its bound.
    pub fn salted(mut self, salt: Digest) -> Result<Self, PlanError> {
        relation::salt(&mut self.manifest.relations, salt);
        self.rendered()
    }

    /// The same plan with the dates of the consent register moved from the draft's `as_of` to `today`. For the
    /// demo; real consent has real dates.
    ///
    /// # Errors
    /// There is no `as_of`, or a date leaves the calendar.
    pub fn rebased(mut self, today: Date) -> Result<Self, PlanError> {
        let as_of = self.as_of.ok_or(PlanError::NoAnchor)?;
        if let Some(register) = &mut self.manifest.consent_register {
            *register = ConsentRegister::rebased(register, as_of, today).map_err(PlanError::Date)?;
        }
        self.as_of = Some(today);
        self.rendered()
    }

    /// `manifest.json` as it will be sealed.
    pub(super) fn manifest_json(&self) -> &[u8] {
        &self.manifest_json
    }

    /// `index.csv` as it will be sealed.
    pub(super) fn index_csv(&self) -> &[u8] {
        &self.index_csv
    }

    /// Every item with the path of its file.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Item, &Path)> {
        self.manifest.items.iter().zip(self.sources.iter().map(PathBuf::as_path))
    }

    fn described(found: Vec<Found>, draft: ManifestDraft, progress: &mut dyn FnMut(u64)) -> Result<Self, PlanError> {
        let as_of = draft.as_of;
        let described = describe::describe(found, draft, progress)?;
        let plan = Self {
            manifest: described.manifest,
            sources: described.sources,
            manifest_json: Zeroizing::default(),
            index_csv: Zeroizing::default(),
            warnings: described.warnings,
            as_of,
            total_bytes: 0,
        };
        plan.manifest.validate()?;
        plan.rendered()
    }

    /// Writes the manifest and index anew and adds up the lengths.
    fn rendered(mut self) -> Result<Self, PlanError> {
        self.manifest_json = Zeroizing::new(self.manifest.to_json()?);
        self.index_csv = Zeroizing::new(self.manifest.index().map_err(PlanError::Index)?);
        let own = [self.manifest_json.len(), self.index_csv.len()].map(|len| u64::try_from(len).ok());
        if own.iter().any(|len| len.is_none_or(|len| len > MAX_MANIFEST_BYTES)) {
            return Err(PlanError::ManifestTooLarge);
        }
        let members = own.into_iter().flatten().chain(self.manifest.items.iter().map(|item| item.bytes));
        let total = framing::unpadded_bytes(members).and_then(padme::bucket);
        self.total_bytes = total.filter(|total| *total <= MAX_ARCHIVE_BYTES).ok_or(PlanError::TooLarge)?;
        Ok(self)
    }
}

/// How much a plan holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Files.
    pub files: usize,
    /// Bytes in the files.
    pub content_bytes: u64,
    /// Bytes of the archive: the only length others will learn.
    pub total_bytes: u64,
}

/// Something the advocate should know before sealing. It refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A file says more than it shows.
    #[error("\u{201c}{path}\u{201d} is {hidden}; it will be sealed unchanged")]
    HiddenMetadata {
        /// The file.
        path: String,
        /// What kind.
        hidden: Hidden,
    },
    /// A file no longer has the hash it had when it was received.
    #[error("\u{201c}{path}\u{201d} differs from what was received (its SHA-256 at receipt is another)")]
    ChangedSinceReceipt {
        /// The file.
        path: String,
    },
    /// A register is sealed, but nobody said whom this file shows.
    #[error("nobody said whom \u{201c}{path}\u{201d} shows; it counts as showing nobody")]
    PersonsNotStated {
        /// The file.
        path: String,
    },
}

/// Why no report can be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file or folder cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link: what it points to was not chosen.
    #[error("{} is a link; give the file it points to instead", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A device, pipe or socket.
    #[error("{} is neither a file nor a folder", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// Folders within folders without end.
    #[error("{} lies more than {MAX_DEPTH} folders deep", path.display())]
    TooDeep {
        /// The folder.
        path: PathBuf,
    },
    /// More than a report can hold.
    #[error("there are more than {most} files; seal the rest as a report that supplements this one")]
    TooManyFiles {
        /// The bound.
        most: usize,
    },
    /// Nothing to seal.
    #[error("there are no files to seal")]
    Empty,
    /// Two inputs have the same real name.
    #[error("two inputs would both be called \u{201c}{name}\u{201d}")]
    SameName {
        /// The name.
        name: String,
    },
    /// The name is not Unicode.
    #[error("the name of {} is not Unicode; rename a copy", path.display())]
    NotUnicode {
        /// The file.
        path: PathBuf,
    },
    /// The name is unsafe.
    #[error("the name \u{201c}{path}\u{201d} cannot be sealed")]
    Name {
        /// The name, with unprintable characters escaped.
        path: String,
        /// What is wrong with it.
        #[source]
        why: NameError,
    },
    /// The description speaks of a file that is not there.
    #[error("the description speaks of \u{201c}{name}\u{201d}, which is not among the files")]
    NotThere {
        /// The real name.
        name: String,
    },
    /// A describing file is unusable.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The manifest would be refused by whoever opens the report.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The index cannot be written.
    #[error("index.csv cannot be written")]
    Index(#[source] csv::Error),
    /// The description is too long.
    #[error("manifest.json or index.csv would be larger than {MAX_MANIFEST_BYTES} bytes")]
    ManifestTooLarge,
    /// The files are too large together.
    #[error(
        "the report would be larger than {MAX_ARCHIVE_BYTES} bytes; split it into reports that supplement each other"
    )]
    TooLarge,
    /// Dates can only be moved from somewhere.
    #[error("the description has no \u{201c}as_of\u{201d} from which dates could be moved")]
    NoAnchor,
    /// A moved date leaves the calendar.
    #[error("a date of the consent register cannot be moved")]
    Date(#[source] jiff::Error),
}

/// The modification time of a found file as a manifest says it.
fn moment(found: &Found) -> Moment {
    // A file system may hold times no calendar has; they are no evidence of anything.
    Moment::of(jiff::Timestamp::try_from(found.modified).unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

/// Refuses more files than member names can number.
fn bounded(files: usize) -> Result<(), PlanError> {
    match files {
        0 => Err(PlanError::Empty),
        1..=MAX_FILES => Ok(()),
        _ => Err(PlanError::TooManyFiles { most: MAX_FILES }),
    }
}
