// What the case log says about whoever is at the desk: every entry that concerns them, opened and proved, and complete by
// the log's signed word. Source: docs/protocol.md, "Own entries".

import { isSignedBy, parseNote } from "../protocol/note";
import { type Shared, verifyReceipt } from "../protocol/receipt";
import { bodyOf, read } from "../protocol/statement";
import type { Disclosure } from "./answers";
import { type Desk, Forked } from "./desk";

export interface OwnEntry {
  readonly index: number;
  readonly shared: Shared;
  /** The C2SP tlog-proof, to be kept or handed on. */
  readonly proof: string;
  /** Kind of its statement, or name of the event. */
  readonly kind: string;
}

interface Listing {
  readonly party: string;
  readonly from: number;
  readonly until: number;
  readonly size: number;
  readonly root: string;
  readonly entries: readonly number[];
}

export async function ownEntries(desk: Desk): Promise<OwnEntry[]> {
  await desk.followCase(desk.seen.case);
  const known = desk.seen.case.size;
  const own: OwnEntry[] = [];
  for (let from = 0; ; ) {
    const page: Disclosure = await desk.remote.fetch(`/v1/disclosure?from=${from}`);
    const listing = await desk.believed(() => openListing(page.listing, desk));
    const sent = page.entries.map((entry) => entry.index);
    const fits = listing.from === from && listing.size >= known && String(sent) === String(listing.entries);
    if (!fits || (listing.until <= from && listing.until < listing.size)) throw new Forked("the listing leaves something out");
    await desk.followCase({ size: listing.size, root: listing.root });
    for (const { index, proof } of page.entries) own.push(await checked(desk, index, proof));
    if (listing.until >= listing.size) return own;
    from = listing.until;
  }
}

async function checked(desk: Desk, index: number, proof: string): Promise<OwnEntry> {
  const verified = await desk.believed(() => verifyReceipt(proof, "case", desk.register.logKey("case")));
  if (verified.index !== index) throw new Forked("the proof is of another entry");
  const { shared } = verified;
  const event = typeof shared.event === "string" ? shared.event : (Object.keys(shared.event)[0] ?? "");
  const kind = event === "accepted" && shared.statement ? read(shared.statement).statement.kind : event;
  return { index, shared, proof, kind };
}

function openListing(note: string, desk: Desk): Listing {
  const parsed = parseNote(note);
  const log = desk.register.logKey("case");
  const [label, origin, party, from, until, size, root, ...entries] = parsed.text.trimEnd().split("\n");
  if (!isSignedBy(parsed, log) || label !== "amana/listing/v1" || origin !== log.name) throw new Error("a listing that is not the log's");
  return { party: party ?? "", from: Number(from), until: Number(until), size: Number(size), root: root ?? "", entries: entries.map(Number) };
}

/** Learns again what a new device does not know: the party, its recovery key, and which reports are its own. */
export async function recollect(desk: Desk): Promise<void> {
  for (const { kind, shared } of await ownEntries(desk)) {
    const statement = shared.statement ?? "";
    if (kind === "party") {
      const { statement: enrolled } = read(statement);
      // Others' enrolments do not concern anybody but them; a guardian's would be the second.
      if (desk.memory.party !== undefined) continue;
      [desk.memory.party, desk.memory.partyStatement] = [enrolled.iss, enrolled.digest];
      desk.memory.recovery = bodyOf<{ recovery: { signing_key: string; recipient: string } }>(statement, "party").recovery;
    } else if (kind === "rotation" || kind === "recovery") {
      const { keys } = bodyOf<{ keys: { recovery?: { signing_key: string; recipient: string } } }>(statement, kind);
      if (keys.recovery) desk.memory.recovery = keys.recovery;
    } else if (kind === "report") {
      const { statement: signed } = read(statement);
      desk.memory.chains[signed.digest] ??= signed.digest;
      desk.memory.reports[signed.digest] ??= unknownReport(statement);
    }
  }
  await desk.keep();
}

const unknownReport = (statement: string) => ({ statement, title: "", consentSalt: "", items: [], relations: [], ownerHeader: "" });
