// Names: the real ones, in any script, and the plain ones inside the archive. Source: docs/protocol.md, "Sealed reports";
// the same rules as `src/client/report/name.rs`.

export const MOST_FILES = 9_999;
const MOST_PATH_BYTES = 4_096;
const MOST_COMPONENT_BYTES = 255;

/** What is wrong with a real name, or nothing. */
export function faultOf(path: string): "name-empty" | "name-long" | "name-climbs" | "name-misleads" | undefined {
  const bytes = (part: string) => new TextEncoder().encode(part).length;
  if (bytes(path) > MOST_PATH_BYTES) return "name-long";
  if ([...path].some(isMisleading)) return "name-misleads";
  for (const component of path.split("/")) {
    if (component === "") return "name-empty";
    if (component === "." || component === "..") return "name-climbs";
    if (bytes(component) > MOST_COMPONENT_BYTES) return "name-long";
  }
  return undefined;
}

/** The member for the file at a place, from 0: `files/0001-ascii-slug.ext`. */
export function member(place: number, path: string): string {
  const name = path.split("/").at(-1) ?? path;
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
  const plain = extension.replace(/[^A-Za-z0-9]/gu, "").slice(0, 8).toLowerCase();
  const number = String(place + 1).padStart(4, "0");
  return `files/${number}-${slug(stem)}${plain === "" ? "" : `.${plain}`}`;
}

export function isMemberAt(place: number, name: string): boolean {
  const number = String(place + 1).padStart(4, "0");
  const form = new RegExp(`^files/${number}-(?=.{1,40}(?:\\.|$))[a-z0-9]+(?:-[a-z0-9]+)*(?:\\.[a-z0-9]{1,8})?$`, "u");
  return form.test(name);
}

/** The form in which two names are one file on a disk that does not mind case. */
export const folded = (name: string): string => name.toUpperCase().toLowerCase();

function isMisleading(character: string): boolean {
  return /[\p{Cc}\\\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(character);
}

function slug(stem: string): string {
  let made = "";
  for (const character of stem) {
    if (made.length >= 40) break;
    if (/[A-Za-z0-9]/u.test(character)) made += character.toLowerCase();
    else if (made !== "" && !made.endsWith("-")) made += "-";
  }
  return made.replace(/-+$/u, "") || "item";
}
