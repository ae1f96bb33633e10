// Enrolling: the party statement with both keys. The recovery key is made here, shown once as 24 words and not kept.

import { digestOf } from "../protocol/bytes";
import { type Keys, keysOf, newSeed } from "../protocol/keys";
import type { InstitutionRecord } from "../protocol/register";
import { work } from "../work/call";
import type { Accepted } from "./answers";
import type { Desk } from "./desk";
import { Problem } from "./remote";

export const newRecovery = (): Promise<Keys> => keysOf(newSeed());

/** Enrols this identity. Solves the broker's proof of work where it asks for one. */
export async function enrol(desk: Desk, recovery: Keys, role: { advocate: object } | { institution: InstitutionRecord }, invitation?: string): Promise<Accepted> {
  const keys = { signing_key: desk.keys.publicKey, recipient: desk.keys.recipient };
  const recoveryKeys = { signing_key: recovery.publicKey, recipient: recovery.recipient };
  const text = desk.sign({ kind: "party", body: { ...keys, recovery: recoveryKeys, role } });
  const accepted = await send(desk, text, invitation ? { "amana-invitation": invitation } : {});
  desk.memory.party = desk.me.keys.kid;
  desk.memory.recovery = recoveryKeys;
  desk.memory.partyStatement = accepted.id;
  await desk.confirm(accepted, text);
  return accepted;
}

async function send(desk: Desk, statement: string, headers: Record<string, string>): Promise<Accepted> {
  const call = { method: "POST", path: "/v1/parties", json: { statement }, as: "anybody" } as const;
  try {
    return await desk.remote.fetch({ ...call, headers });
  } catch (error) {
    if (!(error instanceof Problem && error.slug === "work-needed" && error.bits !== undefined)) throw error;
    const wish = { genesis: desk.register.genesisDigest, statement: digestOf(statement), bits: error.bits };
    return desk.remote.fetch({ ...call, headers: { ...headers, "amana-work": await work("prove", wish) } });
  }
}
