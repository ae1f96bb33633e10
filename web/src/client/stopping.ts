// What stops: withdrawing a report, freezing everything, and what lifts that again. Source: docs/protocol.md, "freeze".

import { keysOf, seedOfWords } from "../protocol/keys";
import { verifyStatementReceipt } from "../protocol/receipt";
import { read } from "../protocol/statement";
import type { Accepted } from "./answers";
import type { Desk } from "./desk";
import { ownEntries } from "./history";
import { Problem } from "./remote";

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

/** Stops everything of this advocate's at once. Needs no signing in, and gets by without: from here on it is refused. */
export async function freeze(desk: Desk): Promise<void> {
  const text = desk.sign({ kind: "freeze", body: { party: desk.party, lift: { recovery: {} } } });
  const { accepted }: { accepted: Accepted } = await desk.remote.fetch({ method: "POST", path: "/v1/freezes", json: { statement: text }, as: "anybody" });
  await desk.believed(() => verifyStatementReceipt(accepted.receipt, "case", desk.register.logKey("case"), "accepted", text));
}

/** Whether everything of this advocate's stands still, whoever stopped it. */
export async function isFrozen(desk: Desk): Promise<boolean> {
  try {
    await desk.remote.send({ path: `/v1/case/checkpoint?from=${desk.seen.case.size}` });
    return false;
  } catch (error) {
    if (error instanceof Problem && error.slug === "frozen") return true;
    throw error;
  }
}

/** Lifts every freeze of one's own, also those a guardian brought, by the 24 recovery words. */
export async function thaw(desk: Desk, words: string): Promise<void> {
  const recovery = await keysOf(seedOfWords(words));
  await desk.speakingWith(recovery, async () => {
    for (const freezing of await ownFreezes(desk)) {
      await desk.state({ kind: "thaw", subject: freezing, body: { party: desk.party, freeze: freezing } });
    }
  });
}

/** Freezes of this party that nobody has lifted, by the log. Asked with the recovery key: everything else is refused. */
async function ownFreezes(desk: Desk): Promise<string[]> {
  const frozen = new Set<string>();
  for (const { kind, shared } of await ownEntries(desk)) {
    const { statement } = kind === "freeze" || kind === "thaw" ? read(shared.statement ?? "") : { statement: undefined };
    // An administrator's is lifted by administrators; their keys stand in the register.
    if (!statement || desk.register.keys.has(statement.kid)) continue;
    if (kind === "freeze" && statement.body["party"] === desk.party) frozen.add(statement.digest);
    if (kind === "thaw") frozen.delete(String(statement.body["freeze"]));
  }
  return [...frozen];
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
  const { publicKey, recipient } = await keysOf(seedOfWords(words));
  return publicKey === desk.memory.recovery?.signing_key && recipient === desk.memory.recovery.recipient;
}
