// Age headers by themselves: read, unwrapped, wrapped anew for somebody else. The payload stays where it is.
// Source: age-encryption.org/v1; docs/protocol.md, "Header and payload".

import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { Decrypter, Encrypter, type Recipient, Stanza } from "age-encryption";
import { base64nopad, bytesToHex, sha256, utf8ToBytes } from "./bytes";

const INTRO = "age-encryption.org/v1";
const MOST_BYTES = 64 * 1024;

/** A header for these recipients around a file key, one X25519 stanza each, in their order. */
export async function wrap(fileKey: Uint8Array, recipients: readonly string[]): Promise<Uint8Array> {
  const stanzas: Stanza[] = [];
  for (const recipient of recipients) stanzas.push(...(await recipientOf(recipient).wrapFileKey(fileKey)));
  const lines = [INTRO, ...stanzas.flatMap(linesOf), "---"].join("\n");
  const mac = hmac(sha256, hkdf(sha256, fileKey, undefined, utf8ToBytes("header"), 32), utf8ToBytes(lines));
  return utf8ToBytes(`${lines} ${base64nopad.encode(mac)}\n`);
}

/** The file key of a header, its MAC checked. Throws when it is not for this identity. */
export async function unwrap(header: Uint8Array, ageIdentity: string): Promise<Uint8Array> {
  checkForm(header);
  const decrypter = new Decrypter();
  decrypter.addIdentity(ageIdentity);
  return decrypter.decryptHeader(header);
}

/** One report, one content: what binds a file key to a payload. */
export function keyCommitment(fileKey: Uint8Array, payloadNonce: Uint8Array): string {
  return bytesToHex(hkdf(sha256, fileKey, payloadNonce, utf8ToBytes("amana/file-key-commitment/v1"), 32));
}

/** The key of a payload's chunks. */
export function payloadKey(fileKey: Uint8Array, payloadNonce: Uint8Array): Uint8Array {
  return hkdf(sha256, fileKey, payloadNonce, utf8ToBytes("payload"), 32);
}

/** Where the header of an age file ends: the first byte of its payload. */
export function headerLength(start: Uint8Array): number {
  const text = new TextDecoder("latin1").decode(start.subarray(0, MOST_BYTES));
  const mac = /\n--- [A-Za-z0-9+/]{43}\n/u.exec(text);
  if (!text.startsWith(`${INTRO}\n`) || mac === null) throw new Error("not an age file");
  return mac.index + mac[0].length;
}

function checkForm(header: Uint8Array): void {
  if (header.length > MOST_BYTES || headerLength(header) !== header.length) throw new Error("not an age header");
}

// typage makes X25519 recipients but does not export their class; an encrypter holds the one it made.
function recipientOf(text: string): Recipient {
  const encrypter = new Encrypter();
  encrypter.addRecipient(text);
  const [made] = Reflect.get(encrypter, "recipients") as Recipient[];
  if (!/^age1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}$/u.test(text) || made === undefined) throw new Error("not an X25519 recipient");
  return made;
}

function linesOf(stanza: Stanza): string[] {
  const body = base64nopad.encode(stanza.body);
  const lines = [`-> ${stanza.args.join(" ")}`];
  for (let at = 0; at <= body.length; at += 64) lines.push(body.slice(at, at + 64));
  return lines;
}

