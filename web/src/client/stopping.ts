// What stops: withdrawing a report, freezing everything, and what lifts that again. Source: docs/protocol.md, "Freezes".

import { keysOf, seedOfWords } from "../protocol/keys";
import type { Accepted } from "./answers";
import type { Desk } from "./desk";

const GUARDIAN_DAYS = 400;

/** Withdraws a report: every grant of it ends. `erase` asks for its erasing, which the recovery key has to agree to. */
export function withdraw(desk: Desk, report: string, then: "keep" | "erase"): Promise<Accepted> {
  return desk.state({ kind: "withdrawal", subject: report, body: { report, then } });
}

/** The recovery key agrees to an erasing; it happens 14 days later. */
export async function agreeToErase(desk: Desk, withdrawal: string, words: string): Promise<Accepted> {
  const recovery = await keysOf(seedOfWords(words));
  const body = { approves: withdrawal, matter: "withdrawal" };
  return desk.speakingWith(recovery, () => desk.state({ kind: "approval", subject: withdrawal, body }));
}

/** Stops everything of this advocate's at once. Needs no signing in. */
export async function freeze(desk: Desk): Promise<string> {
  const text = desk.sign({ kind: "freeze", body: { party: desk.party, lift: { recovery: {} } } });
  const stopped: { accepted: Accepted } = await desk.remote.fetch({ method: "POST", path: "/v1/freezes", json: { statement: text }, as: "anybody" });
  await desk.confirm(stopped.accepted, text);
  desk.memory.frozenBy = stopped.accepted.id;
  await desk.keep();
  return stopped.accepted.id;
}

/** Lifts one's own freeze, by the 24 recovery words. */
export async function thaw(desk: Desk, freezing: string, words: string): Promise<Accepted> {
  const recovery = await keysOf(seedOfWords(words));
  const body = { party: desk.party, freeze: freezing };
  const accepted = await desk.speakingWith(recovery, () => desk.state({ kind: "thaw", subject: freezing, body }));
  delete desk.memory.frozenBy;
  await desk.keep();
  return accepted;
}

/** A freeze signed beforehand, for somebody trusted. It holds no key, works once, and only stops. */
export function guardianFile(desk: Desk, about: string): { text: string; until: number } {
  const until = desk.now + GUARDIAN_DAYS * 86_400;
  const statement = desk.sign({ kind: "freeze", body: { party: desk.party, lift: { recovery: {} } }, submitBy: until });
  const file = { about, broker: location.origin, card: desk.card, until, statement };
  return { text: `${JSON.stringify(file, null, 2)}\n`, until };
}

/** Whether these 24 words are this party's recovery key. */
export async function rehearse(desk: Desk, words: string): Promise<boolean> {
  return (await keysOf(seedOfWords(words))).publicKey === desk.memory.recovery?.signing_key;
}
