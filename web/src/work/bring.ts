// A report that was sealed on another device for this identity: opened to see that it is one, kept as it is, and its
// header made anew so that the recovery key can open it, too.

import { digestOf, encode } from "../protocol/bytes";
import { headerLength, unwrap, wrap } from "../protocol/header";
import type { Manifest } from "../report/manifest";
import { Defect, open } from "./open";
import { newSealed, removeOpened } from "./place";
import type { Sealed } from "./seal";

export interface ToBring {
  /** A whole age file. */
  readonly file: Blob;
  readonly ageIdentity: string;
  /** The owner's recipient, then the recovery key's. */
  readonly recipients: readonly [string, string];
}

export interface Brought {
  readonly sealed: Sealed;
  readonly manifest: Manifest;
}

const MOST_HEADER_BYTES = 64 * 1024;
const PART_BYTES = 4 * 1024 * 1024;

/** Where the payload of an age file begins. */
export async function split(file: Blob): Promise<{ header: Uint8Array; payload: Blob }> {
  const start = new Uint8Array(await file.slice(0, MOST_HEADER_BYTES).arrayBuffer());
  try {
    const length = headerLength(start);
    return { header: start.slice(0, length), payload: file.slice(length) };
  } catch {
    throw new Defect("defect-archive", "not an age file");
  }
}

export async function bring(wish: ToBring): Promise<Brought> {
  const { header, payload } = await split(wish.file);
  const opened = await open({ payload, header, ageIdentity: wish.ageIdentity }, () => undefined);
  await removeOpened();
  const ownerHeader = await wrap(await unwrap(header, wish.ageIdentity), wish.recipients);
  const { manifest, payload_sha256, key_commitment } = opened;
  const sealed = {
    payload_sha256,
    payload_bytes: payload.size,
    key_commitment,
    ownerHeader: encode(ownerHeader),
    owner_header: digestOf(ownerHeader),
    place: await kept(payload),
    items: manifest.items,
  };
  return { sealed, manifest };
}

async function kept(payload: Blob): Promise<string> {
  const { place, handle } = await newSealed();
  for (let at = 0; at < payload.size; at += PART_BYTES) {
    handle.write(new Uint8Array(await payload.slice(at, at + PART_BYTES).arrayBuffer()), { at });
  }
  handle.flush();
  handle.close();
  return place.name;
}
