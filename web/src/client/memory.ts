// What a device remembers for an identity: the register it has checked, where the case log stood, receipts, and what
// only its owner may know of a report.

import type { ConsentRegister } from "../report/consent";
import type { Item, Relation } from "../report/manifest";
import type { Seen } from "../protocol/receipt";

export interface Memory {
  genesis?: string;
  register: string[];
  case?: Seen;
  caseCheckpoint?: string;
  /** Of an advocate or institution: the party, which is its first key's id. */
  party?: string;
  /** Digest of the statement that enrolled it. */
  partyStatement?: string;
  recovery?: { signing_key: string; recipient: string };
  /** Subject → digest of the last accepted statement on it. */
  chains: Record<string, string>;
  receipts: Record<string, KeptReceipt>;
  reports: Record<string, OwnReport>;
  /** Recipient-key statement → second at which this device first saw it. */
  firstSeen: Record<string, number>;
  /** What left this device, newest last. */
  left: Departure[];
  /** What an officer collected: release → what came of it. */
  collected: Record<string, Collected>;
  /** Wrapped headers kept back until the second yes: grant → header. */
  heldBack?: Record<string, string>;
  /** Of an officer: the unit's age identity, with which released reports are opened. */
  unitKey?: string;
}

export interface KeptReceipt {
  readonly statement: string;
  readonly receipt: string;
  readonly index: number;
  readonly log: "register" | "case";
  readonly at: number;
}

export interface OwnReport {
  statement: string;
  title: string;
  consent?: ConsentRegister;
  consentSalt: string;
  items: Item[];
  relations: Relation[];
  /** Header of the sealed file, base64url. */
  ownerHeader: string;
  /** Digest of the header, where it was made anew. */
  headerDigest?: string;
  /** Signed, and not known to be registered. */
  unsent?: boolean;
  /** While the payload has not arrived whole: name of the sealed file on this device. */
  pending?: { file: string; upload?: string };
}

export interface Departure {
  readonly at: number;
  /** Id of the words that say what it was. */
  readonly what: string;
  readonly about?: string;
  readonly bytes: number;
}

export interface Collected {
  readonly grant: string;
  readonly report: string;
  readonly payload_sha256: string;
  readonly key_commitment: string;
  readonly acknowledged: boolean;
}

export function emptyMemory(): Memory {
  return { register: [], chains: {}, receipts: {}, reports: {}, firstSeen: {}, left: [], collected: {} };
}
