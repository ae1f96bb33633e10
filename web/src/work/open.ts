// Opening: a released payload becomes the files in it, in the browser's private file system, in constant memory. The file
// key is checked against the signed report statement before a byte is unpacked; an archive that is not exactly a report
// is refused, and nothing of it is left. Source: docs/protocol.md, "Sealed reports" and "Key commitment".

import { type Bytes, bytesToHex, concatBytes, equal, utf8ToBytes } from "../protocol/bytes";
import { keyCommitment, payloadKey, unwrap } from "../protocol/header";
import { aeadFor, CHUNK_BYTES, chunkNonce, NONCE_BYTES, TAG_BYTES } from "../protocol/stream";
import { incremental, sha256Of } from "../report/hash";
import { type Manifest, toIndex, validate } from "../report/manifest";
import { BLOCK, END_BYTES, fill, INDEX, MANIFEST, type Member, PADDING, parse, parsePax } from "../report/tar";
import { newOpened, removeOpened } from "./place";

export interface ToOpen {
  /** The payload: nonce and chunks, without a header. */
  readonly payload: Blob;
  readonly header: Uint8Array;
  readonly ageIdentity: string;
  /** What the report statement says; none where there is none to hold it against. */
  readonly stated?: { readonly payload_sha256: string; readonly payload_bytes: number; readonly key_commitment: string };
}

export interface Opened {
  readonly manifest: Manifest;
  readonly files: readonly File[];
  readonly payload_sha256: string;
  readonly key_commitment: string;
}

/** What arrived is not what the advocate signed; `what` is an id of words. */
export class Defect extends Error {
  readonly what: "defect-length" | "defect-digest" | "defect-key" | "defect-commitment" | "defect-archive";
  constructor(what: Defect["what"], why = "") {
    super(why);
    this.what = what;
  }
}

/** Chunks read and opened together. */
const CHUNKS_AT_ONCE = 32;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
const MOST_TEXT_BYTES = 16 * 1024 * 1024;

export async function open(wish: ToOpen, progress: (bytes: number) => void): Promise<Opened> {
  const { payload, stated } = wish;
  if (stated && payload.size !== stated.payload_bytes) throw new Defect("defect-length");
  const nonce = new Uint8Array(await payload.slice(0, NONCE_BYTES).arrayBuffer());
  const fileKey = await unwrap(wish.header, wish.ageIdentity).catch(() => {
    throw new Defect("defect-key");
  });
  const key_commitment = keyCommitment(fileKey, nonce);
  if (stated && key_commitment !== stated.key_commitment) throw new Defect("defect-commitment");
  const payload_sha256 = await sha256Of(payload);
  if (stated && payload_sha256 !== stated.payload_sha256) throw new Defect("defect-digest");
  const plain = new Plain(payload, payloadKey(fileKey, nonce) as Bytes, progress);
  try {
    const { manifest, files } = await unpack(plain);
    return { manifest, files, payload_sha256, key_commitment };
  } catch (error) {
    await removeOpened();
    if (error instanceof Defect) throw error;
    throw new Defect("defect-archive", error instanceof Error ? error.message : String(error));
  }
}

async function unpack(plain: Plain): Promise<{ manifest: Manifest; files: File[] }> {
  const json = await textMember(plain, MANIFEST);
  const manifest: Manifest = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  validate(manifest);
  const index = await textMember(plain, INDEX);
  if (!equal(index, utf8ToBytes(toIndex(manifest.items)))) throw new Error("index.csv contradicts the manifest");
  const files: File[] = [];
  for (const item of manifest.items) {
    const member = await next(plain);
    if (member?.name !== item.member || member.bytes !== item.bytes) throw new Error("another file than the manifest announces");
    files.push(await fileMember(plain, member, item.sha256));
  }
  await ending(plain);
  return { manifest, files };
}

async function next(plain: Plain): Promise<Member | undefined> {
  const first = parse(await plain.take(BLOCK));
  if (first === "end") return undefined;
  if ("file" in first) return first.file;
  const bytes = parsePax((await plain.take(BLOCK)).subarray(0, first.pax));
  const second = parse(await plain.take(BLOCK));
  if (second === "end" || !("file" in second)) throw new Error("an extended header without its file");
  return { ...second.file, bytes };
}

async function textMember(plain: Plain, name: string): Promise<Uint8Array> {
  const member = await next(plain);
  if (member?.name !== name || member.bytes > MOST_TEXT_BYTES) throw new Error(`the archive does not continue with ${name}`);
  const content = await plain.take(member.bytes);
  await zeros(plain, fill(member.bytes));
  return content;
}

async function fileMember(plain: Plain, member: Member, sha256: string): Promise<File> {
  const place = await newOpened();
  const handle = await place.createSyncAccessHandle();
  const hash = incremental();
  try {
    for (let left = member.bytes; left > 0; ) {
      const part = await plain.some(left);
      hash.update(part);
      handle.write(part as Bytes, { at: member.bytes - left });
      left -= part.length;
    }
    handle.flush();
  } finally {
    handle.close();
  }
  await zeros(plain, fill(member.bytes));
  if (bytesToHex(hash.digest()) !== sha256) throw new Error("a file that is not the one the manifest describes");
  return place.getFile();
}

async function ending(plain: Plain): Promise<void> {
  const padding = await next(plain);
  if (padding?.name !== PADDING) throw new Error("a file the manifest does not announce");
  await zeros(plain, padding.bytes + fill(padding.bytes) + END_BYTES);
  if (!(await plain.isOver())) throw new Error("something follows the end");
}

async function zeros(plain: Plain, count: number): Promise<void> {
  for (let left = count; left > 0; ) {
    const part = await plain.some(left);
    if (part.some((byte) => byte !== 0)) throw new Error("padding that is not zeros");
    left -= part.length;
  }
}

/** The plaintext of a payload, from its first byte to its last. */
class Plain {
  readonly #payload: Blob;
  readonly #key: Bytes;
  readonly #progress: (bytes: number) => void;
  #place = 0;
  #left = new Uint8Array();

  constructor(payload: Blob, key: Bytes, progress: (bytes: number) => void) {
    this.#payload = payload;
    this.#key = key;
    this.#progress = progress;
  }

  /** At least one byte and at most so many. */
  async some(most: number): Promise<Uint8Array> {
    if (this.#left.length === 0) await this.#open();
    const part = this.#left.subarray(0, most);
    this.#left = this.#left.subarray(part.length);
    return part;
  }

  /** Exactly so many. */
  async take(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let left = count; left > 0; ) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return concatBytes(...parts);
  }

  async isOver(): Promise<boolean> {
    return this.#left.length === 0 && this.#at() >= this.#payload.size;
  }

  #at = (): number => NONCE_BYTES + this.#place * SEALED_CHUNK_BYTES;

  /** Opens the next chunks, each checked before any of them is handed on. */
  async #open(): Promise<void> {
    const from = this.#at();
    const until = Math.min(from + CHUNKS_AT_ONCE * SEALED_CHUNK_BYTES, this.#payload.size);
    if (from >= until) throw new Error("the archive is cut off");
    const sealed = new Uint8Array(await this.#payload.slice(from, until).arrayBuffer());
    const aead = await (this.#aead ??= aeadFor(this.#key));
    const opening: Promise<Uint8Array>[] = [];
    for (let at = 0; at < sealed.length; at += SEALED_CHUNK_BYTES) {
      const chunk = sealed.subarray(at, at + SEALED_CHUNK_BYTES);
      const last = from + at + chunk.length === this.#payload.size;
      opening.push(Promise.resolve(aead.open(chunkNonce(this.#place + opening.length, last), chunk)));
    }
    this.#left = concatBytes(...(await Promise.all(opening))) as Bytes;
    this.#progress(this.#left.length);
    this.#place += opening.length;
    if (this.#left.length === 0) throw new Error("an empty chunk");
  }

  #aead: ReturnType<typeof aeadFor> | undefined;
}
