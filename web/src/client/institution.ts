// An institution's own statements: its unit keys, its officers, what it does with information. Each needs its root key.

import { keysOf, newSeed, type Keys } from "../protocol/keys";
import type { Terms } from "../protocol/register";
import type { Accepted } from "./answers";
import type { Desk } from "./desk";

/** A unit's keys. Their file is handed out before they are published: nobody is to seal for a key that was lost. */
export const newUnit = (): Promise<Keys> => keysOf(newSeed());

export const publishUnit = (desk: Desk, unit: string, keys: Keys): Promise<Accepted> =>
  about(desk, "recipient-key", { unit, recipient: keys.recipient });

export const appoint = (desk: Desk, signing_key: string, unit: string, days: number): Promise<Accepted> =>
  about(desk, "officer", { signing_key, unit, until: desk.now + days * 86_400 });

export const publishTerms = (desk: Desk, terms: Omit<Terms, "institution">): Promise<Accepted> => about(desk, "terms", terms);

function about(desk: Desk, kind: string, body: object): Promise<Accepted> {
  const own = desk.register.institutions.get(desk.party);
  if (!own) throw new Error("enrol first");
  return desk.state({ kind, subject: own.statement, body: { institution: desk.party, ...body } });
}
