// SHA-256 of what may not fit into memory. The browser's own digest takes only what is whole; beyond that a library goes
// through it piece by piece.

import { SHA256 } from "@stablelib/sha256";
import { bytesToHex } from "../protocol/bytes";

/** Up to here a file is read whole, for the browser's own digest. */
export const WHOLE_BYTES = 32 * 1024 * 1024;

const PART_BYTES = 4 * 1024 * 1024;

export async function sha256Of(file: Blob, progress: (bytes: number) => void = () => undefined): Promise<string> {
  if (file.size <= WHOLE_BYTES) {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    progress(file.size);
    return bytesToHex(new Uint8Array(digest));
  }
  const hash = new SHA256();
  for await (const part of partsOf(file)) {
    hash.update(part);
    progress(part.length);
  }
  return bytesToHex(hash.digest());
}

/** A file's bytes, some mebibytes at a time. The next are read while these are worked on. */
export async function* partsOf(file: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const read = (at: number) => file.slice(at, Math.min(at + PART_BYTES, file.size)).arrayBuffer();
  let next = file.size > 0 ? read(0) : undefined;
  for (let at = PART_BYTES; next; at += PART_BYTES) {
    const part = await next;
    next = at < file.size ? read(at) : undefined;
    // Whoever stops early leaves nothing behind that fails unheard.
    next?.catch(() => undefined);
    yield new Uint8Array(part);
  }
}

export const incremental = (): SHA256 => new SHA256();
