// Signed notes and checkpoints. Source: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature.

import { ed25519 } from "@noble/curves/ed25519.js";
import { base64, bytesToHex, concatBytes, equal, sha256, utf8ToBytes } from "./bytes";

export interface Note {
  readonly text: string;
  readonly signatures: readonly Signature[];
}

interface Signature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface NamedKey {
  readonly name: string;
  readonly key: Uint8Array;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

const ED25519 = 1;
const COSIGNATURE = 4;

/** Reads a note's form. Nobody's signature has been checked. */
export function parseNote(note: string): Note {
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n") || note.length > 1 << 20) throw new Error("not a signed note");
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > 100) throw new Error("more signatures than a note may have");
  return { text: note.slice(0, end + 1), signatures: lines.map(signatureOf) };
}

function signatureOf(line: string): Signature {
  const [dash, name, encoded, ...rest] = line.split(" ");
  if (dash !== "—" || !name || encoded === undefined || rest.length > 0) throw new Error("not a signature line");
  const bytes = base64.decode(encoded);
  if (bytes.length < 5) throw new Error("not a signature line");
  return { name, keyId: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
}

/** Whether this key, under this name, signed the note. */
export function isSignedBy(note: Note, { name, key }: NamedKey): boolean {
  const id = keyId(name, ED25519, key);
  return note.signatures.some(
    (line) => line.name === name && equal(line.keyId, id) && verified(line.bytes, utf8ToBytes(note.text), key),
  );
}

/** When this witness cosigned the checkpoint in the note, in seconds; of several lines the newest. */
export function cosignedAt(note: Note, { name, key }: NamedKey): number | undefined {
  const id = keyId(name, COSIGNATURE, key);
  let newest: number | undefined;
  for (const line of note.signatures) {
    if (line.name !== name || !equal(line.keyId, id) || line.bytes.length !== 72) continue;
    const view = new DataView(line.bytes.buffer, line.bytes.byteOffset);
    const time = Number(view.getBigUint64(0));
    const message = utf8ToBytes(`cosignature/v1\ntime ${time}\n${note.text}`);
    if (verified(line.bytes.subarray(8), message, key) && !(newest !== undefined && newest > time)) newest = time;
  }
  return newest;
}

/** The checkpoint a note holds, if the log's own key signed it. */
export function openCheckpoint(note: string, log: NamedKey): Checkpoint {
  const parsed = parseNote(note);
  const checkpoint = parseCheckpoint(parsed.text);
  if (checkpoint.origin !== log.name || !isSignedBy(parsed, log)) throw new Error("the log did not sign this checkpoint");
  return checkpoint;
}

/** What a checkpoint says, before anybody's signature was looked at. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, end, ...rest] = text.split("\n");
  if (!origin || size === undefined || root === undefined || end !== "" || rest.length > 0) throw new Error("not a checkpoint");
  if (!/^(0|[1-9]\d{0,15})$/u.test(size)) throw new Error("not a checkpoint's size");
  const hash = base64.decode(root);
  if (hash.length !== 32) throw new Error("not a checkpoint's root");
  return { origin, size: Number(size), root: hash };
}

export const hexRoot = (checkpoint: Checkpoint): string => bytesToHex(checkpoint.root);

const keyId = (name: string, algorithm: number, key: Uint8Array): Uint8Array =>
  sha256(concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(algorithm), key)).subarray(0, 4);

function verified(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  return signature.length === 64 && ed25519.verify(signature, message, key, { zip215: false });
}
