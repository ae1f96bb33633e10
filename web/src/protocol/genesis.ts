// Genesis, and the bootstrap card that pins it. Source: docs/protocol.md, "Genesis and bootstrap card".

import { decode, digestOf } from "./bytes";
import { parseObject } from "./json";
import { isSignedBy, type NamedKey, parseNote } from "./note";

export interface Named {
  readonly name: string;
  readonly key: string;
}

export interface Office {
  readonly keys: readonly Named[];
  readonly threshold: number;
}

export type OfficeName = "administrators" | "accreditors" | "auditors" | "council";
export const OFFICES: readonly OfficeName[] = ["administrators", "accreditors", "auditors", "council"];

export interface Roster {
  readonly log_keys: { readonly register: string; readonly case: string };
  readonly witnesses: readonly Named[];
  readonly witness_quorum: number;
  readonly roles: Readonly<Record<OfficeName, Office>>;
}

export interface Genesis extends Roster {
  readonly v: number;
  readonly origin: string;
  readonly at: number;
  readonly bundle: string;
  readonly taxonomy: string;
}

export interface Card {
  readonly origin: string;
  readonly digest: string;
}

/** Somebody else's broker, or somebody between. */
export class OtherBroker extends Error {}

/** Reads a genesis signed by every key it names, and by no fewer. */
export function readGenesis(note: string): Genesis {
  const parsed = parseNote(note);
  const genesis = parseObject(parsed.text) as unknown as Genesis;
  checkRoster(genesis);
  const signers: NamedKey[] = [logKey(genesis.origin, genesis, "register"), logKey(genesis.origin, genesis, "case")];
  for (const office of OFFICES) {
    for (const { name, key } of genesis.roles[office].keys) signers.push({ name, key: decode(key) });
  }
  if (genesis.v !== 1 || !signers.every((signer) => isSignedBy(parsed, signer))) {
    throw new Error("genesis is not signed by everybody it names");
  }
  return genesis;
}

/** The rules of genesis and of every later roster. */
export function checkRoster(roster: Roster): void {
  const keys = [roster.log_keys.register, roster.log_keys.case, ...roster.witnesses.map((witness) => witness.key)];
  for (const office of OFFICES) {
    const { keys: held, threshold } = roster.roles[office];
    const least = office === "administrators" || office === "council" ? 2 : 1;
    if (!(threshold >= least) || held.length < threshold || held.length > 32) throw new Error(`too few ${office}`);
    keys.push(...held.map((named) => named.key));
  }
  if (new Set(keys).size !== keys.length) throw new Error("a key stands twice in the roster");
  if (roster.witness_quorum > roster.witnesses.length) throw new Error("more witnesses are asked for than there are");
}

export function readCard(text: string): Card {
  const at = text.trim().lastIndexOf("#");
  const [origin, digest] = [text.trim().slice(0, at), text.trim().slice(at + 1)];
  if (at < 1 || !/^[A-Za-z0-9._/:-]{1,200}$/u.test(origin) || !/^[0-9a-f]{64}$/u.test(digest)) {
    throw new Error("not a bootstrap card");
  }
  return { origin, digest };
}

export const cardOf = (note: string): Card => ({ origin: readGenesis(note).origin, digest: digestOf(note) });
export const writeCard = (card: Card): string => `${card.origin}#${card.digest}`;

/** Refuses any genesis but the one on the card. */
export function genesisOf(note: string, card: Card): Genesis {
  const genesis = readGenesis(note);
  if (genesis.origin !== card.origin || digestOf(note) !== card.digest) throw new OtherBroker("another broker than the card's");
  return genesis;
}

/** The key that signs a log's checkpoints. */
export function logKey(origin: string, roster: Roster, log: "register" | "case"): NamedKey {
  return { name: `${origin}/${log}`, key: decode(roster.log_keys[log]) };
}
