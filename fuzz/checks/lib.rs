//! What must hold of everything in Amana that reads what others wrote, as functions of arbitrary bytes.
//!
//! A check panics when a promise is broken and says nothing otherwise. The fuzz targets beside this folder feed the
//! checks what libFuzzer invents; `tests/it/twins.rs` includes the same files, feeds them what proptest invents, and
//! replays every file in `fuzz/seeds`. Nothing here is part of the library, and only its public items are used.
//!
//! The first byte of an input says what the rest is meant as, so that one target covers a family of formats; the
//! letters stand at the top of each `check`. Where a format hides its content from mutation (base64, checksums,
//! signatures), a second letter takes the content bare and wraps it the way an honest writer would.

pub mod choices;
pub mod facts;
pub mod header;
pub mod log;
pub mod oauth;
pub mod statement;
pub mod tus;
pub mod unpack;

/// A target: its name, its check, and the makers of its seeds.
pub struct Target {
    /// As in `fuzz_targets/` and `seeds/`.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub check: fn(&[u8]),
    /// Real artefacts to begin with, by name. A maker sees to it that what should be accepted is: a check that only ever
    /// refuses would pass everything.
    pub seeds: fn() -> Vec<(&'static str, Vec<u8>)>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "facts", check: facts::check, seeds: facts::seeds },
    Target { name: "header", check: header::check, seeds: header::seeds },
    Target { name: "log", check: log::check, seeds: log::seeds },
    Target { name: "oauth", check: oauth::check, seeds: oauth::seeds },
    Target { name: "statement", check: statement::check, seeds: statement::seeds },
    Target { name: "tus", check: tus::check, seeds: tus::seeds },
    Target { name: "unpack", check: unpack::check, seeds: unpack::seeds },
];
