// What stands in a sealed report about it: `manifest.json` and its view `index.csv`. Source: docs/protocol.md, "Sealed
// reports"; the same schema as `src/client/report/manifest.rs`, of which this page writes the part it asks for.

import type { ConsentRegister, Level } from "./consent";
import { faultOf, folded, isMemberAt } from "./name";

export interface Manifest {
  readonly v: 1;
  readonly kind: "original" | "redaction" | "translation";
  readonly title?: string;
  readonly relations?: readonly Relation[];
  readonly summary?: Readonly<Record<string, string>>;
  readonly languages?: readonly string[];
  readonly events?: readonly object[];
  readonly consent_register?: ConsentRegister;
  readonly items: readonly Item[];
}

export interface Relation {
  readonly kind: "supplements" | "corrects" | "replaces" | "redacts" | "translates";
  readonly digest?: string;
  readonly reason: string;
  readonly salt?: string;
}

export interface Item {
  readonly path: string;
  readonly member: string;
  readonly bytes: number;
  readonly sha256: string;
  /** RFC 3339, seconds, UTC. */
  readonly mtime: string;
  readonly role: string;
  readonly lang?: string;
  readonly original_or_copy?: string;
  readonly persons: readonly { readonly code: string; readonly level: Level }[];
}

/** `manifest.json`, indented so that a person without a program can read it. */
export const toJson = (manifest: Manifest): string => JSON.stringify(manifest, null, 2);

const COLUMNS = "member,original_name,sha256,bytes,mtime,role,lang,original_or_copy,persons";

/** `index.csv`, the load file for evidence systems (RFC 4180, lines end as the command line ends them). */
export function toIndex(items: readonly Item[]): string {
  const cell = (value: string) => (/[",\r\n]/u.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const row = (item: Item) =>
    [
      item.member,
      item.path,
      item.sha256,
      String(item.bytes),
      item.mtime,
      item.role,
      item.lang ?? "",
      item.original_or_copy ?? "",
      item.persons.map((person) => person.code).join(" "),
    ]
      .map(cell)
      .join(",");
  return `${[COLUMNS, ...items.map(row)].join("\n")}\n`;
}

/** Throws unless every name is safe, stands once whatever its case, and has the member name of its place. */
export function validate(manifest: Manifest): void {
  if (manifest.v !== 1 || !Array.isArray(manifest.items)) throw new Error("not the manifest of a report");
  const seen = new Set<string>();
  for (const [place, item] of manifest.items.entries()) {
    if (faultOf(item.path) !== undefined) throw new Error("the manifest names a file that is refused");
    if (seen.has(folded(item.path))) throw new Error("the manifest names a file twice");
    if (!isMemberAt(place, item.member)) throw new Error("the manifest gives a member a wrong name");
    seen.add(folded(item.path));
  }
}

export const momentOf = (milliseconds: number): string => `${new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().slice(0, 19)}Z`;
