// Persons' consent: what each agreed to, by code and never by name, and whether a grant stays within it. Everything
// missing, unclear, overdue or unknown allows nothing. Source: docs/protocol.md, "Consent register"; the same rules as
// `src/client/report/check.rs`. The broker never sees any of this.

import { bytesToHex, concatBytes, sha256, utf8ToBytes } from "../protocol/bytes";
import type { Item } from "./manifest";

export const LEVELS = [
  "none",
  "statistics",
  "anonymous-summary",
  "redacted",
  "initials",
  "identified-to-recipient",
  "identified-to-state",
  "public",
] as const;
export type Level = (typeof LEVELS)[number];

export const CLASSES = ["un-mechanism", "international-court", "national-prosecutor", "state-concerned", "ngo", "media"] as const;

export interface Person {
  readonly code: string;
  readonly roles: readonly string[];
  readonly status: "given" | "refused" | "withdrawn" | "not-obtainable";
  readonly by?: string;
  readonly form?: string;
  readonly date?: string;
  /** The day from which on it counts no more. */
  readonly valid_review_by?: string;
  readonly uses?: Readonly<Record<string, string>>;
  readonly recipients?: Readonly<Record<string, string>>;
  readonly contact?: "direct" | "through-provider-only" | "none";
}

export interface ConsentRegister {
  readonly v: 1;
  readonly persons: readonly Person[];
}

export interface Proposed {
  readonly purposes: readonly string[];
  readonly recipientClass: string;
  readonly identification: Level;
  /** `YYYY-MM-DD`, UTC. */
  readonly today: string;
}

/** One reason why a grant goes beyond a person's consent; `why` is an id of words. */
export interface Beyond {
  readonly code: string;
  readonly why:
    | "consent-not-registered"
    | "consent-withdrawn"
    | "consent-refused"
    | "consent-nobody-answered"
    | "consent-overdue"
    | "consent-ask"
    | "consent-unanswered"
    | "consent-too-wide"
    | "consent-item-shows-more"
    | "consent-item-above-grant";
  /** Purpose, class or file. */
  readonly about: string;
  readonly allowed?: Level;
  readonly asked?: Level;
}

/** What goes beyond persons' consent, and the earliest day on which one has to be gone through again. */
export function check(register: ConsentRegister, items: readonly Item[], ask: Proposed): { beyond: Beyond[]; reviewBy: string | undefined } {
  const beyond: Beyond[] = [];
  let reviewBy: string | undefined;
  for (const person of register.persons) {
    const shows = showing(items, person.code);
    if (person.status === "withdrawn" && shows.length === 0) continue;
    beyond.push(...judge(person, shows, ask));
    if (person.valid_review_by !== undefined && !(reviewBy !== undefined && reviewBy <= person.valid_review_by)) {
      reviewBy = person.valid_review_by;
    }
  }
  const known = new Set(register.persons.map((person) => person.code));
  for (const item of items) {
    for (const { code } of item.persons) {
      if (!known.has(code)) beyond.push({ code, why: "consent-not-registered", about: item.path });
    }
  }
  return { beyond, reviewBy };
}

/** SHA-256 over label, salt and the register's compact JSON: all the broker learns of it. */
export function commitment(register: ConsentRegister, salt: Uint8Array): string {
  const label = utf8ToBytes("amana/consent-commitment/v1\0");
  return bytesToHex(sha256(concatBytes(label, salt, utf8ToBytes(JSON.stringify(register)))));
}

interface Show {
  readonly path: string;
  readonly level: Level;
}

function showing(items: readonly Item[], code: string): Show[] {
  return items.flatMap((item) => item.persons.filter((person) => person.code === code).map(({ level }) => ({ path: item.path, level })));
}

function judge(person: Person, shows: readonly Show[], ask: Proposed): Beyond[] {
  const { code } = person;
  const above = shows
    .filter((show) => wider(show.level, ask.identification))
    .map((show): Beyond => ({ code, why: "consent-item-above-grant", about: show.path, allowed: ask.identification, asked: show.level }));
  const none = noConsentAtAll(person, shows, ask);
  if (none) return [none, ...above];
  if (ask.purposes.length === 0) return [{ code, why: "consent-unanswered", about: "" }, ...above];
  const whys = ask.purposes.flatMap((purpose) => judgePurpose(person, shows, ask, purpose));
  // Of two purposes: said once where nobody answered for the class of recipients.
  const isOpen = ({ why }: Beyond) => why === "consent-unanswered" || why === "consent-ask";
  const isSaid = (why: Beyond, at: number) => isOpen(why) && JSON.stringify(why) === JSON.stringify(whys[at - 1]);
  return [...whys.filter((why, at) => !isSaid(why, at)), ...above];
}

function noConsentAtAll(person: Person, shows: readonly Show[], ask: Proposed): Beyond | undefined {
  const { code, status } = person;
  if (ask.identification === "none" && shows.every((show) => show.level === "none")) return undefined;
  const [first] = shows;
  if (status === "withdrawn" && first) return { code, why: "consent-withdrawn", about: first.path };
  if (status === "refused" || status === "withdrawn") return { code, why: "consent-refused", about: "" };
  if (status === "not-obtainable" && person.by === undefined) return { code, why: "consent-nobody-answered", about: "" };
  if (status !== "given" && status !== "not-obtainable") return { code, why: "consent-refused", about: "" };
  if (person.valid_review_by !== undefined && ask.today >= person.valid_review_by) {
    return { code, why: "consent-overdue", about: person.valid_review_by };
  }
  return undefined;
}

function judgePurpose(person: Person, shows: readonly Show[], ask: Proposed, purpose: string): Beyond[] {
  const { code, status } = person;
  const counts = status === "given" || status === "not-obtainable";
  const forPurpose = counts ? person.uses?.[purpose] : undefined;
  const forClass = counts ? person.recipients?.[ask.recipientClass] : undefined;
  const allowed = lesser(levelFor(forPurpose, "none"), levelFor(forClass, "public"));
  const beyond: Beyond[] = [];
  if (wider(ask.identification, allowed)) {
    for (const [about, answer] of [[purpose, forPurpose], [ask.recipientClass, forClass]] as const) {
      if (answer === undefined) beyond.push({ code, why: "consent-unanswered", about });
      else if (answer.startsWith("ask")) beyond.push({ code, why: "consent-ask", about });
    }
    if (beyond.length === 0) beyond.push({ code, why: "consent-too-wide", about: purpose, allowed, asked: ask.identification });
  }
  for (const show of shows.filter((shown) => wider(shown.level, allowed))) {
    beyond.push({ code, why: "consent-item-shows-more", about: show.path, allowed, asked: show.level });
  }
  return beyond;
}

/** What an answer allows; `yes` means something only for a class of recipients. */
function levelFor(answer: string | undefined, yes: Level): Level {
  if (answer === "yes") return yes;
  if (answer === "initials-only") return "initials";
  return LEVELS.find((level) => level === answer) ?? "none";
}

export const wider = (a: Level, b: Level): boolean => LEVELS.indexOf(a) > LEVELS.indexOf(b);
const lesser = (a: Level, b: Level): Level => (wider(a, b) ? b : a);
