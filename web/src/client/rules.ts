// Policy bundles, rule by rule: what is in force, held against its digest, and how it differs from another.

import { digestOf } from "../protocol/bytes";

/** Files of a bundle by their path. */
export type Files = Readonly<Record<string, string>>;

export interface Rule {
  readonly id: string;
  readonly difference: "equal" | "added" | "removed" | "changed";
  /** As it stands in force. */
  readonly text: string | undefined;
  /** As it stands in the other. */
  readonly other: string | undefined;
}

/** SHA-256 of a bundle's manifest. Source: `src/model/bundle.rs`. */
export function digestOfBundle(files: Files): string {
  const lines = Object.keys(files).toSorted().map((path) => `${digestOf(files[path] ?? "")}  ${path}\n`);
  return digestOf(lines.join(""));
}

/** Every rule of either, those that differ first. */
export function compare(files: Files, other: Files): Rule[] {
  const [mine, theirs] = [rulesOf(files), rulesOf(other)];
  const ids = [...new Set([...mine.keys(), ...theirs.keys()])];
  const rules = ids.map((id): Rule => {
    const [text, before] = [mine.get(id), theirs.get(id)];
    const difference = text === before ? "equal" : before === undefined ? "added" : text === undefined ? "removed" : "changed";
    return { id, difference, text, other: before };
  });
  return rules.toSorted((a, b) => Number(a.difference === "equal") - Number(b.difference === "equal"));
}

/** Rules by their `@id`, each from there to the next. */
function rulesOf(files: Files): Map<string, string> {
  const rules = new Map<string, string>();
  for (const path of Object.keys(files).filter((one) => one.endsWith(".cedar")).toSorted()) {
    for (const part of (files[path] ?? "").split(/^(?=@id\()/mu)) {
      const id = /^@id\("([^"]+)"\)/u.exec(part)?.[1];
      // What stands between two rules is a comment of the next.
      if (id !== undefined) rules.set(id, part.replace(/\n(\s*\/\/[^\n]*\n?)*\s*$/u, "").trimEnd());
    }
  }
  return rules;
}
