// Sealing: files become one age file that only its owner and the recovery key can open. Every source is read once. The
// manifest stands first in the archive and names each file's hash, so the chunks it lies in are sealed last: chunks of
// STREAM are independent. No chunk is ever sealed twice under a file key; after any trouble the file is thrown away and
// the next attempt begins with another key.

import { type Bytes, bytesToHex, concatBytes, digestOf, encode, randomBytes, utf8ToBytes } from "../protocol/bytes";
import { keyCommitment, payloadKey, wrap } from "../protocol/header";
import { type Aead, aeadFor, CHUNK_BYTES, chunkNonce, NONCE_BYTES, TAG_BYTES } from "../protocol/stream";
import type { ConsentRegister } from "../report/consent";
import { incremental, partsOf, sha256Of, WHOLE_BYTES } from "../report/hash";
import { type Item, type Manifest, momentOf, type Relation, toIndex, toJson } from "../report/manifest";
import { member } from "../report/name";
import { bucket } from "../report/padme";
import { END_BYTES, fill, heading, INDEX, MANIFEST, PADDING, unpaddedBytes } from "../report/tar";
import { newSealed, removeSealed, type Written } from "./place";

export interface Source {
  readonly file: File;
  readonly path: string;
  readonly role: string;
  readonly lang?: string;
  readonly original_or_copy?: string;
  readonly persons: Item["persons"];
}

export interface ToSeal {
  readonly sources: readonly Source[];
  readonly kind: Manifest["kind"];
  readonly title?: string;
  readonly summary?: Readonly<Record<string, string>>;
  readonly languages?: readonly string[];
  readonly relations?: readonly Relation[];
  readonly consent?: ConsentRegister;
  /** The owner's recipient, then the recovery key's; others where no owner is known. */
  readonly recipients: readonly string[];
}

export interface Sealed {
  readonly payload_sha256: string;
  readonly payload_bytes: number;
  readonly key_commitment: string;
  /** base64url. */
  readonly ownerHeader: string;
  readonly owner_header: string;
  /** Name of the sealed payload on this device. */
  readonly place: string;
  readonly items: readonly Item[];
}

/** A file is not what it was when it was chosen. Nothing was sealed. */
export class Changed extends Error {}

const MOST_ARCHIVE_BYTES = 60 * 2 ** 30;
/** How many chunks are with the browser's cipher at a time. */
const IN_FLIGHT = 4;
/** Chunks written at a time: each call into the file system costs as much as some hundred kilobytes. */
const BATCH_CHUNKS = 32;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
const NO_HASH = "0".repeat(64);

export async function seal(wish: ToSeal, progress: (bytes: number) => void): Promise<Sealed> {
  const fileKey = randomBytes(16);
  const nonce = randomBytes(NONCE_BYTES) as Bytes;
  const aead = await aeadFor(payloadKey(fileKey, nonce) as Bytes);
  const { place, handle } = await newSealed();
  try {
    const items = await fillArchive(wish, new Chunks(aead, handle, nonce), progress);
    handle.flush();
    const ownerHeader = await wrap(fileKey, wish.recipients);
    const bytes = handle.getSize();
    handle.close();
    const sealed = {
      payload_sha256: await digestOfPlace(place),
      payload_bytes: bytes,
      key_commitment: keyCommitment(fileKey, nonce),
      ownerHeader: encode(ownerHeader),
      owner_header: digestOf(ownerHeader),
      place: place.name,
      items,
    };
    fileKey.fill(0);
    return sealed;
  } catch (error) {
    handle.close();
    await removeSealed(place.name);
    throw error;
  }
}

async function digestOfPlace(place: FileSystemFileHandle): Promise<string> {
  return sha256Of(await place.getFile());
}

/** Writes the archive and answers the items with their hashes. */
async function fillArchive(wish: ToSeal, chunks: Chunks, progress: (bytes: number) => void): Promise<Item[]> {
  const described = (hashes: readonly string[]) => {
    const items = wish.sources.map((source, place) => itemOf(source, place, hashes[place] ?? NO_HASH));
    const manifest = utf8ToBytes(toJson(manifestOf(wish, items)));
    const index = utf8ToBytes(toIndex(items));
    return { items, front: concatBytes(...textMember(MANIFEST, manifest), ...textMember(INDEX, index)), lengths: [manifest.length, index.length] };
  };
  // A hash has always the same length, so the front is as long now as it will be.
  const empty = described([]);
  const total = bucket(unpaddedBytes([...empty.lengths, ...wish.sources.map(({ file }) => file.size)]));
  if (total > MOST_ARCHIVE_BYTES) throw new Error("larger than a report may be");
  chunks.begin(total, empty.front.length);
  const hashes: string[] = [];
  for (const [place, source] of wish.sources.entries()) {
    const { member: name } = empty.items[place] ?? itemOf(source, place, NO_HASH);
    await chunks.put(heading({ name, bytes: source.file.size, mtime: secondsOf(source.file) }));
    hashes.push(await putFile(source.file, chunks, progress));
    await chunks.zeros(fill(source.file.size));
  }
  const padding = total - chunks.written - 512 - END_BYTES;
  await chunks.put(heading({ name: PADDING, bytes: padding, mtime: 0 }));
  await chunks.zeros(padding + END_BYTES);
  const { items, front } = described(hashes);
  await chunks.finish(front);
  return items;
}

/** Passes a file on and answers its hash. A file that changed since it was chosen is refused. */
async function putFile(file: File, chunks: Chunks, progress: (bytes: number) => void): Promise<string> {
  try {
    if (file.size <= WHOLE_BYTES) {
      const whole = new Uint8Array(await file.arrayBuffer());
      if (whole.length !== file.size) throw new Changed(file.name);
      const digest = crypto.subtle.digest("SHA-256", whole);
      await chunks.put(whole);
      progress(whole.length);
      return bytesToHex(new Uint8Array(await digest));
    }
    const hash = incremental();
    let read = 0;
    for await (const part of partsOf(file)) {
      hash.update(part);
      await chunks.put(part);
      read += part.length;
      progress(part.length);
    }
    if (read !== file.size) throw new Changed(file.name);
    return bytesToHex(hash.digest());
  } catch (error) {
    // Browsers answer so when a file was written, moved or removed after it was chosen.
    if (error instanceof DOMException && ["NotReadableError", "NotFoundError"].includes(error.name)) throw new Changed(file.name);
    throw error;
  }
}

function itemOf(source: Source, place: number, sha256: string): Item {
  const { file, path, role, lang, original_or_copy, persons } = source;
  return {
    path,
    member: member(place, path),
    bytes: file.size,
    sha256,
    mtime: momentOf(secondsOf(file) * 1000),
    role,
    ...(lang ? { lang } : {}),
    ...(original_or_copy ? { original_or_copy } : {}),
    persons,
  };
}

function manifestOf(wish: ToSeal, items: readonly Item[]): Manifest {
  return {
    v: 1,
    kind: wish.kind,
    ...(wish.title ? { title: wish.title } : {}),
    ...(wish.relations?.length ? { relations: wish.relations } : {}),
    ...(wish.summary && Object.keys(wish.summary).length > 0 ? { summary: wish.summary } : {}),
    ...(wish.languages?.length ? { languages: wish.languages } : {}),
    ...(wish.consent ? { consent_register: wish.consent } : {}),
    items,
  };
}

/** As a ustar header can say it: not before 1970. */
const secondsOf = (file: File): number => Math.max(0, Math.floor(file.lastModified / 1000));

function textMember(name: string, content: Uint8Array): Uint8Array[] {
  return [heading({ name, bytes: content.length, mtime: 0 }), content, new Uint8Array(fill(content.length))];
}

/** Plaintext in, sealed chunks at their places in the file out. What lies before `front` is kept open until `finish`. */
class Chunks {
  readonly #aead: Aead;
  readonly #file: Written;
  #total = 0;
  #frontBytes = 0;
  /** The chunk being filled, the number of it, and how much of it is there. */
  #chunk = new Uint8Array(CHUNK_BYTES);
  #place = 0;
  #used = 0;
  /** The chunk in which the front ends and the first file begins. */
  #shared: Bytes | undefined;
  #sharedBytes = 0;
  /** Being sealed, in their order. */
  readonly #running: Promise<{ place: number; sealed: Uint8Array }>[] = [];
  /** Sealed and not written yet: neighbours, from this place on. */
  readonly #batch = new Uint8Array(BATCH_CHUNKS * SEALED_CHUNK_BYTES);
  #batchPlace = 0;
  #batchBytes = 0;

  constructor(aead: Aead, file: Written, nonce: Bytes) {
    this.#aead = aead;
    this.#file = file;
    file.write(nonce, { at: 0 });
  }

  get written(): number {
    return this.#place * CHUNK_BYTES + this.#used;
  }

  begin(total: number, front: number): void {
    [this.#total, this.#frontBytes] = [total, front];
    this.#place = Math.floor(front / CHUNK_BYTES);
    this.#used = front % CHUNK_BYTES;
  }

  async put(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const step = Math.min(bytes.length - at, CHUNK_BYTES - this.#used);
      this.#chunk.set(bytes.subarray(at, at + step), this.#used);
      this.#used += step;
      at += step;
      if (this.#used === CHUNK_BYTES) await this.#close();
    }
  }

  async zeros(count: number): Promise<void> {
    const some = new Uint8Array(Math.min(count, CHUNK_BYTES));
    for (let left = count; left > 0; left -= some.length) await this.put(some.subarray(0, Math.min(left, some.length)));
  }

  async finish(front: Uint8Array): Promise<void> {
    if (front.length !== this.#frontBytes || this.written !== this.#total) throw new Error("the archive has another length than planned");
    if (this.#used > 0) await this.#close();
    for (let place = 0; place * CHUNK_BYTES < front.length; place += 1) {
      const part = front.slice(place * CHUNK_BYTES, (place + 1) * CHUNK_BYTES);
      if (part.length === CHUNK_BYTES) await this.#seal(place, part);
      else if (this.#shared) {
        const chunk = this.#shared.slice(0, this.#sharedBytes);
        chunk.set(part);
        await this.#seal(place, chunk);
      }
    }
    while (this.#running.length > 0) await this.#collect();
    this.#write();
  }

  async #close(): Promise<void> {
    const chunk = this.#chunk.slice(0, this.#used);
    const place = this.#place;
    // The front reaches into this chunk: it waits for it.
    if (place === Math.floor(this.#frontBytes / CHUNK_BYTES) && this.#frontBytes % CHUNK_BYTES > 0) {
      [this.#shared, this.#sharedBytes] = [chunk, this.#used];
    } else {
      await this.#seal(place, chunk);
    }
    if (this.#used === CHUNK_BYTES) [this.#place, this.#used] = [place + 1, 0];
  }

  async #seal(place: number, plain: Bytes): Promise<void> {
    const last = (place + 1) * CHUNK_BYTES >= this.#total;
    const seal = async () => ({ place, sealed: await this.#aead.seal(chunkNonce(place, last), plain) });
    this.#running.push(seal());
    if (this.#running.length >= IN_FLIGHT) await this.#collect();
  }

  /** Takes the oldest of those being sealed into the batch. */
  async #collect(): Promise<void> {
    const next = await this.#running.shift();
    if (!next) return;
    const { place, sealed } = next;
    const follows = place * SEALED_CHUNK_BYTES === this.#batchPlace * SEALED_CHUNK_BYTES + this.#batchBytes;
    if (!follows || this.#batchBytes + sealed.length > this.#batch.length) {
      this.#write();
      this.#batchPlace = place;
    }
    this.#batch.set(sealed, this.#batchBytes);
    this.#batchBytes += sealed.length;
  }

  #write(): void {
    if (this.#batchBytes === 0) return;
    const written = this.#file.write(this.#batch.subarray(0, this.#batchBytes), { at: NONCE_BYTES + this.#batchPlace * SEALED_CHUNK_BYTES });
    if (written !== this.#batchBytes) throw new Error("the device did not keep all of it");
    this.#batchBytes = 0;
  }
}
