// A seed's keys, and the words people compare and write down. Source: docs/protocol.md, "Identity".
// The seed gives two keys; neither is ever converted into the other.

import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { bech32 } from "@scure/base";
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { identityToRecipient } from "age-encryption";
import { bytesToHex, concatBytes, encode, hexToBytes, randomBytes, sha256, u32be, utf8ToBytes } from "./bytes";

/** A party's keys: what signs, and what opens. Secret. */
export interface Keys {
  readonly seed: Uint8Array;
  /** Ed25519 secret key. */
  readonly signing: Uint8Array;
  /** Ed25519 public key, base64url. */
  readonly publicKey: string;
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** `AGE-SECRET-KEY-1…` */
  readonly ageIdentity: string;
  /** `age1…` */
  readonly recipient: string;
}

const SALT = "amana/seed/v1";

export async function keysOf(seed: Uint8Array): Promise<Keys> {
  if (seed.length !== 32) throw new Error("a seed has 32 bytes");
  const derive = (info: string) => hkdf(sha256, seed, utf8ToBytes(SALT), utf8ToBytes(info), 32);
  const signing = derive("ed25519-sign/v1");
  const ageIdentity = bech32.encodeFromBytes("AGE-SECRET-KEY-", derive("age-x25519/v1")).toUpperCase();
  const publicKey = encode(ed25519.getPublicKey(signing));
  return {
    seed,
    signing,
    publicKey,
    kid: thumbprint(publicKey),
    ageIdentity,
    recipient: await identityToRecipient(ageIdentity),
  };
}

export const newSeed = (): Uint8Array => randomBytes(32);

/** RFC 7638 thumbprint of an Ed25519 key in base64url. */
export function thumbprint(publicKey: string): string {
  return encode(sha256(utf8ToBytes(`{"crv":"Ed25519","kty":"OKP","x":"${publicKey}"}`)));
}

/** Eight words: the first 88 bits of the fingerprint, no checksum. */
export function fingerprint(publicKey: Uint8Array, recipient: string): string {
  const label = utf8ToBytes("amana/fingerprint/v1\0");
  const age = utf8ToBytes(recipient);
  return wordsOf(sha256(concatBytes(label, u32be(32), publicKey, u32be(age.length), age)).subarray(0, 11));
}

/** Whether two spellings of words say the same: case, spaces and hyphens are forgiven. */
export function sameWords(typed: string, words: string): boolean {
  return wordsTyped(typed).join(" ") === wordsTyped(words).join(" ");
}

export function wordsTyped(typed: string): string[] {
  return typed
    .toLowerCase()
    .split(/[\s,\u2010-\u2015-]+/u)
    .filter((word) => word !== "");
}

/** Six words joined by hyphens: 66 bits. */
export function newPassphrase(): string {
  const chance = randomBytes(12);
  const drawn: string[] = [];
  for (let place = 0; place < 12; place += 2) {
    drawn.push(wordAt(((chance[place] ?? 0) << 8) | (chance[place + 1] ?? 0)));
  }
  return drawn.join("-");
}

/** A seed as 24 words with their checksum. */
export const recoveryWords = (seed: Uint8Array): string => entropyToMnemonic(seed, wordlist);

/** The seed of 24 words; throws when they are not 24 words of the list with the right checksum. */
export function seedOfWords(typed: string): Uint8Array {
  const words = wordsTyped(typed);
  if (words.length !== 24) throw new Error("not 24 words");
  return mnemonicToEntropy(words.join(" "), wordlist);
}

/** The plaintext of an identity file. */
export function identityFile(keys: Keys, label: string): string {
  return (
    `# amana identity v1\n# label: ${label}\n# seed: ${bytesToHex(keys.seed)}\n` +
    `# public key: ${keys.recipient}\n${keys.ageIdentity}\n`
  );
}

/** Reads the plaintext of an identity file; throws on any other form, or where its lines contradict its seed. */
export async function readIdentityFile(plain: string): Promise<{ keys: Keys; label: string }> {
  const form = /^# amana identity v1\n# label: ([^\n]*)\n# seed: ([0-9a-f]{64})\n# public key: age1[^\n]+\n[^\n]+\n?$/u;
  const [, label, seed] = form.exec(plain) ?? [];
  if (label === undefined || seed === undefined) throw new Error("not an Amana identity file");
  const keys = await keysOf(hexToBytes(seed));
  if (identityFile(keys, label).trimEnd() !== plain.trimEnd()) throw new Error("the file contradicts its seed");
  return { keys, label };
}

function wordsOf(bytes: Uint8Array): string {
  const whole = Math.floor((bytes.length * 8) / 11);
  const words: string[] = [];
  for (let word = 0; word < whole; word += 1) {
    let index = 0;
    for (let bit = word * 11; bit < word * 11 + 11; bit += 1) {
      index = (index << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    words.push(wordAt(index));
  }
  return words.join(" ");
}

// Eleven bits number exactly the 2048 words of the list.
const wordAt = (index: number): string => wordlist[index & 2047] ?? "";
