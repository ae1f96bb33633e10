// An institution's own statements: its unit keys, its officers, what it does with information. Each needs its root key.

import { keysOf, newSeed, type Keys } from "../protocol/keys";
import type { Terms } from "../protocol/register";
import type { Accepted } from "./answers";
import type { Desk } from "./desk";

/** Publishes a recipient key for a unit. The key itself is made here and handed out as a file. */
export async function publishUnit(desk: Desk, unit: string): Promise<Keys> {
  const keys = await keysOf(newSeed());
  await about(desk, "recipient-key", { unit, recipient: keys.recipient });
  return keys;
}

export const appoint = (desk: Desk, signing_key: string, unit: string, days: number): Promise<Accepted> =>
  about(desk, "officer", { signing_key, unit, until: desk.now + days * 86_400 });

export const publishTerms = (desk: Desk, terms: Omit<Terms, "institution">): Promise<Accepted> => about(desk, "terms", terms);

function about(desk: Desk, kind: string, body: object): Promise<Accepted> {
  const own = desk.register.institutions.get(desk.party);
  if (!own) throw new Error("enrol first");
  return desk.state({ kind, subject: own.statement, body: { institution: desk.party, ...body } });
}
