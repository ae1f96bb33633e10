// What the case log says about whoever is at the desk: every entry that concerns them, opened and proved, and complete by
// the log's signed word. Source: docs/protocol.md, "Own entries".

import { isSignedBy, parseNote } from "../protocol/note";
import { type Shared, verifyReceipt } from "../protocol/receipt";
import { ownerOf, stated } from "../protocol/ownership";
import { read } from "../protocol/statement";
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

export const ownEntries = async (desk: Desk): Promise<OwnEntry[]> => (await ownListing(desk)).entries;

async function ownListing(desk: Desk): Promise<{ party: string; entries: OwnEntry[] }> {
  await desk.followCase(desk.seen.case);
  const known = desk.seen.case.size;
  const own: OwnEntry[] = [];
  for (let from = 0; ; ) {
    const page: Disclosure = await desk.remote.fetch(`/v1/disclosure?from=${from}`);
    const listing = await desk.believed(() => openListing(page.listing, desk));
    const sent = page.entries.map((entry) => entry.index);
    const fits = listing.from === from && listing.size >= known && String(sent) === String(listing.entries);
    if (desk.memory.party !== undefined && listing.party !== desk.memory.party) throw new Forked("the listing is somebody else's");
    if (!fits || (listing.until <= from && listing.until < listing.size)) throw new Forked("the listing leaves something out");
    await desk.followCase({ size: listing.size, root: listing.root });
    for (const { index, proof } of page.entries) own.push(await checked(desk, index, proof, listing));
    if (listing.until >= listing.size) return { party: listing.party, entries: own };
    from = listing.until;
  }
}

async function checked(desk: Desk, index: number, proof: string, followed: { readonly size: number; readonly root: string }): Promise<OwnEntry> {
  const verified = await desk.believed(() => verifyReceipt(proof, "case", desk.register.logKey("case")));
  if (verified.index !== index) throw new Forked("the proof is of another entry");
  // One tree for all of them: an entry of another is of another log.
  const { tree } = verified;
  if (tree.size !== followed.size || tree.root !== followed.root) await desk.followCase(tree);
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
  const { party, entries } = await ownListing(desk);
  const statements = entries.flatMap(({ shared, kind }) => (shared.statement && shared.event === "accepted" ? [{ kind, text: shared.statement }] : []));
  const genesis = desk.register.genesisDigest;
  const { publicKey, recipient } = desk.me.keys;
  // Somebody who has nothing but their 24 words speaks with the recovery key itself.
  const mine = desk.me.passing ? { recovery: { signing_key: publicKey, recipient } } : { key: publicKey };
  const owner = ownerOf(statements.map(({ text }) => text), genesis, mine);
  if (party !== owner.party) throw new Forked("the listing is somebody else's");
  const { memory } = desk;
  [memory.party, memory.partyStatement, memory.recovery] = [owner.party, owner.statement, owner.recovery];
  for (const { kind, text } of statements) {
    const { iss } = read(text).statement;
    // A report that was handed over keeps its first owner's statement; the command line follows that.
    if (iss !== owner.party) continue;
    if (kind === "report") {
      const { digest } = stated(owner, text, genesis);
      memory.chains[digest] ??= digest;
      memory.reports[digest] ??= unknownReport(text);
    } else if (kind === "owner-header") {
      const { report, owner_header } = stated(owner, text, genesis, owner.recoveries).body as { report: string; owner_header: string };
      const own = memory.reports[report];
      if (own) own.headerDigest = owner_header;
    }
  }
  await desk.keep();
}

const unknownReport = (statement: string) => ({ statement, title: "", consentSalt: "", items: [], relations: [], ownerHeader: "" });
