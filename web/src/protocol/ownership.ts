// Whose keys these are: a party's enrolment and what replaced its keys since, each verified under the key that counted
// then. What a log says of it is not enough: its broker could have made it up. Source: docs/protocol.md, "rotation
// and recovery"; the same rules as `src/wire/ownership.rs`.

import { thumbprint } from "./keys";
import { read, type Statement, type Unverified, verified } from "./statement";

export interface RecoveryKeys {
  readonly signing_key: string;
  readonly recipient: string;
}

interface NewKeys {
  readonly signing_key: string;
  readonly recovery?: RecoveryKeys;
}

export interface Owner {
  readonly party: string;
  /** Digest of the enrolment. */
  readonly statement: string;
  /** Every signing key the party has or had, by its id; and which one counts. */
  readonly signing: Map<string, string>;
  current: string;
  /** Every recovery key, and the one that counts. */
  readonly recoveries: Map<string, string>;
  recovery: RecoveryKeys;
}

export class NotOwned extends Error {}

/** Whose keys are asked about: somebody's own, or a recovery key with both its halves. */
export type Mine = { readonly key: string } | { readonly recovery: RecoveryKeys };

/**
 * The party whose keys of today these are; of statements in their order. That a party names a key proves nothing: the key
 * has to have spoken for the party, as its first key or in a statement of the list; a recovery key has to be named whole.
 */
export function ownerOf(statements: readonly string[], genesis: string, mine: Mine): Owner {
  const owners = new Map<string, Owner & { proposed: Map<string, NewKeys> }>();
  for (const text of statements) {
    const unverified = read(text);
    const { kind, kid, iss, body } = unverified.statement;
    if (kind === "party") {
      const owner = enrolled(unverified, genesis);
      owners.set(owner.party, { ...owner, proposed: new Map() });
      continue;
    }
    const owner = owners.get(iss);
    if (!owner) continue;
    if (kind === "rotation") {
      const { digest } = by(owner.signing.get(kid) === owner.current ? owner.current : undefined, unverified, genesis);
      owner.proposed.set(digest, body["keys"] as NewKeys);
    } else if (kind === "recovery" || (kind === "approval" && body["matter"] === "rotation")) {
      by(thumbprint(owner.recovery.signing_key) === kid ? owner.recovery.signing_key : undefined, unverified, genesis);
      const keys = kind === "recovery" ? (body["keys"] as NewKeys) : owner.proposed.get(String(body["approves"]));
      if (!keys) throw new NotOwned("keys that nobody proposed were approved");
      take(owner, keys);
    }
  }
  const found = [...owners.values()].find((owner) => isMine(owner, mine, statements, genesis));
  if (!found) throw new NotOwned("the broker shows nobody to whom these keys belong");
  return found;
}

function isMine(owner: Owner, mine: Mine, statements: readonly string[], genesis: string): boolean {
  if ("recovery" in mine) {
    return owner.recovery.signing_key === mine.recovery.signing_key && owner.recovery.recipient === mine.recovery.recipient;
  }
  const kid = thumbprint(mine.key);
  const spoke = (text: string) => {
    const unverified = read(text);
    if (unverified.statement.iss !== owner.party || unverified.statement.kid !== kid) return false;
    verified(unverified, mine.key, genesis);
    return true;
  };
  return owner.current === mine.key && (owner.party === kid || statements.some(spoke));
}

/** A statement of this owner's, verified under whichever of its keys signed it. */
export function stated(owner: Owner, text: string, genesis: string, keys: Map<string, string> = owner.signing): Statement {
  const unverified = read(text);
  if (unverified.statement.iss !== owner.party) throw new NotOwned("a statement of somebody else");
  return by(keys.get(unverified.statement.kid), unverified, genesis);
}

function enrolled(unverified: Unverified, genesis: string): Owner {
  const { signing_key, recovery } = unverified.statement.body as unknown as NewKeys & { recovery: RecoveryKeys };
  const { iss, kid, digest } = unverified.statement;
  if (kid !== thumbprint(signing_key) || iss !== kid) throw new NotOwned("an enrolment with somebody else's key");
  verified(unverified, signing_key, genesis);
  return { party: iss, statement: digest, signing: new Map([[kid, signing_key]]), current: signing_key, recoveries: new Map([[thumbprint(recovery.signing_key), recovery.signing_key]]), recovery };
}

function by(key: string | undefined, unverified: Unverified, genesis: string): Statement {
  if (key === undefined) throw new NotOwned(`a ${unverified.statement.kind} by a key that does not count`);
  return verified(unverified, key, genesis);
}

function take(owner: Owner, keys: NewKeys): void {
  owner.current = keys.signing_key;
  owner.signing.set(thumbprint(keys.signing_key), keys.signing_key);
  if (keys.recovery) {
    owner.recovery = keys.recovery;
    owner.recoveries.set(thumbprint(keys.recovery.signing_key), keys.recovery.signing_key);
  }
}
