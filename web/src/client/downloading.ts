// Fetching a payload to the device's disk, in constant memory, going on after cuts from what is there.

import { passes, type Remote } from "./remote";

export interface From {
  readonly path: string;
  /** Where the payload begins in what is answered. */
  readonly payloadAt: number;
  readonly payloadBytes: number;
}

/** What came is not the part that was asked for. */
export class OtherPart extends Error {}

const MOST_FAILURES = 8;

export async function download(
  remote: Remote,
  { path, payloadAt, payloadBytes }: From,
  place: FileSystemFileHandle,
  progress: (bytes: number, of: number) => void,
  signal: AbortSignal,
): Promise<File> {
  for (let failures = 0; ; ) {
    const there = (await place.getFile()).size;
    progress(there, payloadBytes);
    if (there >= payloadBytes) return place.getFile();
    try {
      const answer = await remote.send({ path, headers: { range: `bytes=${payloadAt + there}-` }, signal });
      if (answer.status !== 206 || !answer.body) throw new OtherPart("not the part that was asked for");
      await append(place, { at: there, most: payloadBytes - there }, answer.body, (bytes) => progress(there + bytes, payloadBytes));
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      // A stream that is cut ends in a TypeError.
      if (!(error instanceof TypeError || passes(error)) || failures === MOST_FAILURES) throw error;
      failures += 1;
      await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** failures));
    }
  }
}

/** Keeps what arrives, also of a stream that is cut; of one that goes on for ever no more than was announced. */
async function append(place: FileSystemFileHandle, { at, most }: { at: number; most: number }, body: ReadableStream<Uint8Array>, progress: (bytes: number) => void): Promise<void> {
  const writable = await place.createWritable({ keepExistingData: true });
  await writable.seek(at);
  const reader = body.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, most - bytes) as Uint8Array<ArrayBuffer>;
      await writable.write(part);
      bytes += part.length;
      progress(bytes);
      if (bytes < most) continue;
      await reader.cancel();
      break;
    }
  } finally {
    await writable.close();
  }
}
