// Numbers for the plots, out of a checked bundle.

import { type Grant, type GrantState, grantWord } from "../../client/answers";
import type { Bundle } from "../../client/auditing";
import { named, when } from "../words.svelte";

export interface Row {
  readonly label: string;
  readonly values: readonly number[];
}

interface GrantRow {
  readonly grant: Grant;
  readonly state: GrantState;
  readonly answer: "not-owed" | { readonly owed?: { readonly due: number } };
}

/** Releases and denials a day and institution; the last thirty rows. */
export function releasesOverTime(bundle: Bundle, name: (id: string) => string): Row[] {
  const rows = new Map<string, [number, number]>();
  const grants = new Map(grantRows(bundle).map(([id, row]) => [id, row.grant.institution]));
  for (const { kind, statement, shared } of bundle.entries) {
    if ((kind !== "released" && kind !== "release-denied") || !statement || !shared) continue;
    const institution = grants.get(String(statement.body["grant"])) ?? "";
    const label = `${when(shared.at, "day")} · ${name(institution)}`;
    const row = rows.get(label) ?? [0, 0];
    row[kind === "released" ? 0 : 1] += 1;
    rows.set(label, row);
  }
  return [...rows].map(([label, values]) => ({ label, values })).slice(-30);
}

export function grantsByState(bundle: Bundle): Row[] {
  const counts = new Map<string, number>();
  for (const [, { state }] of grantRows(bundle)) counts.set(grantWord(state), (counts.get(grantWord(state)) ?? 0) + 1);
  return [...counts].map(([word, value]) => ({ label: named(`grant-${word}`), values: [value] }));
}

export function answersOverdue(bundle: Bundle, name: (id: string) => string, now: number): Row[] {
  const rows = new Map<string, [number, number]>();
  for (const [, { grant, answer }] of grantRows(bundle)) {
    const due = typeof answer === "object" ? answer.owed?.due : undefined;
    if (due === undefined) continue;
    const row = rows.get(grant.institution) ?? [0, 0];
    row[due <= now ? 0 : 1] += 1;
    rows.set(grant.institution, row);
  }
  return [...rows].map(([institution, values]) => ({ label: name(institution), values }));
}

const grantRows = (bundle: Bundle): [string, GrantRow][] =>
  bundle.facts.filter((fact) => fact.kind === "grant").map(({ key, row }) => [key, row as unknown as GrantRow]);
