// SHA-256 of what may not fit into memory. The browser's own digest takes only what is whole; beyond that a library goes
// through it piece by piece.

import { SHA256 } from "@stablelib/sha256";
import { bytesToHex } from "../protocol/bytes";

/** Up to here a file is read whole, for the browser's own digest. */
export const WHOLE_BYTES = 32 * 1024 * 1024;

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

/** A file's bytes, a mebibyte at a time. */
export async function* partsOf(file: Blob, from = 0): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const step = 1024 * 1024;
  for (let at = from; at < file.size; at += step) {
    yield new Uint8Array(await file.slice(at, Math.min(at + step, file.size)).arrayBuffer());
  }
}

export const incremental = (): SHA256 => new SHA256();
