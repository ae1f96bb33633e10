// Requests, as their two sides see them: asked by an officer, answered by an owner item by item.

import { digestOf } from "../protocol/bytes";
import type { RecipientKey } from "../protocol/register";
import { read, verified } from "../protocol/statement";
import type { Accepted, AccessRequest, InboxItem, RequestSummary } from "./answers";
import { type Desk, Forked } from "./desk";
import { openMessage, sealMessage } from "./messages";
import { statedOf } from "./reporting";

export async function inbox(desk: Desk): Promise<InboxItem[]> {
  const page: { items: InboxItem[] } = await desk.remote.fetch("/v1/inbox");
  const items: InboxItem[] = [];
  for (const item of page.items) {
    const { request } = item.thing;
    items.push(request ? { ...item, thing: { ...item.thing, request: await asSigned(desk, request) } } : item);
  }
  return items;
}

/** A request as an officer signed it, for the institution that appointed them: whatever the broker says beside it. */
async function asSigned(desk: Desk, summary: RequestSummary): Promise<RequestSummary> {
  const unverified = read(summary.statement);
  const { kid, kind } = unverified.statement;
  if (!desk.register.keys.has(kid)) await desk.refresh();
  const key = desk.register.keys.get(kid);
  if (kind !== "request" || digestOf(summary.statement) !== summary.id || !key?.appointment) throw new Forked("a request that no officer signed");
  const { body } = verified(unverified, key.publicKey, desk.register.genesisDigest);
  return { ...summary, institution: key.appointment.institution, request: body as unknown as AccessRequest };
}

/** Which of its items nobody has answered, or only asked back about. */
export function openItems(request: RequestSummary): string[] {
  return request.request.purposes.filter((purpose) => {
    const answer = request.answers[purpose];
    return answer === undefined || (typeof answer === "object" && answer !== null && "asked" in answer);
  });
}

export async function messageOf(desk: Desk, sealed: string | undefined): Promise<string | undefined> {
  if (sealed === undefined) return undefined;
  return openMessage(desk.me.keys.ageIdentity, sealed).catch(() => undefined);
}

export function refuse(desk: Desk, request: RequestSummary, reason: string): Promise<Accepted> {
  return desk.state({ kind: "refusal", subject: request.id, body: { request: request.id, purposes: openItems(request), reason } });
}

export async function askBack(desk: Desk, request: RequestSummary, key: RecipientKey, question: string): Promise<Accepted> {
  const sealed_message = await sealMessage(key.recipient, question);
  return desk.state({ kind: "question", subject: request.id, body: { request: request.id, purposes: openItems(request), sealed_message } });
}

/** What an advocate hands an institution so that it can ask: the report and whom to seal messages for. */
export const referenceOf = (desk: Desk, report: string): string =>
  `${report}.${statedOf(desk.memory.reports[report]?.statement ?? "").owner_recipient}`;

export interface Wanted {
  readonly reference: string;
  readonly purposes: readonly string[];
  readonly legalBasis: string;
  readonly days: number;
  readonly message: string;
}

/** An officer's request for a report, with a message only its owner can read. */
export async function ask(desk: Desk, { reference, purposes, legalBasis, days, message }: Wanted): Promise<Accepted> {
  const [, report, recipient] = /^([0-9a-f]{64})\.(age1[a-z0-9]{58})$/u.exec(reference.trim()) ?? [];
  if (report === undefined || recipient === undefined) throw new Error("not a reference to a report");
  const sealed = message.trim() === "" ? {} : { sealed_message: await sealMessage(recipient, message) };
  const body = { kind: "access", report, purposes, legal_basis: legalBasis, deadline: desk.now + days * 86_400, ...sealed };
  return desk.state({ kind: "request", body });
}
