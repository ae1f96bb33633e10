// The closed list of purposes, as this version of the page knows it, and each group's usual terms. The broker's own list
// is pinned by genesis: where the two differ the page says so and grants nothing.

import taxonomyText from "../../../policies/taxonomy.json?raw";
import { digestOf } from "../protocol/bytes";

export interface PurposeWords {
  readonly title: string;
  readonly who_learns: string;
  readonly publicity: string;
  readonly undo: string;
}

interface Purpose extends PurposeWords {
  readonly group: string;
}

export interface Profile {
  readonly group: string;
  readonly collect_days: number;
  readonly cooling_off_hours: number;
  readonly officer_approvals: number;
  readonly max_releases: number;
  readonly identification: string;
  readonly use_mode: string;
  readonly keep_days: number;
}

const taxonomy: { purposes: Record<string, Purpose> } = JSON.parse(taxonomyText);
const profiles = Object.values(import.meta.glob<Profile>("../../../policies/profiles/*.json", { eager: true, import: "default" }));

export const ENGLISH_PURPOSES: Readonly<Record<string, PurposeWords>> = taxonomy.purposes;
export const PURPOSES: readonly string[] = Object.keys(taxonomy.purposes);
export const TAXONOMY_DIGEST = digestOf(taxonomyText);

/** The usual terms for a purpose; the advocate edits them. */
export function profileFor(purpose: string | undefined): Profile {
  const group = taxonomy.purposes[purpose ?? ""]?.group;
  const found = profiles.find((profile) => profile.group === group) ?? profiles.find((profile) => profile.group === "fact-finding");
  if (!found) throw new Error("no profile");
  return found;
}
