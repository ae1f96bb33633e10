// What an auditor is handed, checked as it comes: every leaf hashed, both trees held against their signed checkpoints, the
// register folded anew. Deciding again is the command line's (`amana audit replay`): it needs the policies.

import { bytesToHex, decode, equal, utf8ToBytes } from "../protocol/bytes";
import { openCheckpoint } from "../protocol/note";
import { auditorCommitment, caseLeaf, parseShared, type Shared } from "../protocol/receipt";
import { read, type Statement } from "../protocol/statement";
import { leafHash, Tree } from "../protocol/tree";
import type { Desk } from "./desk";

export interface CaseEntry {
  readonly index: number;
  readonly shared: Shared | undefined;
  readonly statement: Statement | undefined;
  /** Kind of its statement, or name of the event; `closed` where only the leaf is left. */
  readonly kind: string;
  readonly decision: Decision | undefined;
}

interface Decision {
  readonly decision?: "allow" | "deny";
  readonly reasons?: readonly string[];
}

export interface Fact {
  readonly kind: string;
  readonly key: string;
  readonly row: Record<string, unknown>;
}

export interface Bundle {
  readonly entries: readonly CaseEntry[];
  readonly registerSize: number;
  readonly facts: readonly Fact[];
  readonly policies: readonly { readonly digest: string; readonly files: Readonly<Record<string, string>> }[];
  /** Its lines, verbatim, to be saved. */
  readonly text: string;
}

type Line =
  | "end"
  | { readonly genesis: string }
  | { readonly policies: Bundle["policies"][number] }
  | { readonly checkpoint: readonly ["register" | "case", string] }
  | { readonly register: string }
  | { readonly case: { readonly salt: string; readonly shared: string; readonly auditor_salt: string; readonly auditor: string } }
  | { readonly closed: string }
  | { readonly fact: readonly [string, string, string, number, string] };

/** Fetches an audit bundle and checks it; throws where something does not hold. */
export async function audit(desk: Desk, progress: (entries: number) => void): Promise<Bundle> {
  await desk.refresh();
  const answer = await desk.remote.send({ path: "/v1/audit/bundle" });
  const text = await answer.text();
  const lines = text.trimEnd().split("\n");
  if (lines.at(-1) !== '"end"') throw new Error("the bundle is cut off");
  const [register, cases] = [new Tree(), new Tree()];
  const [entries, facts, policies]: [CaseEntry[], Fact[], Bundle["policies"][number][]] = [[], [], []];
  const checkpoints: Partial<Record<"register" | "case", string>> = {};
  for (const source of lines) {
    const line = JSON.parse(source) as Line;
    if (line === "end") break;
    if ("register" in line) register.append(leafHash(utf8ToBytes(line.register)));
    else if ("checkpoint" in line) checkpoints[line.checkpoint[0]] = line.checkpoint[1];
    else if ("policies" in line) policies.push(line.policies);
    else if ("fact" in line) facts.push({ kind: line.fact[0], key: line.fact[1], row: JSON.parse(line.fact[4]) });
    else if ("case" in line || "closed" in line) {
      const { entry, leaf } = opened(line, entries.length);
      cases.append(leafHash(leaf));
      entries.push(entry);
      if (entries.length % 100 === 0) progress(entries.length);
    }
  }
  for (const [log, tree] of [["register", register], ["case", cases]] as const) {
    const signed = openCheckpoint(checkpoints[log] ?? "", desk.register.logKey(log));
    if (signed.size !== tree.size || !equal(signed.root, tree.root)) throw new Error(`the ${log} log is not the one its checkpoint signs`);
  }
  if (desk.register.rootAt(register.size) !== bytesToHex(register.root)) throw new Error("another register than the one this device has checked");
  return { entries, registerSize: register.size, facts, policies, text };
}

function opened(line: Exclude<Line, "end">, index: number): { entry: CaseEntry; leaf: Uint8Array } {
  if ("closed" in line) {
    return { entry: { index, shared: undefined, statement: undefined, kind: "closed", decision: undefined }, leaf: decode(line.closed) };
  }
  if (!("case" in line)) throw new Error("not a case entry");
  const { salt, shared, auditor_salt, auditor } = line.case;
  const commitment = auditorCommitment(decode(auditor_salt), auditor);
  const parsed = parseShared(shared);
  const event = typeof parsed.event === "string" ? parsed.event : (Object.keys(parsed.event)[0] ?? "");
  const isNote = event === "cosigned" || parsed.statement === undefined;
  const statement = isNote ? undefined : read(parsed.statement ?? "").statement;
  const kind = event === "accepted" ? (statement?.kind ?? event) : event;
  const entry = { index, shared: parsed, statement, kind, decision: JSON.parse(auditor) as Decision };
  return { entry, leaf: caseLeaf(decode(salt), utf8ToBytes(shared), commitment) };
}

/** The auditor's word that both logs were verified up to this state. */
export function vouch(desk: Desk): Promise<unknown> {
  const { register, case: cases } = desk.seen;
  return desk.state({ kind: "audited", body: { register, case: cases } });
}
