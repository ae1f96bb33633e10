// Sending a payload by tus 1.0, in parts that grow while the link is good and shrink while it is not. After any trouble the
// broker is asked how much is safe there, and sending goes on from that. Source: docs/protocol.md, "Uploads".

import { base64, utf8ToBytes } from "../protocol/bytes";
import { passes, Problem, type Remote } from "./remote";

export type UploadStep = { readonly sent: number; readonly of: number } | { readonly waiting: number };

interface Wanted {
  readonly report: string;
  readonly payload: Blob;
  /** An upload begun before. */
  readonly known: string | undefined;
}

const TUS = { "tus-resumable": "1.0.0" };
const LEAST_PART = 32 * 1024;
const MOST_PART = 8 * 1024 * 1024;
/** A part should take about this long: soon enough to show progress, long enough to be worth a request. */
const PART_MILLISECONDS = 4_000;
const MOST_WAIT_SECONDS = 60;

/** Sends everything and answers the upload's id. Waits through cuts until `signal` ends it. */
export async function upload(
  remote: Remote,
  { report, payload, known }: Wanted,
  steps: (step: UploadStep) => void,
  signal: AbortSignal,
  begun: (upload: string) => Promise<void>,
): Promise<string> {
  let [id, part, failures] = [known, LEAST_PART * 4, 0];
  for (;;) {
    try {
      signal.throwIfAborted();
      if (id === undefined) {
        id = await begin(remote, report, payload.size, signal);
        await begun(id);
      }
      let offset = await offsetOf(remote, id, signal);
      failures = 0;
      steps({ sent: offset, of: payload.size });
      while (offset < payload.size) {
        const started = performance.now();
        offset = await sendPart(remote, id, payload, offset, part, signal);
        part = fitting(part, performance.now() - started);
        steps({ sent: offset, of: payload.size });
      }
      return id;
    } catch (error) {
      // Swept, or ended elsewhere: begun anew. Nothing of it is lost, the sealed file is here.
      if (error instanceof Problem && error.slug === "not-found" && id !== undefined && known !== undefined) id = known = undefined;
      else if (!passes(error)) throw error;
      failures += 1;
      part = LEAST_PART;
      const asked = error instanceof Problem ? (error.retryAfter ?? 0) : 0;
      const seconds = Math.min(Math.max(asked, 2 ** Math.min(failures, 6) / 2), MOST_WAIT_SECONDS);
      steps({ waiting: seconds });
      await pause(seconds * 1000, signal);
    }
  }
}

async function begin(remote: Remote, report: string, length: number, signal: AbortSignal): Promise<string> {
  const metadata = `report ${base64.encode(utf8ToBytes(report))}`;
  const headers = { ...TUS, "upload-length": String(length), "upload-metadata": metadata };
  const answer = await remote.send({ method: "POST", path: "/v1/uploads", headers, signal });
  const place = answer.headers.get("location")?.split("/").at(-1);
  if (!place) throw new Error("the broker did not say where the upload is");
  return place;
}

async function offsetOf(remote: Remote, id: string, signal: AbortSignal): Promise<number> {
  const answer = await remote.send({ method: "HEAD", path: `/v1/uploads/${id}`, headers: TUS, signal });
  return Number(answer.headers.get("upload-offset"));
}

async function sendPart(remote: Remote, id: string, payload: Blob, offset: number, part: number, signal: AbortSignal): Promise<number> {
  const headers = { ...TUS, "upload-offset": String(offset), "content-type": "application/offset+octet-stream" };
  const body = payload.slice(offset, offset + part);
  const answer = await remote.send({ method: "PATCH", path: `/v1/uploads/${id}`, headers, body, signal });
  return Number(answer.headers.get("upload-offset"));
}

function fitting(part: number, took: number): number {
  const wanted = took < PART_MILLISECONDS / 2 ? part * 2 : took > PART_MILLISECONDS * 2 ? part / 2 : part;
  return Math.min(Math.max(wanted, LEAST_PART), MOST_PART);
}

/** Waits, or goes on at once when the device is online again. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => () => {
      clearTimeout(timer);
      removeEventListener("online", again);
      signal.removeEventListener("abort", ended);
      act();
    };
    const again = finish(resolve);
    const ended = finish(() => reject(signal.reason));
    const timer = setTimeout(again, milliseconds);
    addEventListener("online", again);
    signal.addEventListener("abort", ended);
  });
}
