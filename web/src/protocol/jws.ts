// Compact JWS with Ed25519 and nothing else. Source: RFC 7515, RFC 8037; docs/protocol.md, "Statements".

import { ed25519 } from "@noble/curves/ed25519.js";
import { decode, encode, text, utf8ToBytes } from "./bytes";
import { only, parseObject } from "./json";
import type { Keys } from "./keys";

export interface Compact {
  readonly header: Record<string, unknown>;
  readonly payload: Record<string, unknown>;
  readonly signature: Uint8Array;
  readonly input: string;
}

const MOST_BYTES = 48 * 1024;

/** Takes a compact JWS apart. Nobody's signature has been checked. */
export function parse(compact: string): Compact {
  const [header, payload, signature, ...rest] = compact.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    throw new Error("not three parts");
  }
  if (compact.length > MOST_BYTES) throw new Error("longer than a statement may be");
  return {
    header: parseObject(text(decode(header))),
    payload: parseObject(text(decode(payload))),
    signature: decode(signature),
    input: `${header}.${payload}`,
  };
}

/** Throws unless the key signed it. Strict: no small-order points, canonical encodings (RFC 8032). */
export function verify(compact: Compact, publicKey: string): void {
  only(compact.header, "alg", "typ", "kid");
  const ok = ed25519.verify(compact.signature, utf8ToBytes(compact.input), decode(publicKey), { zip215: false });
  if (compact.header["alg"] !== "EdDSA" || !ok) throw new Error("the signature does not verify");
}

export function sign(header: Record<string, unknown>, payload: Record<string, unknown>, signing: Uint8Array): string {
  const part = (value: object) => encode(utf8ToBytes(JSON.stringify(value)));
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${encode(ed25519.sign(utf8ToBytes(input), signing))}`;
}

/** The compact text of a statement of `kind`. */
export function signStatement(kind: string, payload: Record<string, unknown>, keys: Keys): string {
  return sign({ alg: "EdDSA", typ: `amana-${kind}-v1+jwt`, kid: keys.kid }, payload, keys.signing);
}
