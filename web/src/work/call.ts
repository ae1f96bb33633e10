// Calls into the worker. It is started when first needed, and under a policy of its own: `new Worker` takes only an
// address that Trusted Types lets through, and this is the only one there is.

import address from "./worker?worker&url";
import type { Told, Verbs } from "./worker";

/** Work that failed; `kind` is what the worker calls it, `what` an id of words. */
export class WorkFailed extends Error {
  readonly kind: string;
  readonly what: string | undefined;
  constructor(kind: string, message: string, what: string | undefined) {
    super(message);
    this.kind = kind;
    this.what = what;
  }
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
  readonly progress: (bytes: number) => void;
}

let worker: Worker | undefined;
let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;
let last = 0;
const waiting = new Map<number, Waiting>();

type Wish<Verb extends keyof Verbs> = Parameters<Verbs[Verb]>[0];
type Answer<Verb extends keyof Verbs> = Awaited<ReturnType<Verbs[Verb]>>;

export function work<Verb extends keyof Verbs>(
  verb: Verb,
  wish: Wish<Verb>,
  progress: (bytes: number) => void = () => undefined,
): Promise<Answer<Verb>> {
  worker ??= start();
  last += 1;
  const id = last;
  const answered = new Promise<Answer<Verb>>((resolve, reject) => {
    waiting.set(id, { resolve: resolve as (answer: never) => void, reject, progress });
  });
  worker.postMessage({ id, verb, wish });
  return answered;
}

/** Ends whatever runs; what was written of it is thrown away by the next start. */
export function stop(): void {
  worker?.terminate();
  worker = undefined;
  for (const { reject } of waiting.values()) reject(new WorkFailed("stopped", "stopped", undefined));
  waiting.clear();
}

function start(): Worker {
  // Made once: a second policy of that name is refused, and a worker may be started again.
  policy ??= (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("amana-worker", { createScriptURL: () => address });
  const made = new Worker((policy?.createScriptURL(address) ?? address) as string, { type: "module" });
  made.onmessage = ({ data }: MessageEvent<Told>) => {
    const call = waiting.get(data.id);
    if (data.progress !== undefined) return call?.progress(data.progress);
    waiting.delete(data.id);
    if (data.error) call?.reject(new WorkFailed(data.error.name, data.error.message, data.error.what));
    else call?.resolve(data.answer as never);
  };
  made.onerror = () => stop();
  return made;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (text: string) => string }): { createScriptURL(text: string): unknown };
}
