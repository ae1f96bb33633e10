// Statements read from a log: the common claims, verified under the key that counted then.
// Source: docs/protocol.md, "Statements".

import { digestOf } from "./bytes";
import { only } from "./json";
import { type Compact, parse, verify } from "./jws";

export interface Statement {
  readonly kind: string;
  /** SHA-256 over the compact text: its id. */
  readonly digest: string;
  readonly kid: string;
  readonly iss: string;
  readonly aud: string;
  readonly iat: number;
  readonly submitBy: number;
  readonly subject: string | undefined;
  /** The same issuer's statement before it on that subject. */
  readonly prev: string | undefined;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface Unverified {
  readonly statement: Statement;
  readonly compact: Compact;
}

/** Reads a statement's form. Nobody's signature has been checked. */
export function read(text: string): Unverified {
  const compact = parse(text);
  const claims = compact.payload;
  only(claims, "iss", "aud", "jti", "iat", "submit_by", "subject", "prev", "seen", "body");
  const kind = /^amana-([a-z-]+)-v1\+jwt$/u.exec(String(compact.header["typ"]))?.[1];
  const [iat, submitBy, body] = [claims["iat"], claims["submit_by"], claims["body"]];
  if (kind === undefined || !Number.isSafeInteger(iat) || !Number.isSafeInteger(submitBy) || typeof body !== "object" || body === null) {
    throw new Error("not a statement");
  }
  const statement: Statement = {
    kind,
    digest: digestOf(text),
    kid: String(compact.header["kid"]),
    iss: String(claims["iss"]),
    aud: String(claims["aud"]),
    iat: iat as number,
    submitBy: submitBy as number,
    subject: claims["subject"] === undefined ? undefined : String(claims["subject"]),
    prev: claims["prev"] === undefined ? undefined : String(claims["prev"]),
    body: body as Record<string, unknown>,
    text,
  };
  return { statement, compact };
}

/** The statement, if this key signed it for this genesis. */
export function verified({ statement, compact }: Unverified, publicKey: string, genesis: string): Statement {
  verify(compact, publicKey);
  if (statement.aud !== genesis) throw new Error("a statement for another broker");
  return statement;
}

/** A statement's body, of this kind. Nobody's signature has been checked. */
export function bodyOf<Body>(text: string, kind: string): Body {
  const { statement } = read(text);
  if (statement.kind !== kind) throw new Error(`not a ${kind}`);
  return statement.body as Body;
}
