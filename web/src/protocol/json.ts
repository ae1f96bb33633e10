// JSON as the protocol reads it: an object with a repeated member is refused. `JSON.parse` would silently take the last
// one, and two readers of one signed statement must not differ.

/** Parses, and refuses what says one thing twice. */
export function parseStrict(source: string): unknown {
  const value: unknown = JSON.parse(source);
  refuseRepeats(source);
  return value;
}

/** As an object. */
export function parseObject(source: string): Record<string, unknown> {
  const value = parseStrict(source);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not a JSON object");
  return value as Record<string, unknown>;
}

/** Refuses any member that is not among these. */
export function only(value: Record<string, unknown>, ...members: string[]): void {
  for (const name of Object.keys(value)) {
    if (!members.includes(name)) throw new Error(`unknown member ${name}`);
  }
}

// `source` is JSON already: strings and brackets are all there is to look at.
function refuseRepeats(source: string): void {
  const open: (Set<string> | null)[] = [];
  let name: string | null = null;
  for (let at = 0; at < source.length; at += 1) {
    const character = source[at];
    if (character === '"') {
      const end = endOfString(source, at);
      name = source.slice(at, end + 1);
      at = end;
    } else if (character === "{") open.push(new Set());
    else if (character === "[") open.push(null);
    else if (character === "}" || character === "]") open.pop();
    else if (character === ":" && name !== null) {
      const member: string = JSON.parse(name);
      const seen = open.at(-1);
      if (seen?.has(member)) throw new Error(`member ${member} stands twice`);
      seen?.add(member);
      name = null;
    }
  }
}

function endOfString(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === '"') return at;
  }
  return source.length;
}
