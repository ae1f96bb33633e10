// Asking the broker: the same interface every other client uses. A session's DPoP key is made anew and cannot be taken
// out of the browser; tokens live in memory. Source: docs/protocol.md, "Signing in" and "Endpoints".

import { encode, sha256, utf8ToBytes } from "../protocol/bytes";
import { sign } from "../protocol/jws";
import type { Keys } from "../protocol/keys";

/** The broker says no (RFC 9457). */
export class Problem extends Error {
  readonly slug: string;
  readonly status: number;
  readonly detail: string | undefined;
  readonly reasons: readonly Reason[];
  /** What `prev` has to be, with `out-of-order`. */
  readonly current: string | undefined;
  readonly bits: number | undefined;
  readonly retryAfter: number | undefined;
  readonly receipt: string | undefined;
  readonly requestId: string | undefined;

  constructor(status: number, members: ProblemMembers) {
    super(members.title ?? String(status));
    this.slug = members.type?.replace("urn:amana:problem:", "") ?? "internal";
    this.status = status;
    this.detail = members.detail;
    this.reasons = members.reasons ?? [];
    this.current = members.current;
    this.bits = members.bits;
    this.retryAfter = members.retry_after;
    this.receipt = members.receipt;
    this.requestId = members.request_id;
  }
}

export interface Reason {
  readonly id: string;
  readonly reason: string;
  readonly advice: string;
}

interface ProblemMembers {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly reasons?: readonly Reason[];
  readonly current?: string;
  readonly bits?: number;
  readonly retry_after?: number;
  readonly receipt?: string;
  readonly request_id?: string;
}

/** Nobody answered: the link is down, or what came back is not the broker's. */
export class Unreachable extends Error {}

/** Signing in failed: the key is not known here, or another took its place. */
export class NotKnown extends Error {}

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** `anybody`: the request carries no token. */
  readonly as?: "me" | "anybody";
}

interface Nonce {
  readonly value: string;
  /** When it came, in milliseconds of the device's clock. */
  readonly at: number;
}

interface Session {
  readonly token: string;
  /** In milliseconds of the device's clock. */
  readonly until: number;
}

/** A nonce is current for a minute and taken for another. */
const NONCE_MILLISECONDS = 50_000;

export class Remote {
  readonly #base: string;
  /** Who signs in; nobody on public pages. */
  keys: Keys | undefined;
  #issuer: string | undefined;
  #proof: Promise<CryptoKeyPair> | undefined;
  #nonce: Nonce | undefined;
  #session: Session | undefined;

  constructor(base: string, keys?: Keys) {
    this.#base = base;
    this.keys = keys;
  }

  /** Forgets the token: somebody else signs in next. */
  signOut(): void {
    this.#session = undefined;
  }

  /** The answer's JSON. */
  async fetch<Answer>(call: Call | string): Promise<Answer> {
    const answer = await this.send(typeof call === "string" ? { path: call } : call);
    try {
      return (await answer.json()) as Answer;
    } catch {
      throw new Unreachable("the answer was cut");
    }
  }

  async fetchText(path: string): Promise<string> {
    const answer = await this.send({ path, as: "anybody" });
    return answer.text();
  }

  /** Every page of a list. */
  async fetchAll<Item>(path: string): Promise<Item[]> {
    const items: Item[] = [];
    let after: string | undefined;
    do {
      const page: { items: Item[]; next?: string } = await this.fetch(after === undefined ? path : `${path}?after=${after}`);
      items.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return items;
  }

  /** Sends a request and answers only what succeeded. */
  async send(call: Call): Promise<Response> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#once(call);
      this.#keepNonce(answer);
      if (answer.ok || answer.status === 304) return answer;
      if (answer.status !== 401 || tries === 3 || call.as === "anybody") throw await problem(answer);
      if (!answer.headers.get("www-authenticate")?.includes("use_dpop_nonce")) this.#session = undefined;
    }
  }

  async #once({ method = "GET", path, json, body, headers, signal, as = this.keys ? "me" : "anybody" }: Call): Promise<Response> {
    const sent: Record<string, string> = { ...headers };
    if (json !== undefined) sent["content-type"] = "application/json";
    if (as === "me") {
      const token = await this.#signedIn();
      sent["authorization"] = `DPoP ${token}`;
      sent["dpop"] = await this.#proofOf(method, path, token);
    }
    const payload = json === undefined ? body : JSON.stringify(json);
    return reach(`${this.#base}${path}`, {
      method,
      headers: sent,
      ...(payload === undefined ? {} : { body: payload }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async #signedIn(): Promise<string> {
    if (this.#session && Date.now() + 30_000 < this.#session.until) return this.#session.token;
    for (let tries = 0; tries < 3; tries += 1) {
      const answer = await this.#askForToken();
      this.#keepNonce(answer);
      if (answer.ok) {
        const { access_token, expires_in }: { access_token: string; expires_in: number } = await answer.json();
        this.#session = { token: access_token, until: Date.now() + expires_in * 1000 };
        return access_token;
      }
      if (answer.status !== 400 && answer.status !== 401) throw await problem(answer);
      const { error, error_description }: { error: string; error_description: string } = await answer.json();
      if (error !== "use_dpop_nonce") throw new NotKnown(error_description);
    }
    throw new NotKnown("the broker keeps asking for another nonce");
  }

  async #askForToken(): Promise<Response> {
    const keys = this.keys;
    if (!keys) throw new NotKnown("nobody is signed in");
    const now = Math.floor(Date.now() / 1000);
    const issuer = await this.#issuerOf();
    const claims = { iss: keys.kid, sub: keys.kid, aud: issuer, jti: crypto.randomUUID(), iat: now, exp: now + 60 };
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: keys.kid,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: sign({ alg: "EdDSA", typ: "JWT", kid: keys.kid }, claims, keys.signing),
    });
    return reach(`${this.#base}/oauth/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", dpop: await this.#proofOf("POST", "/oauth/token") },
      body: form.toString(),
    });
  }

  async #proofOf(method: string, path: string, token?: string): Promise<string> {
    this.#proof ??= crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const { privateKey, publicKey } = await this.#proof;
    const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
    const nonce = await this.#nonceNow();
    const claims = {
      jti: crypto.randomUUID(),
      htm: method,
      htu: `${await this.#issuerOf()}${path.split("?")[0] ?? ""}`,
      iat: Math.floor(Date.now() / 1000),
      ...(nonce === undefined ? {} : { nonce }),
      ...(token === undefined ? {} : { ath: encode(sha256(utf8ToBytes(token))) }),
    };
    const part = (value: object) => encode(utf8ToBytes(JSON.stringify(value)));
    const input = `${part({ typ: "dpop+jwt", alg: "ES256", jwk: { crv, kty, x, y } })}.${part(claims)}`;
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(input));
    return `${input}.${encode(new Uint8Array(signature))}`;
  }

  async #issuerOf(): Promise<string> {
    return this.#issuer ?? this.#askWhere();
  }

  /** A nonce that is still good: rather asked for than turned away once to learn it. */
  async #nonceNow(): Promise<string | undefined> {
    if (this.#nonce === undefined || Date.now() > this.#nonce.at + NONCE_MILLISECONDS) await this.#askWhere();
    return this.#nonce?.value;
  }

  async #askWhere(): Promise<string> {
    const answer = await reach(`${this.#base}/.well-known/oauth-authorization-server`, {});
    this.#keepNonce(answer);
    const { issuer }: { issuer: string } = await answer.json();
    // An assertion for another broker would sign in there.
    if (issuer !== location.origin) throw new NotKnown(`the broker calls itself ${issuer}; open the page there`);
    this.#issuer = issuer;
    return issuer;
  }

  #keepNonce(answer: Response): void {
    const value = answer.headers.get("dpop-nonce");
    if (value !== null && value !== this.#nonce?.value) this.#nonce = { value, at: Date.now() };
  }
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable(error instanceof Error ? error.message : String(error));
  }
}

async function problem(answer: Response): Promise<Problem> {
  let members: ProblemMembers = {};
  try {
    members = await answer.json();
  } catch {
    // A proxy's page, or no body: the status has to do.
  }
  const waits = Number(answer.headers.get("retry-after")) || undefined;
  return new Problem(answer.status, members.retry_after === undefined && waits ? { ...members, retry_after: waits } : members);
}

/** Whether trying again later may help. */
export function passes(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  const slugs = ["busy", "locked", "offset-mismatch", "too-slow", "storage-full", "internal", "unauthenticated", "revoke-only"];
  return error instanceof Problem && (slugs.includes(error.slug) || error.retryAfter !== undefined);
}
