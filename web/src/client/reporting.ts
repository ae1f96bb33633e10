// Reports: sealed on the device, declared, sent in parts that survive cuts and reloads.

import { bytesToHex, concatBytes, decode, digestOf, hexToBytes, randomBytes, sha256, utf8ToBytes } from "../protocol/bytes";
import { unwrap } from "../protocol/header";
import { bodyOf } from "../protocol/statement";
import { commitment } from "../report/consent";
import type { Relation } from "../report/manifest";
import { work } from "../work/call";
import type { Opened } from "../work/open";
import { removeSealed, sealedFile, sealedHandle } from "../work/place";
import type { Sealed, ToSeal } from "../work/seal";
import type { Accepted, OwnerHeader, Report, ReportSummary } from "./answers";
import { type Desk, Forked } from "./desk";
import { download } from "./downloading";
import { recollect } from "./history";
import { Problem } from "./remote";
import { upload, type UploadStep } from "./uploading";

export interface Draft extends Omit<ToSeal, "recipients"> {
  readonly tier: 1 | 2 | 3 | 4;
}

export interface SealedDraft extends Sealed {
  readonly relations: readonly Relation[];
}

/** Seals a draft on this device. Nothing leaves it. */
export async function seal(desk: Desk, draft: Draft, progress: (bytes: number) => void): Promise<SealedDraft> {
  const recovery = desk.memory.recovery;
  if (!recovery) throw new Error("enrol first");
  const { tier: _, ...wish } = draft;
  const relations = salted(draft.relations ?? []);
  const sealed = await work("seal", { ...wish, relations, recipients: [desk.keys.recipient, recovery.recipient] }, progress);
  return { ...sealed, relations };
}

/** Registers a report that was sealed elsewhere for this identity. It is opened to read what it says of persons. */
export async function bring(desk: Desk, file: File, tier: Draft["tier"]): Promise<string> {
  const recovery = desk.memory.recovery;
  if (!recovery) throw new Error("enrol first");
  const brought = await work("bring", { file, ageIdentity: desk.keys.ageIdentity, recipients: [desk.keys.recipient, recovery.recipient] });
  const { kind, title, consent_register, relations = [] } = brought.manifest;
  const draft: Draft = { tier, kind, ...(title ? { title } : {}), ...(consent_register ? { consent: consent_register } : {}), sources: [] };
  return declare(desk, draft, { ...brought.sealed, relations });
}

/** The first relation to a report with a digest gets the salt of the commitment. */
function salted(relations: readonly Relation[]): Relation[] {
  const place = relations.findIndex((relation) => relation.digest !== undefined);
  return relations.map((relation, at) => (at === place ? { ...relation, salt: bytesToHex(randomBytes(32)) } : relation));
}

/** Declares a sealed report: statement and owner header leave the device, no content. Answers the report's id. */
export async function declare(desk: Desk, draft: Draft, sealed: SealedDraft): Promise<string> {
  const { relations } = sealed;
  const consentSalt = randomBytes(32);
  const report: Report = {
    payload_sha256: sealed.payload_sha256,
    payload_bytes: sealed.payload_bytes,
    key_commitment: sealed.key_commitment,
    owner_header: sealed.owner_header,
    owner_recipient: desk.keys.recipient,
    tier: draft.tier,
    kind: draft.kind,
    ...predecessor(relations),
    ...(draft.consent ? { consent_commitment: commitment(draft.consent, consentSalt) } : {}),
  };
  // Remembered before it is sent: whatever becomes of the answer, the same statement is sent again and not another one.
  const statement = desk.sign({ kind: "report", body: report });
  const id = digestOf(statement);
  desk.memory.reports[id] = {
    statement,
    title: draft.title ?? "",
    ...(draft.consent ? { consent: draft.consent } : {}),
    consentSalt: bytesToHex(consentSalt),
    items: [...sealed.items],
    relations: [...relations],
    ownerHeader: sealed.ownerHeader,
    pending: { file: sealed.place },
    unsent: true,
  };
  await desk.keep();
  try {
    await register(desk, id);
  } catch (error) {
    // Such a no is final, and the form is still there: nothing of it is at the broker. Otherwise it waits here.
    if (isFinal(error)) await forget(desk, id);
    throw error;
  }
  return id;
}

const FINAL = new Set(["malformed", "statement-refused", "too-large", "conflict"]);
const isFinal = (error: unknown): boolean => error instanceof Problem && FINAL.has(error.slug);

/** Sends a signed report statement, perhaps again: the broker answers the same bytes with their first entry. */
async function register(desk: Desk, id: string): Promise<void> {
  const own = desk.memory.reports[id];
  if (!own) return;
  const accepted: Accepted = await desk.remote.fetch({ method: "POST", path: "/v1/reports", json: { statement: own.statement, owner_header: own.ownerHeader } });
  await desk.confirm(accepted, own.statement);
  delete own.unsent;
  desk.left("left-declared", own.statement.length + own.ownerHeader.length, id);
  await desk.keep();
}

async function forget(desk: Desk, id: string): Promise<void> {
  const own = desk.memory.reports[id];
  delete desk.memory.reports[id];
  if (own?.pending) await removeSealed(own.pending.file);
  await desk.keep();
}

export const unsent = (desk: Desk): string[] => Object.keys(desk.memory.reports).filter((id) => desk.memory.reports[id]?.unsent);

/** Registers what was sealed and signed before an answer was lost. */
export async function registerUnsent(desk: Desk): Promise<void> {
  for (const id of unsent(desk)) {
    try {
      await register(desk, id);
    } catch (error) {
      if (!isFinal(error)) throw error;
      // What was refused was not accepted before: the same report is signed as of now.
      await register(desk, await signedAnew(desk, id));
    }
  }
}

async function signedAnew(desk: Desk, id: string): Promise<string> {
  const own = desk.memory.reports[id];
  if (!own) return id;
  const statement = desk.sign({ kind: "report", body: statedOf(own.statement) });
  const next = digestOf(statement);
  desk.memory.reports[next] = { ...own, statement };
  delete desk.memory.reports[id];
  await desk.keep();
  return next;
}

function predecessor(relations: readonly Relation[]): { predecessor_commitment?: string } {
  const found = relations.find((relation) => relation.digest !== undefined && relation.salt !== undefined);
  if (!found) return {};
  const label = utf8ToBytes("amana/predecessor-commitment/v1\0");
  const parts = [label, hexToBytes(found.salt ?? ""), hexToBytes(found.digest ?? ""), utf8ToBytes(found.kind)];
  return { predecessor_commitment: bytesToHex(sha256(concatBytes(...parts))) };
}

/** Sends the sealed payload, going on where an earlier attempt stopped, and forgets it here when it is proved to be there. */
export async function send(desk: Desk, id: string, steps: (step: UploadStep) => void, signal: AbortSignal): Promise<void> {
  const own = desk.memory.reports[id];
  if (!own?.pending) return;
  const stated = statedOf(own.statement);
  const payload = await sealedFile(own.pending.file);
  if (payload.size !== stated.payload_bytes) throw new Error("the sealed file on this device is not whole");
  const upload_ = await upload(desk.remote, { report: id, payload, known: own.pending.upload }, steps, signal, async (begun) => {
    own.pending = { file: own.pending?.file ?? "", upload: begun };
    await desk.keep();
  });
  const accepted: Accepted = await desk.remote.fetch({ method: "PUT", path: `/v1/reports/${id}/payload`, json: { upload: upload_ } });
  await desk.confirmEvent(accepted.receipt, { "payload-stored": { report: id } });
  desk.left("left-payload", payload.size, id);
  await removeSealed(own.pending.file);
  delete own.pending;
  await desk.keep();
}

export const reports = (desk: Desk): Promise<ReportSummary[]> => desk.remote.fetchAll("/v1/reports");

/** One's own header. Asking for it is an entry of the log each time. */
export async function ownHeader(desk: Desk, id: string): Promise<Uint8Array> {
  const owner: OwnerHeader = await desk.remote.fetch({ method: "POST", path: `/v1/reports/${id}/owner-header`, json: {} });
  await desk.confirmEvent(owner.receipt, { "owner-header-fetched": { report: id, key: desk.keys.kid } }, true);
  const header = decode(owner.header);
  const expected = () => {
    const { headerDigest, ownerHeader: kept } = desk.memory.reports[id] ?? {};
    return headerDigest ?? (kept ? digestOf(decode(kept)) : statedOf(owner.report_statement).owner_header);
  };
  // Another device of the same owner may have made it anew: the log says so.
  if (digestOf(header) !== expected()) await recollect(desk);
  if (digestOf(owner.report_statement) !== id || digestOf(header) !== expected()) throw new Forked("another header than the one that was sealed");
  return header;
}

export async function fileKeyOf(desk: Desk, id: string): Promise<Uint8Array> {
  return unwrap(await ownHeader(desk, id), desk.keys.ageIdentity);
}

/** Fetches an own report back and opens it here. What this device did not know of it, it knows then. */
export async function fetchBack(desk: Desk, id: string, progress: (bytes: number, of: number) => void, signal: AbortSignal): Promise<Opened> {
  const own = desk.memory.reports[id];
  if (!own) throw new Error("not a report of this device's owner");
  const stated = statedOf(own.statement);
  const header = await ownHeader(desk, id);
  const place = await sealedHandle(`back-${id}`);
  const from = { path: `/v1/reports/${id}/payload`, payloadAt: 0, payloadBytes: stated.payload_bytes };
  const payload = await download(desk.remote, from, place, progress, signal);
  // Whatever is wrong with it, the next attempt fetches it anew.
  const opened = await work("open", { payload, header, ageIdentity: desk.keys.ageIdentity, stated }).finally(() => removeSealed(`back-${id}`));
  if (own.items.length === 0) {
    const { title = "", items, consent_register, relations = [] } = opened.manifest;
    [own.title, own.items, own.relations] = [title, [...items], [...relations]];
    if (consent_register) own.consent = consent_register;
    await desk.keep();
  }
  return opened;
}

export const statedOf = (statement: string): Report => bodyOf<Report>(statement, "report");
