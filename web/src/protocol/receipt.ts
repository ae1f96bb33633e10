// Receipts: an opened leaf, its inclusion proof and a signed checkpoint. Source: c2sp.org/tlog-proof; docs/protocol.md,
// "Logs" and "Receipts". Until one verifies, a person is told "sent, not confirmed".

import { hmac } from "@noble/hashes/hmac.js";
import { base64, bytesToHex, concatBytes, sha256, text, u32be, utf8ToBytes } from "./bytes";
import { parseObject } from "./json";
import { type NamedKey, openCheckpoint } from "./note";
import { leafHash, verifyInclusion } from "./tree";

export type Log = "register" | "case";

/** What an entry says to everybody it concerns. */
export interface Shared {
  readonly event: string | Record<string, Record<string, unknown>>;
  readonly at: number;
  readonly register_size?: number;
  readonly statement?: string;
}

export interface Seen {
  readonly size: number;
  readonly root: string;
}

export interface Receipt {
  readonly index: number;
  readonly shared: Shared;
  /** The tree its checkpoint signs. */
  readonly tree: Seen;
}

/** Verifies signature, origin and inclusion, and opens the leaf; throws otherwise. */
export function verifyReceipt(receipt: string, log: Log, key: NamedKey): Receipt {
  const { extra, index, hashes, checkpoint } = parts(receipt);
  const { shared, leaf } = log === "register" ? { shared: text(extra), leaf: extra } : opened(extra);
  const signed = openCheckpoint(checkpoint, key);
  verifyInclusion(leafHash(leaf), index, signed.size, signed.root, hashes);
  return { index, shared: parseShared(shared), tree: { size: signed.size, root: bytesToHex(signed.root) } };
}

/** As `verifyReceipt`, of the entry that a statement became, and of nothing else. */
export function verifyStatementReceipt(receipt: string, log: Log, key: NamedKey, event: string, statement: string): Receipt {
  const verified = verifyReceipt(receipt, log, key);
  if (verified.shared.event !== event || verified.shared.statement !== statement) {
    throw new Error("the receipt is for something else");
  }
  return verified;
}

/** As `verifyReceipt`, of something the broker did: the event's name and members have to be these. */
export function verifyEventReceipt(receipt: string, key: NamedKey, event: Record<string, Record<string, string>>): Receipt {
  const verified = verifyReceipt(receipt, "case", key);
  const [[name, members] = ["", {}]] = Object.entries(event);
  const found = typeof verified.shared.event === "object" ? verified.shared.event[name] : undefined;
  const same = found && Object.entries(members).every(([member, value]) => found[member] === value);
  if (!same) throw new Error("the receipt says that something else happened");
  return verified;
}

/** A shared part, in the one spelling there is. */
export function parseShared(source: string): Shared {
  const shared = parseObject(source);
  if (JSON.stringify(shared) !== source) throw new Error("an entry in another spelling");
  if (!Number.isSafeInteger(shared["at"])) throw new Error("an entry without its time");
  return shared as unknown as Shared;
}

/** The checkpoint note inside a receipt. */
export const checkpointOf = (receipt: string): string => parts(receipt).checkpoint;

function parts(receipt: string): { extra: Uint8Array; index: number; hashes: Uint8Array[]; checkpoint: string } {
  const end = receipt.indexOf("\n\n");
  const [first, extra, index, ...hashes] = receipt.slice(0, end).split("\n");
  if (end < 0 || first !== "c2sp.org/tlog-proof@v1" || !extra?.startsWith("extra ") || !index?.startsWith("index ")) {
    throw new Error("not a receipt");
  }
  const number = index.slice(6);
  if (!/^(0|[1-9]\d{0,15})$/u.test(number) || hashes.length > 63) throw new Error("not a receipt");
  return {
    extra: base64.decode(extra.slice(6)),
    index: Number(number),
    hashes: hashes.map((hash) => base64.decode(hash)),
    checkpoint: receipt.slice(end + 2),
  };
}

/** `leaf salt ‖ u32be(length) ‖ shared ‖ auditor commitment`, and the data of the leaf they make. */
function opened(extra: Uint8Array): { shared: string; leaf: Uint8Array } {
  const length = new DataView(extra.buffer, extra.byteOffset).getUint32(32);
  const [salt, shared, commitment] = [extra.subarray(0, 32), extra.subarray(36, 36 + length), extra.subarray(36 + length)];
  if (commitment.length !== 32) throw new Error("an entry with broken framing");
  return { shared: text(shared), leaf: caseLeaf(salt, shared, commitment) };
}

/** The 33 bytes that the case log commits to. */
export function caseLeaf(salt: Uint8Array, shared: Uint8Array, auditorCommitment: Uint8Array): Uint8Array {
  const body = concatBytes(u32be(shared.length), shared, auditorCommitment);
  return concatBytes(Uint8Array.of(1), hmac(sha256, salt, concatBytes(utf8ToBytes("amana/log-entry/v1\0"), body)));
}

/** What a case entry commits to of its auditor part. */
export function auditorCommitment(salt: Uint8Array, part: string): Uint8Array {
  return hmac(sha256, salt, concatBytes(utf8ToBytes("amana/log-auditor/v1\0"), utf8ToBytes(part)));
}
