// Granting and withdrawing: persons' consent is checked here, the header is wrapped anew here, and only the signed grant
// and the wrapped header leave the device.

import { decode, digestOf, encode } from "../protocol/bytes";
import { wrap } from "../protocol/header";
import { fingerprint, sameWords } from "../protocol/keys";
import type { Institution, RecipientKey } from "../protocol/register";
import { bodyOf } from "../protocol/statement";
import { type Beyond, check, type Level } from "../report/consent";
import type { Relation } from "../report/manifest";
import type { Grant, GrantSummary, Revoked } from "./answers";
import { type Desk, Forked } from "./desk";
import { verifyStatementReceipt } from "../protocol/receipt";
import { fileKeyOf, statedOf } from "./reporting";
import type { Reason } from "./remote";

/** What an advocate decides. */
export interface Terms {
  readonly report: string;
  readonly institution: Institution;
  readonly key: RecipientKey;
  readonly purposes: readonly string[];
  readonly useMode: string;
  readonly identification: Level;
  readonly collectDays: number;
  readonly keepDays: number;
  readonly maxReleases: number;
  readonly coolingOffHours: number;
  readonly officerApprovals: number;
  readonly conditions: Grant["conditions"];
  readonly answers?: string;
  readonly replaces?: string;
}

/** What stands between a wish and its signature. */
export interface Review {
  readonly grant: Grant;
  readonly words: string;
  /** The key was published, or first seen on this device, less than a day ago. */
  readonly young: boolean;
  readonly beyond: readonly Beyond[];
  /** Consent is recorded in the report, and this device does not have it. */
  readonly consentUnknown: boolean;
  /** The version that leaves out what identifies: from tier 3 on that one is granted. */
  readonly redacted: string | undefined;
}

export interface Foreseen {
  readonly refused: string | null;
  readonly conditions: readonly Reason[];
}

const DAY = 86_400;

/** The grant as far as it can be written without one's own header, and everything to look at before it is signed. */
export function review(desk: Desk, terms: Terms): Review {
  const { institution, key } = terms;
  const own = desk.memory.reports[terms.report];
  const now = desk.now;
  const today = new Date(now * 1000).toISOString().slice(0, 10);
  const ask = { purposes: terms.purposes, recipientClass: institution.record.class, identification: terms.identification, today };
  const { beyond, reviewBy } = own?.consent ? check(own.consent, own.items, ask) : { beyond: [], reviewBy: undefined };
  const stated = own ? statedOf(own.statement) : undefined;
  const until = now + terms.collectDays * DAY;
  const young = isYoung(desk, key);
  const grant: Grant = {
    report: terms.report,
    institution: institution.id,
    recipient_key: key.statement,
    recipient: key.recipient,
    header: "0".repeat(64),
    purposes: terms.purposes,
    use_mode: terms.useMode,
    identification: terms.identification,
    collect: { from: now, until },
    keep_until: now + Math.max(terms.keepDays, terms.collectDays) * DAY,
    max_releases: terms.maxReleases,
    cooling_off_seconds: Math.round(terms.coolingOffHours * 3600),
    conditions: terms.conditions,
    consent_review_by: reviewBy === undefined ? until : Date.parse(`${reviewBy}T00:00:00Z`) / 1000,
    bundle: desk.register.genesis.bundle,
    taxonomy: desk.register.genesis.taxonomy,
    ...(terms.answers === undefined ? {} : { answers: terms.answers }),
    urgent: young,
    ...(terms.officerApprovals > 0 ? { officer_approvals: terms.officerApprovals } : {}),
    ...(institution.terms ? { terms: institution.terms.statement } : {}),
    ...(terms.replaces === undefined ? {} : { replaces: terms.replaces }),
  };
  const words = fingerprint(decode(institution.publicKey), key.recipient);
  return { grant, words, young, beyond, consentUnknown: stated?.consent_commitment !== undefined && own?.consent === undefined, redacted: redactionOf(desk, terms.report) };
}

/** From tier 3 on: the redacted version that this device knows of an original. The broker cannot know. */
function redactionOf(desk: Desk, report: string): string | undefined {
  const own = desk.memory.reports[report];
  if (!own) return undefined;
  const stated = statedOf(own.statement);
  if (stated.tier < 3 || stated.kind === "redaction") return undefined;
  const redacts = ([, { relations }]: [string, { relations: readonly Relation[] }]) =>
    relations.some((relation) => relation.kind === "redacts" && relation.digest === report);
  return Object.entries(desk.memory.reports).find(redacts)?.[0];
}

/** The institution is not as it was when the person looked. */
export class Stale extends Error {}

/** The words that were typed are not those of the institution's key. */
export class OtherWords extends Error {}

/** The same wish about the institution and its key as the register has them now, if they are as the person saw them. */
function asItStands(desk: Desk, terms: Terms): Terms {
  const seen = terms.institution;
  const institution = desk.register.institutions.get(seen.id);
  const key = desk.register.recipientKeys.get(terms.key.statement);
  const same =
    institution?.publicKey === seen.publicKey && institution.recordBy === seen.recordBy && institution.terms?.statement === seen.terms?.statement;
  if (!same || !key?.current || !desk.register.isAdmitted(institution) || institution.suspendedBy) throw new Stale();
  return { ...terms, institution, key };
}

/** What the broker's rules would say to it now. It learns the terms; nobody signs anything and nothing is kept. */
export function foresee(desk: Desk, { grant }: Review): Promise<Foreseen> {
  return desk.remote.fetch({ method: "POST", path: "/v1/grants/preview", json: { grant } });
}

/** Signs and sends it. `typed`: the institution's eight words, needed while its key is young. */
export async function give(desk: Desk, terms: Terms, typed: string): Promise<string> {
  await desk.refresh();
  const { grant, words, young, beyond, consentUnknown, redacted } = review(desk, asItStands(desk, terms));
  if (redacted !== undefined) throw new Error("a redacted version of it is there");
  if (words !== review(desk, terms).words) throw new Stale();
  if (consentUnknown || beyond.length > 0) throw new Error("wider than what the persons in the report agreed to");
  if (young && !sameWords(typed, words)) throw new OtherWords();
  const header = await wrap(await fileKeyOf(desk, terms.report), [grant.recipient]);
  const body = { ...grant, header: digestOf(header) };
  const later = tierOf(desk, terms.report) >= 3;
  const along = later ? {} : { header: encode(header) };
  const accepted = await desk.state({ kind: "grant", body, path: "/v1/grants", along });
  if (later) desk.memory.heldBack = { ...desk.memory.heldBack, [accepted.id]: encode(header) };
  desk.left(later ? "left-grant-later" : "left-grant", header.length, accepted.id);
  await desk.keep();
  return accepted.id;
}

/** The second yes: the header that was kept back. Consent is looked at again, for days may lie between. */
export async function complete(desk: Desk, summary: GrantSummary): Promise<void> {
  const header = desk.memory.heldBack?.[summary.id];
  if (header === undefined) throw new Error("the header is not on this device");
  const grant = bodyOf<Grant>(summary.statement, "grant");
  const own = desk.memory.reports[grant.report];
  const institution = desk.register.institutions.get(grant.institution);
  if (own?.consent && institution) {
    const today = new Date(desk.now * 1000).toISOString().slice(0, 10);
    const ask = { purposes: grant.purposes, recipientClass: institution.record.class, identification: grant.identification as Level, today };
    if (check(own.consent, own.items, ask).beyond.length > 0) throw new Error("wider than what the persons in the report agree to now");
  }
  const accepted: { receipt: string } = await desk.remote.fetch({ method: "PUT", path: `/v1/grants/${summary.id}/header`, json: { header } });
  await desk.confirmEvent(accepted.receipt, { "header-received": { grant: summary.id } });
  delete desk.memory.heldBack?.[summary.id];
  desk.left("left-header", header.length, summary.id);
  await desk.keep();
}

/** Withdraws a grant. Needs no signing in, and no register that holds. */
export async function revoke(desk: Desk, grant: string, scopes: readonly string[], by: "person" | "provider"): Promise<Revoked> {
  const body = { scopes, withdrawn_by: by, answer_due: desk.now + 14 * DAY };
  const text = desk.sign({ kind: "revocation", body, subject: grant });
  const revoked: Revoked = await desk.remote.fetch({ method: "POST", path: "/v1/revocations", json: { statement: text }, as: "anybody" });
  const receipt = await desk.believed(() =>
    verifyStatementReceipt(revoked.accepted.receipt, "case", desk.register.logKey("case"), "accepted", text),
  );
  delete desk.memory.heldBack?.[grant];
  // It is withdrawn, whatever the log looks like otherwise: a doubt about the log is told with the next act.
  await desk.keepReceipt(receipt, "case", revoked.accepted.receipt, text).catch(() => undefined);
  await desk.keep();
  return revoked;
}

/** Grants that concern whoever asks, each with the statement it is named by. */
export async function grants(desk: Desk): Promise<GrantSummary[]> {
  const listed = await desk.remote.fetchAll<GrantSummary>("/v1/grants");
  if (listed.some(({ id, statement }) => digestOf(statement) !== id)) throw new Forked("a grant is shown under another one's number");
  return listed;
}

export const tierOf = (desk: Desk, report: string): number => statedOf(desk.memory.reports[report]?.statement ?? "").tier;

function isYoung(desk: Desk, key: RecipientKey): boolean {
  // Where there are witnesses their word counts; else the broker's, and this device has to have seen it for a day too.
  const since =
    desk.register.roster.witness_quorum > 0
      ? (key.cosignedAt ?? Number.POSITIVE_INFINITY)
      : Math.max(key.since, desk.memory.firstSeen[key.statement] ?? desk.now);
  return desk.now < since + DAY;
}
