// A payload's chunks: age's STREAM over 64 KiB chunks, by the browser's own ChaCha20-Poly1305 where it has one that
// agrees with it, else by noble's. Source: age-encryption.org/v1, "Payload".

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { type Bytes, bytesToHex, hexToBytes } from "./bytes";

export const CHUNK_BYTES = 64 * 1024;
export const TAG_BYTES = 16;
export const NONCE_BYTES = 16;

/** One key's authenticated encryption. Nonces are the caller's and never repeat under a key. */
export interface Aead {
  seal(nonce: Bytes, plain: Bytes): Promise<Uint8Array> | Uint8Array;
  /** Throws when the tag does not verify. */
  open(nonce: Bytes, sealed: Bytes): Promise<Uint8Array> | Uint8Array;
}

/** Length of a payload around so many bytes. */
export function payloadBytes(plain: number): number {
  return NONCE_BYTES + plain + Math.max(1, Math.ceil(plain / CHUNK_BYTES)) * TAG_BYTES;
}

/** Nonce of the chunk at a place: an 11-byte counter and whether it is the last. */
export function chunkNonce(place: number, last: boolean): Bytes {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(3, Math.floor(place / 2 ** 32));
  view.setUint32(7, place >>> 0);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** The fastest implementation here that is right. */
export async function aeadFor(key: Bytes): Promise<Aead> {
  return (await isBrowsersRight()) ? browsers(key) : nobles(key);
}

export function nobles(key: Uint8Array): Aead {
  return {
    seal: (nonce, plain) => chacha20poly1305(key, nonce).encrypt(plain),
    open: (nonce, sealed) => chacha20poly1305(key, nonce).decrypt(sealed),
  };
}

const NAME = "ChaCha20-Poly1305";

export async function browsers(key: Bytes): Promise<Aead> {
  const imported = await crypto.subtle.importKey("raw-secret" as "raw", key, NAME, false, ["encrypt", "decrypt"]);
  return {
    seal: async (iv, plain) => new Uint8Array(await crypto.subtle.encrypt({ name: NAME, iv }, imported, plain)),
    open: async (iv, sealed) => new Uint8Array(await crypto.subtle.decrypt({ name: NAME, iv }, imported, sealed)),
  };
}

let known: Promise<boolean> | undefined;

/** Asked once: does the browser know ChaCha20-Poly1305, and is its answer the one noble gives? */
export function isBrowsersRight(): Promise<boolean> {
  known ??= answers().catch(() => false);
  return known;
}

async function answers(): Promise<boolean> {
  const key = hexToBytes("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f") as Bytes;
  const nonce = hexToBytes("070000004041424344454647") as Bytes;
  const aead = await browsers(key);
  const sealed = await aead.seal(nonce, new TextEncoder().encode("Ladies and Gentlemen"));
  const expected = nobles(key).seal(nonce, new TextEncoder().encode("Ladies and Gentlemen"));
  const opened = await aead.open(nonce, sealed as Bytes);
  return bytesToHex(sealed) === bytesToHex(await expected) && new TextDecoder().decode(opened) === "Ladies and Gentlemen";
}
