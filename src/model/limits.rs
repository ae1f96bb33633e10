//! Every bound of the system, with its reason. A bound stands here or it does not exist.

use super::{bucket::Rate, time::Duration};

/// A statement's compact text. The largest leaf a tile bundle can frame is 65,535 bytes; the rest of an entry needs room.
pub const STATEMENT_BYTES: usize = 48 * 1024;
/// One log leaf's data (C2SP tlog-tiles entry bundles frame entries with sixteen bits).
pub const LEAF_BYTES: usize = 65_535;
/// Later answers of persons a device records; withdrawals are taken beyond it. Years of talks in a memory read each time.
pub const CONSENT_CHANGES: usize = 20_000;
/// A person's code in a consent register: it stands in lists and in every refusal.
pub const CODE_BYTES: usize = 64;
/// Years a consent may be good for before it is gone through again: further ahead is a slip of the pen.
pub const CONSENT_REVIEW_YEARS: i64 = 10;
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
/// How long before its entry a decision's clocks may have been read: a queue in front of a slow disk, never an hour.
pub const DECIDED_WITHIN: Duration = Duration::from_seconds(600);
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
/// Revocations, ends and destructions waiting for the writer, in a lane of their own that is taken first.
pub const QUEUED_STOPS: usize = 4096;
/// Reads again after a version conflict before the caller is told "busy".
pub const CONFLICT_RETRIES: usize = 8;
/// Connections at once. When all are taken the longest waiting gives way.
pub const CONNECTIONS: usize = 2048;
/// Connections the kernel keeps until they are accepted; systems lower it to their own bound.
pub const BACKLOG: i32 = 4096;
/// Connections that were given up and are about to close: bounds descriptors while newcomers are let in.
pub const LEAVING: usize = 64;
/// Requests whose small body is on its way in; each may hold [`JSON_BODY_BYTES`]. The oldest gives way to a newer one.
pub const RECEIVING: usize = 512;
/// Revocations at work at once. No other work takes their place.
pub const STOPS: usize = 256;
/// Signatures of revocations checked at once: a flood of false ones must leave processors to everything else.
pub const STOP_CHECKS: usize = 2;
/// Payloads coming in at once; each holds a file and a buffer.
pub const UPLOADS: usize = 256;
/// Payloads going out at once; each holds a file and some 160 KiB while its reader stalls.
pub const DOWNLOADS: usize = 640;
/// Audit bundles at once; each holds a thread and keeps the write-ahead log from being emptied.
pub const AUDITS: usize = 8;
/// All other requests at work at once.
pub const ORDINARY: usize = 512;
/// Threads for work that waits for a disk: more than uploads, downloads and bundles may hold, so that none of these can
/// take the thread a revocation needs. They are made when needed.
pub const BLOCKING_THREADS: usize = UPLOADS + DOWNLOADS + AUDITS + 96;
/// A request head must be complete within this time, in seconds.
pub const HEAD_SECONDS: u64 = 10;
/// A body must bring, and a reader take, at least one byte within this time, in seconds. A line that drops comes back.
pub const BODY_IDLE_SECONDS: u64 = 30;
/// Least bytes a second in either direction, averaged over [`PACE_WINDOW_SECONDS`]: a thirtieth of a 64 kbit/s line.
pub const LEAST_BYTES_PER_SECOND: u64 = 256;
/// The time [`LEAST_BYTES_PER_SECOND`] is averaged over; seconds in which the broker is the slower side do not count.
pub const PACE_WINDOW_SECONDS: u64 = 60;
/// A small body must be whole within this time, in seconds: the largest takes 25 on a 64 kbit/s line.
pub const SMALL_BODY_SECONDS: u64 = 60;
/// How long a refusal waits for a client that is still sending what nobody will read, in seconds.
pub const REFUSAL_SECONDS: u64 = 2;
/// Bytes one connection buffers in each direction; a longer head is refused.
pub const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes the kernel keeps of an answer beyond those on their way to the reader. Half of it at 64 kbit/s are 8 seconds,
/// well under [`BODY_IDLE_SECONDS`].
pub const UNSENT_BYTES: u32 = 128 * 1024;
/// What a caller who finds the broker busy is told to wait, in seconds.
pub const RETRY_AFTER_SECONDS: u64 = 2;
/// Each check of readiness must answer within this time, in seconds; all of them within what a health check waits.
pub const READY_SECONDS: u64 = 2;
/// Free space below which the broker is not ready; on small volumes a hundredth of the volume.
pub const LOW_SPACE_BYTES: u64 = 256 << 20;
/// Streams renew their lease this often, in seconds.
pub const STREAM_LEASE_SECONDS: u64 = 1;
/// How long a client may take to read what is left of a finished stream, in seconds; the rest can be asked for again.
pub const TAKEN_SECONDS: u64 = 600;
/// How long the exit waits for work in the background after that, in seconds.
pub const BACKGROUND_SECONDS: u64 = 2;
/// How long shutdown waits for running requests, in seconds.
pub const SHUTDOWN_SECONDS: u64 = 10;
/// Rows one listing returns.
pub const PAGE_ROWS: usize = 500;
/// Pages of a listing a client reads, one million rows: a broker that lies could go on for ever.
pub const LIST_PAGES: usize = 2_000;
/// Purposes one grant, request or mandate may name.
pub const PURPOSES: usize = 32;
/// Officers besides the one who collects whose agreement one grant may ask for; each is a key read for every decision.
pub const OFFICER_APPROVALS: u32 = 8;
/// Owners of a report beside the one who sealed it.
pub const CO_OWNERS: usize = 8;
/// Latest `submit_by` after `iat` of a freeze: a guardian file lies with somebody for a year and a month.
pub const GUARDIAN_WITHIN: Duration = Duration::from_days(400);
/// How long administrators' freeze holds before a second one has to agree.
pub const FREEZE_LAPSES: Duration = Duration::from_days(14);
/// Freezes of one kind a party can have at once.
pub const FREEZES: usize = 8;
/// Freezes a party can have at once: each guardian beyond the first eight freezes costs whoever fills the row a party.
pub const FREEZES_MOST: usize = 64;
/// Time between the recovery key's agreement and the erasing of a withdrawn report: a mistake, or force, can be noticed.
pub const ERASE_AFTER: Duration = Duration::from_days(14);
/// Shortest time an institution has for an answer, whatever a withdrawal asks: nobody can make it overdue overnight.
pub const ANSWER_LEAST: Duration = Duration::from_days(14);
/// Longest time an institution has for an answer, whatever a withdrawal asks.
pub const ANSWER_MOST: Duration = Duration::from_days(366);
/// Longest time by which an answer can be put off at once.
pub const ANSWER_PUT_OFF: Duration = Duration::from_days(366);
/// Most days an institution's terms may claim for an answer.
pub const RESPONSE_DAYS: u64 = 120;
/// Lines of one list in an institution's terms.
pub const TERMS_LINES: usize = 16;
/// Characters of a sealed message in a statement: 16 KiB of text, age's framing, and base64.
pub const SEALED_MESSAGE_CHARS: usize = 24 * 1024;
/// Statements that replaced a party's keys, or a report's owner: all of them go along with a release, so that whoever
/// collects can check who signed.
pub const KEY_STATEMENTS: usize = 32;
/// Grants of one report that run at once: all of them stand in its row, and end with it.
pub const RUNNING_GRANTS: usize = 512;
/// Inboxes that wait for something new at once; whoever finds no place asks again later.
pub const WAITING: usize = 256;
/// Longest wait of one inbox, in seconds: proxies and phones give up a silent line after a minute.
pub const WAIT_SECONDS: u64 = 50;
/// How often a waiting inbox looks whether the log has grown, in milliseconds.
pub const WAIT_LOOK_MILLISECONDS: u64 = 250;
/// Things one page of an inbox holds.
pub const INBOX_ITEMS: usize = 50;
/// Pages of an inbox a client reads at once: what is most urgent stands first, and nobody works through more in a day.
pub const INBOX_PAGES: usize = 20;
/// Officers one grant may name.
pub const OFFICERS: usize = 64;
/// Characters of a name or reason in a statement.
pub const TEXT_CHARS: usize = 400;
/// Longest collect window of a grant.
pub const COLLECT_WITHIN: Duration = Duration::from_days(366);
/// Most releases one grant may allow.
pub const MAX_RELEASES: u32 = 1000;
/// Keys one role may hold: four full offices and as many witnesses fit into one statement.
pub const ROLE_KEYS: usize = 32;
/// Characters of a key's name in a roster: a host name and a path. 160 of them fit into one statement.
pub const KEY_NAME_CHARS: usize = 200;
/// Changes of a log key: every one stays in the row that each commit reads. One a month for twenty years.
pub const LOG_KEY_CHANGES: usize = 256;
/// Shortest time for which a broker may be told to keep bodies, in days: a denial can be complained about.
pub const KEEP_BODIES_DAYS: u32 = 90;
/// Entries looked at in one sweep for bodies that are kept no longer: opening one takes microseconds.
pub const BODIES_LOOKED_AT: u64 = 4096;
/// Bodies shredded in one sweep: each is an entry, and others wait for the same writer.
pub const BODIES_AT_ONCE: usize = 64;
/// Roll-forwards a log may hold: each is a disaster.
pub const ROLL_FORWARDS: usize = 64;
/// How often the sweeper looks for headers to shred, in seconds.
pub const SWEEP_SECONDS: u64 = 5;
/// `Upload-Metadata` of an upload; stock clients send a file's name and type, which are forgotten.
pub const UPLOAD_METADATA_BYTES: usize = 4096;
/// Uploads one party may have on their way at once: several devices, several reports, some given up.
pub const UPLOADS_PER_PARTY: usize = 32;
/// Bytes an upload takes before the room left on the volume is looked at again.
pub const UPLOAD_ROOM_BYTES: u64 = 16 << 20;
/// Uploads of one report at once: a lost address, another device.
pub const UPLOADS_PER_REPORT: usize = 8;
/// Uploads begun and not ended, of everybody: each is a row in memory.
pub const UPLOADS_BEGUN: usize = 100_000;
/// How long an upload waits for its next part: an advocate may be off line for days.
pub const UPLOAD_LIFE: Duration = Duration::from_days(14);
/// An upload's end is written anew when it would move by this much, so that not every part costs a write.
pub const UPLOAD_RENEWED: Duration = Duration::from_days(1);
/// A part from which nothing has come for so long gives way to a client that asks again, in seconds: its link is cut
/// and only the broker has not noticed.
pub const UPLOAD_STALLED_SECONDS: u64 = 2;
/// Leading zero bits a proof of work has to show by default: some seconds of one core, for one identity.
pub const WORK_BITS: u8 = 22;
/// Fewest bits that may be asked for; less is no work.
pub const WORK_BITS_LEAST: u8 = 8;
/// Most bits that may be asked for: some hours of one core. A client does no more, whatever a broker asks.
pub const WORK_BITS_MOST: u8 = 32;
/// Bytes of the nonce in a proof of work; sixteen never run out.
pub const WORK_NONCE_BYTES: usize = 16;
/// Bytes of payload one party may declare by default: four of the largest reports.
pub const QUOTA_BYTES: u64 = 256 << 30;
/// Entries one party may cause by default: no person works faster, a script at fault does.
pub const QUOTA_ENTRIES: Rate = Rate { per_hour: 2_000, burst: 500 };
/// Denials of one officer's key that are entries of their own within [`DENIALS_WITHIN`]; the others are counted.
pub const DENIALS: u32 = 60;
/// The hour over which denials are counted into one entry.
pub const DENIALS_WITHIN: Duration = Duration::from_seconds(3600);
/// Officers' keys whose denials are counted at once; beyond it every denial is an entry, so that none is lost.
pub const DENIALS_COUNTED: usize = 10_000;
/// Parties whose use of a quota is remembered at once; beyond it they share one measure.
pub const QUOTA_PARTIES: usize = 100_000;
/// Requests of one network before signing in. Signing in takes six; ten a second is a busy office.
pub const RATE_BEFORE_LOGIN: Rate = Rate { per_hour: 36_000, burst: 300 };
/// Requests of one key after signing in: twenty a second, far above what a client does.
pub const RATE_SIGNED_IN: Rate = Rate { per_hour: 72_000, burst: 1_200 };
/// Networks told apart at once; beyond it strangers share one measure.
pub const RATE_NETWORKS: usize = 65_536;
/// Keys told apart at once by rate; no more can be signed in.
pub const RATE_KEYS: usize = TOKENS;
/// How long the salt lives under which networks are told apart.
pub const RATE_SALT_LIFE: Duration = Duration::from_days(1);
/// Bytes of a payload under one digest, checked before they are sent: one read of a stream, so that checking needs no
/// more memory than sending; the digests are a four-thousandth of the payload. Hundreds of readers that stall hold one or
/// two chunks each.
pub const SUM_CHUNK_BYTES: usize = 64 * 1024;
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
/// Witnesses one genesis may name: each is asked at every publication, and is a line of at most [`WITNESS_ANSWER_BYTES`].
pub const WITNESSES: usize = 32;
/// What is read of a witness's answer: some lines of signature, the largest of which are 3.3 KiB.
pub const WITNESS_ANSWER_BYTES: u64 = 64 * 1024;
/// How long a witness may take to take a connection, in seconds; some are reached over Tor.
pub const WITNESS_CONNECT_SECONDS: u64 = 20;
/// How long one request to a witness may take as a whole, in seconds: it checks a signature and writes one file.
pub const WITNESS_ASK_SECONDS: u64 = 30;

/// Growth of the case log that one publication shows at least: so a day without a case looks like one with a few.
pub const COVER_LEAST: u64 = 8;
/// Growth beyond which cover goes up in steps of this many instead of doubling: covers cost room for ever.
pub const COVER_STEP: u64 = 4_096;
/// Time between two publications unless the operator says otherwise.
pub const PUBLISH_EVERY: Duration = Duration::from_seconds(600);
/// Longest time between two publications: policies call a log unwitnessed after two hours.
pub const PUBLISH_EVERY_MOST: Duration = Duration::from_seconds(3_600);
/// Logs one witness may serve: each is a key checked at start, a file, and a lock in memory.
pub const WITNESSED_LOGS: usize = 4096;
/// Connections to a witness at once; more wait in the kernel's queue. A log has one.
pub const WITNESS_CONNECTIONS: usize = 256;
/// Requests a witness judges and stores at once, each on a thread; more are told to come back.
pub const WITNESSING: usize = 16;
/// How long one connection to a witness lives, in seconds: nobody holds a place for long by being slow.
pub const WITNESS_CONNECTION_SECONDS: u64 = 120;
/// How long one request to a witness may take to arrive as a whole, in seconds: 64 KiB on a 64 kbit/s line take 8.
pub const WITNESS_REQUEST_SECONDS: u64 = 20;
/// Forks of one log that a witness keeps as evidence: one proves the fork, and the log alone can make them.
pub const EVIDENCE_FORKS: usize = 64;
/// Checkpoints of one log with a proof that did not hold that a witness keeps. Anybody can send a good checkpoint with a
/// bad proof, so they have a bound of their own and cannot use up that of forks.
pub const EVIDENCE_UNPROVEN: usize = 64;
/// Checkpoints of one log smaller than the one cosigned that a witness keeps. Anybody can send an old checkpoint again.
pub const EVIDENCE_SHRUNK: usize = 16;
/// Opened entries handed to a party in one answer; each is at most some 90 KiB with its proof, most are under two.
pub const DISCLOSED_ENTRIES: usize = 100;
/// Entries of a party that are looked at for one answer about one report; the listing says how far it came.
pub const DISCLOSURE_LOOKED_AT: usize = 2_000;
/// An evidence pack, read whole: the register of a broker with thousands of institutions, and a report's few entries.
pub const EVIDENCE_BYTES: u64 = 128 << 20;
/// Files of an evidence pack: a report with thousands of deliveries.
pub const EVIDENCE_FILES: usize = 20_000;
/// Counts below this are withheld from a transparency report: behind one to four cases stand people who can be named by
/// whoever knows the place. Five is the custom of statistical offices.
pub const SMALL_COUNT: u64 = 5;
/// Of the numbers below [`SMALL_COUNT`], how many a withheld count of a transparency report must still be able to be. All
/// four would be more than sums allow: two withheld counts that make up a withheld one cannot be four each.
pub const WITHHELD_NUMBERS: u64 = 3;
/// Nothing younger stands in a transparency report: who has just granted, collected or withdrawn must not find it printed
/// while it can still be acted on.
pub const REPORT_DELAY: Duration = Duration::from_days(90);
/// Shortest period of a transparency report, in days: February. Over a few days a count points at single cases.
pub const REPORT_LEAST_DAYS: i32 = 28;
/// Longest period of a transparency report, in days: three years, thirty-six rows of months.
pub const REPORT_MOST_DAYS: i32 = 1096;
/// How long institutions may answer the draft of a transparency report, in days: a fortnight covers leave and translation.
pub const REPLY_DAYS: i32 = 14;
/// Characters of an institution's reply: two printed pages, so that no reply buries the report.
pub const REPLY_CHARS: usize = 4_000;
/// Bytes read of a reply's file: four for each character at most, and a mark at the beginning.
pub const REPLY_BYTES: u64 = 4 * REPLY_CHARS as u64 + 4;
/// Characters of a name beside a bar of a plot; the table beside it has the whole.
pub const PLOT_LABEL_CHARS: usize = 44;
/// Longest wait of whoever shows the log for an anchor on its way, in seconds; a disk that hangs longer is a failure.
pub const ANCHOR_WAIT_SECONDS: u64 = 5;
/// A checkpoint in a file: some hundred bytes, and a line for each of many witnesses.
pub const CHECKPOINT_FILE_BYTES: u64 = 64 << 10;
/// Files of the page, and bytes of each: several times what it has.
pub const PAGE_FILES: usize = 200;
/// See [`PAGE_FILES`].
pub const PAGE_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Files of one policy bundle in an export, and bundles in it; the shipped one has nineteen files.
pub const POLICY_FILES: usize = 64;
/// Bytes of one policy bundle in an export: several times the shipped one, and still one line of it.
pub const POLICY_BYTES: u64 = 256 << 10;
/// Length of a policy file's path.
pub const POLICY_PATH_BYTES: usize = 100;
/// Time between two looks at a watched broker unless the auditor says otherwise: as often as it publishes.
pub const WATCH_EVERY: Duration = PUBLISH_EVERY;
/// Longest time between two looks: what is found a day late is found late enough.
pub const WATCH_EVERY_MOST: Duration = Duration::from_days(1);
/// How long a public checkpoint may stand still before it is an alarm: three publications missed.
pub const WATCH_STALE: Duration = Duration::from_seconds(1_800);
/// First wait before a broker that did not answer is asked again, in seconds; doubled up to the time between two looks.
pub const WATCH_RETRY_SECONDS: u64 = 15;
/// Bytes of entries one look takes: some ten million of them. A broker that streams for ever fills no disk.
pub const WATCH_LOOK_BYTES: u64 = 16 << 30;
/// Alarms whose evidence one state folder keeps. Each stops the watch until somebody clears it, so they are few.
pub const WATCH_EVIDENCE: usize = 64;
/// Bytes kept of each log's new entries as evidence of one alarm; which entry it was is kept apart and whole.
pub const WATCH_EVIDENCE_BYTES: u64 = 16 << 20;
/// Bytes of the small files of a state folder: signed notes and a few numbers.
pub const WATCH_STATE_BYTES: u64 = 4 << 20;
/// How long the program that an alarm starts is waited for, in seconds: it sends a message.
pub const WATCH_ALARM_SECONDS: u64 = 60;
/// Lines of a bundle opened ahead of the fold: enough that neither thread waits, and at their longest 32 MiB.
pub const LINES_AHEAD: usize = 64;
/// Decisions that wait to be made again, some kilobytes each: an owner's or a flood's come in a row.
pub const DECISIONS_WAITING: usize = 256;
