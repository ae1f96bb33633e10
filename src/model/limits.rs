//! Every bound of the system, with its reason. A bound stands here or it does not exist.

use super::time::Duration;

/// A statement's compact text. The largest leaf a tile bundle can frame is 65,535 bytes; the rest of an entry needs room.
pub const STATEMENT_BYTES: usize = 48 * 1024;
/// One log leaf's data (C2SP tlog-tiles entry bundles frame entries with sixteen bits).
pub const LEAF_BYTES: usize = 65_535;
/// An age header the broker keeps; age's own headers for two recipients are under 400 bytes.
pub const HEADER_BYTES: usize = 64 * 1024;
/// A JSON request body other than a payload: one statement and one header in base64 with room to spare.
pub const JSON_BODY_BYTES: usize = 192 * 1024;
/// A sealed payload. Evidence video is large; a bound keeps one upload from filling the disk silently.
pub const PAYLOAD_BYTES: u64 = 64 << 30;
/// Latest `submit_by` after `iat`: a statement is sent soon or signed anew.
pub const SUBMIT_WITHIN: Duration = Duration::from_days(30);
/// How far ahead of the broker a signer's clock may be.
pub const CLOCK_AHEAD: Duration = Duration::from_seconds(600);
/// How far the wall clock may run ahead of monotonic time before only revocation is possible.
pub const CLOCK_JUMP: Duration = Duration::from_seconds(600);
/// A release is delivered again on the same request until acknowledged, or this long.
pub const REDELIVER_WITHIN: Duration = Duration::from_seconds(24 * 3600);
/// Life of an access token: short, because it lives in memory only.
pub const TOKEN_LIFE: Duration = Duration::from_seconds(600);
/// Life of a client assertion, from its `iat`.
pub const ASSERTION_LIFE: Duration = Duration::from_seconds(300);
/// Age of a DPoP proof that is still accepted.
pub const DPOP_PROOF_LIFE: Duration = Duration::from_seconds(120);
/// Tokens alive at once; a full table refuses new ones rather than grow.
pub const TOKENS: usize = 100_000;
/// DPoP proof identifiers remembered at once.
pub const DPOP_PROOFS: usize = 1_000_000;
/// Operations one commit may carry: bounds the time between two fsyncs and the memory of a batch.
pub const BATCH_OPERATIONS: usize = 1024;
/// Operations waiting for the writer; beyond it callers are told to come back.
pub const QUEUED_OPERATIONS: usize = 8192;
/// Reads again after a version conflict before the caller is told "busy".
pub const CONFLICT_RETRIES: usize = 8;
/// Connections at once, including the reserve.
pub const CONNECTIONS: usize = 2048;
/// Connections only revocation may use.
pub const RESERVED_CONNECTIONS: usize = 64;
/// A request head must be complete within this time, in seconds.
pub const HEAD_SECONDS: u64 = 10;
/// A body must bring at least one byte within this time, in seconds.
pub const BODY_IDLE_SECONDS: u64 = 30;
/// Streams renew their lease this often, in seconds.
pub const STREAM_LEASE_SECONDS: u64 = 1;
/// How long a client may take to read what is left of a finished stream, in seconds; the rest can be asked for again.
pub const TAKEN_SECONDS: u64 = 600;
/// How long shutdown waits for running requests, in seconds.
pub const SHUTDOWN_SECONDS: u64 = 10;
/// Rows one listing returns.
pub const PAGE_ROWS: usize = 500;
/// Purposes one grant, request or mandate may name.
pub const PURPOSES: usize = 32;
/// Officers one grant may name.
pub const OFFICERS: usize = 64;
/// Characters of a name or reason in a statement.
pub const TEXT_CHARS: usize = 400;
/// Longest collect window of a grant.
pub const COLLECT_WITHIN: Duration = Duration::from_days(366);
/// Most releases one grant may allow.
pub const MAX_RELEASES: u32 = 1000;
/// Keys one role may hold in genesis.
pub const ROLE_KEYS: usize = 32;
/// How often the sweeper looks for headers to shred, in seconds.
pub const SWEEP_SECONDS: u64 = 5;
/// Bytes of a payload under one digest, checked before they are sent: one read of a stream, so that checking needs no
/// more memory than sending; the digests are an eight-thousandth of the payload.
pub const SUM_CHUNK_BYTES: usize = 256 * 1024;
/// Bytes of stored payloads read again at once when looking for damage.
pub const SCRUB_STEP_BYTES: u64 = 8 << 20;
/// Time between two such reads, in milliseconds: at most 32 MiB/s, a fraction of any disk, so that a terabyte takes a
/// night and nobody notices.
pub const SCRUB_STEP_MILLISECONDS: u64 = 250;
/// Rest after every stored payload was read again, in seconds: damage is noticed within a day or so.
pub const SCRUB_REST_SECONDS: u64 = 6 * 3600;
/// Payloads waiting to be read again because a chunk was damaged; the next round finds what has no room here.
pub const SUSPECTS: usize = 1024;
/// Faults one check of a data folder names; what is broken more often is broken.
pub const FAULTS: usize = 100;
/// Free space below which `doctor` warns: room for a day of entries and some uploads.
pub const FREE_BYTES: u64 = 1 << 30;
/// A backup's manifest: a line of 200 bytes for each of a million payloads, with room.
pub const BACKUP_MANIFEST_BYTES: u64 = 256 << 20;
