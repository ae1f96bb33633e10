// A lost device: the 24 words put new keys in the place of the old ones, and every report is locked for them anew. The
// sealed reports themselves stay where they are.

import { digestOf, encode } from "../protocol/bytes";
import { unwrap, wrap } from "../protocol/header";
import { type Keys, keysOf, newSeed, seedOfWords } from "../protocol/keys";
import type { ReportSummary } from "./answers";
import type { Desk } from "./desk";
import { recollect } from "./history";
import { emptyMemory } from "./memory";
import { ownHeader, reports } from "./reporting";
import { forget, keep, remember, type Unlocked, unlock } from "./vault";

/** The recovery key of 24 words; throws where they are not 24 words of the list. */
export const recoveryOf = (words: string): Promise<Keys> => keysOf(seedOfWords(words));

/** Somebody who has nothing but their recovery key, for the time of the recovery. */
export function withRecovery(recovery: Keys): Unlocked {
  return { kept: { kid: recovery.kid, label: "", role: "advocate", file: "" }, keys: recovery, memory: emptyMemory(), passing: true };
}

/** Puts new keys in force, locks every report for them, and keeps them under a passphrase. */
export async function recover(desk: Desk, label: string, passphrase: string, progress: (done: number, of: number) => void): Promise<Unlocked> {
  const recovery = desk.me.keys;
  await recollect(desk);
  const { party, partyStatement, recovery: known } = desk.memory;
  if (party === undefined || partyStatement === undefined || known?.signing_key !== recovery.publicKey || known.recipient !== recovery.recipient) {
    throw new Error("these 24 words are not the recovery key of anybody here");
  }
  const keys = await keysOf(newSeed());
  const fresh = { signing_key: keys.publicKey, recipient: keys.recipient };
  // On this device before it counts: a break in between loses nothing.
  const me = await keep(keys, label, "advocate", passphrase);
  me.memory = desk.memory;
  await remember(me);
  await desk.state({ kind: "recovery", subject: partyStatement, body: { of: "advocate", keys: fresh } });
  const failed = await lockEachAnew(desk, me, progress);
  if (failed.length > 0) throw new Error(`the new keys are in force; ${failed.length} reports could not be locked for them: ${failed.join(", ")}`);
  return me;
}

/** Goes on past what cannot be had; answers the reports that still have their old lock. */
async function lockEachAnew(desk: Desk, me: Unlocked, progress: (done: number, of: number) => void): Promise<string[]> {
  const { keys } = me;
  const kept = await desk.speakingWith(keys, () => reports(desk));
  const isThere = ({ state }: ReportSummary) => "stored" in state || state["withdrawn"]?.["stored"] === true;
  const theirs = kept.filter((report) => desk.memory.reports[report.id] && isThere(report));
  const failed: string[] = [];
  for (const [done, { id }] of theirs.entries()) {
    progress(done, theirs.length);
    await lockAnew(desk, id, keys).catch(() => failed.push(id));
    await remember(me);
  }
  return failed;
}

/** Puts a new root key of an institution in force, by its 24 words, and keeps it under the passphrase of the old one. */
export async function replaceRoot(desk: Desk, words: string, passphrase: string): Promise<Unlocked> {
  await unlock(desk.me.kept, passphrase);
  const institution = desk.register.institutions.get(desk.party);
  if (!institution) throw new Error("this institution is not enrolled");
  const recovery = await recoveryOf(words);
  const keys = await keysOf(newSeed());
  const body = { of: "institution", keys: { signing_key: keys.publicKey, recipient: keys.recipient } };
  // The new key is on this device before it counts: a break in between loses nothing.
  const me = await keep(keys, desk.me.kept.label, "institution", passphrase);
  await desk.speakingWith(recovery, () => desk.state({ kind: "recovery", subject: institution.statement, body }));
  me.memory = { ...desk.memory, party: institution.id };
  await remember(me);
  await forget(desk.me.kept.kid);
  return me;
}

async function lockAnew(desk: Desk, report: string, keys: Keys): Promise<void> {
  const recovery = desk.me.keys;
  // The new keys may ask for what only the recovery key can open.
  const before = await desk.speakingWith(keys, () => ownHeader(desk, report));
  const fileKey = await unwrap(before, recovery.ageIdentity);
  const header = await wrap(fileKey, [keys.recipient, recovery.recipient]);
  const body = { report, owner_header: digestOf(header), owner_recipient: keys.recipient };
  const path = `/v1/reports/${report}/owner-header`;
  await desk.state({ kind: "owner-header", subject: report, body, path, method: "PUT", along: { owner_header: encode(header) } });
  const own = desk.memory.reports[report];
  if (own) [own.ownerHeader, own.headerDigest] = [encode(header), digestOf(header)];
}
