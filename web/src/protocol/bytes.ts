// Bytes and the spellings the protocol gives them. Source: docs/protocol.md, "Notation".

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, randomBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { base64, base64nopad, base64urlnopad } from "@scure/base";

export { base64, base64nopad, bytesToHex, concatBytes, hexToBytes, randomBytes, sha256, utf8ToBytes };

/** Bytes that lie in a buffer of their own kind, as the browser's interfaces ask for. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** SHA-256 in lower-case hexadecimal: how digests stand in claims, paths and ids. */
export type Digest = string;

/** Unpadded base64url. */
export const encode = (bytes: Uint8Array): string => base64urlnopad.encode(bytes);

/** Reads unpadded base64url in its one canonical spelling. */
export function decode(text: string): Uint8Array {
  const bytes = base64urlnopad.decode(text);
  if (base64urlnopad.encode(bytes) !== text) throw new Error("not canonical base64url");
  return bytes;
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return bytesToHex(sha256(typeof bytes === "string" ? utf8ToBytes(bytes) : bytes));
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0);
  return difference === 0;
}

export function u32be(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
