//! The plaintext of a sealed report: what lies inside the age file.
//!
//! A report is an uncompressed ustar archive: `manifest.json`, `index.csv`, the files as
//! `files/0001-ascii-slug.ext`, and last `.padding`. Whoever has the key needs no program of ours:
//! `age -d -i key report.age | tar x` is enough.
//!
//! This module must never alter a file it is given, never follow a link, never read a clock, and never
//! write outside the folder it was told to make.
//!
//! Start reading at [`plan`] (what will be sealed), then [`pack`], then [`mod@unpack`]. [`manifest`] holds what
//! investigators need to know, [`consent`] what the persons in the report agreed to, and [`check()`] decides
//! whether a proposed grant stays within it.

mod framing;
mod metadata;
mod walk;

pub mod check;
pub mod consent;
pub mod draft;
pub mod item;
pub mod limits;
pub mod manifest;
pub mod name;
pub mod pack;
pub mod padme;
pub mod plan;
pub mod relation;
pub mod strict;
pub mod tables;
pub mod unpack;

pub use check::{ConsentRefusal, ConsentReviewBy, Proposed, Why, check};
pub use consent::{Answer, ConsentRegister, ContactRule, IdentificationLevel, Person, Status};
pub use draft::{DraftError, ItemDraft, ManifestDraft};
pub use item::{DerivedFrom, Digest, Item, Moment, PersonShown};
pub use manifest::{Manifest, ManifestError, ReportKind};
pub use metadata::Hidden;
pub use pack::{PackError, Packed, write};
pub use plan::{Plan, PlanError, Sizes, Warning};
pub use relation::{Relation, RelationKind};
pub use unpack::{UnpackError, Unpacked, read_manifest, unpack};
