// The worker: whatever takes long, away from the page. Progress is told in bytes.

import * as vault from "./locks";
import { bytesToHex, concatBytes, encode, hexToBytes, randomBytes, sha256, utf8ToBytes } from "../protocol/bytes";
import { bring } from "./bring";
import { Changed, seal } from "./seal";
import { Defect, open } from "./open";

const LABEL = "amana/registration-work/v1\0";

/** A nonce whose hash begins with so many zero bits. Source: docs/protocol.md, "Proof of work". */
function prove({ genesis, statement, bits }: { genesis: string; statement: string; bits: number }): string {
  const start = concatBytes(utf8ToBytes(LABEL), hexToBytes(genesis), hexToBytes(statement));
  const nonce = randomBytes(16);
  for (let counter = 0; ; counter += 1) {
    new DataView(nonce.buffer, nonce.byteOffset).setUint32(0, counter);
    const hash = bytesToHex(sha256(concatBytes(start, nonce)).subarray(0, 4));
    if (Math.clz32(Number.parseInt(hash, 16)) >= bits) return encode(nonce);
  }
}

const verbs = { seal, open, bring, prove, lock: vault.lock, unlock: vault.unlock };
export type Verbs = typeof verbs;

export interface Told {
  readonly id: number;
  readonly progress?: number;
  readonly answer?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly what?: string };
}

onmessage = async ({ data }: MessageEvent<{ id: number; verb: keyof Verbs; wish: never }>) => {
  const tell = (told: Omit<Told, "id">) => postMessage({ id: data.id, ...told } satisfies Told);
  try {
    const answer = await verbs[data.verb](data.wish, (progress: number) => tell({ progress }));
    tell({ answer });
  } catch (error) {
    const name = error instanceof Changed ? "changed" : error instanceof Defect ? "defect" : error instanceof vault.WrongPassphrase ? "passphrase" : "other";
    const what = error instanceof Defect ? { what: error.what } : {};
    tell({ error: { name, message: error instanceof Error ? error.message : String(error), ...what } });
  }
};
