// Collecting, for officers: one release is asked for, recorded by the broker before its first byte, checked here against
// what the advocate signed, opened on this device, acknowledged, answered for.

import { decode, digestOf, encode, randomBytes } from "../protocol/bytes";
import { bodyOf, read, verified } from "../protocol/statement";
import { thumbprint } from "../protocol/keys";
import { verifyStatementReceipt } from "../protocol/receipt";
import { work, WorkFailed } from "../work/call";
import type { Opened } from "../work/open";
import { removeSealed, sealedHandle } from "../work/place";
import type { Accepted, Became, Grant, GrantSummary, Released, Report } from "./answers";
import { type Desk, Forked } from "./desk";
import { download } from "./downloading";

export interface Collecting {
  readonly released: Released;
  readonly grant: Grant;
  readonly report: Report;
}

/** Asks for one release. The answer comes after the broker has recorded it; its receipt is verified before anything else. */
export async function release(desk: Desk, summary: GrantSummary, purpose: string): Promise<Collecting> {
  const body = { grant: summary.id, purpose, nonce: encode(randomBytes(16)), conditions_noted: summary.id };
  const text = desk.sign({ kind: "release-request", subject: summary.id, body }, desk.memory.chains[summary.id]);
  const path = `/v1/grants/${summary.id}/releases`;
  const released: Released = await desk.remote.fetch({ method: "POST", path, json: { statement: text } });
  const receipt = await desk.believed(() =>
    verifyStatementReceipt(released.receipt, "case", desk.register.logKey("case"), "released", text),
  );
  await desk.keepReceipt(receipt, "case", released.receipt, text);
  desk.memory.chains[summary.id] = digestOf(text);
  const report = statedBy(desk, released);
  // Of the statement that was verified, and not of what a listing said it was.
  const grant = bodyOf<Grant>(released.grant_statement, "grant");
  if (released.release !== digestOf(text) || digestOf(released.grant_statement) !== summary.id || digestOf(released.report_statement) !== grant.report) {
    throw new Forked("the broker sent another grant or report than the one asked for");
  }
  if (digestOf(decode(released.header)) !== grant.header) throw new Forked("the broker sent another header than the grant names");
  desk.memory.collected[released.release] = {
    grant: summary.id,
    report: grant.report,
    payload_sha256: report.payload_sha256,
    key_commitment: report.key_commitment,
    acknowledged: false,
  };
  await desk.keep();
  return { released, grant, report };
}

/** The report as its owner signed it. Where keys were replaced, the command line follows their chain; this page does not. */
function statedBy(desk: Desk, { advocate_key, keys, grant_statement, report_statement }: Released): Report {
  if (keys !== undefined) throw new OtherKeys("keys were replaced since the report was sealed");
  for (const text of [grant_statement, report_statement]) {
    const unverified = read(text);
    const { kid, iss } = unverified.statement;
    if (kid !== thumbprint(advocate_key) || iss !== kid) throw new Forked("signed by another key than the broker says");
    verified(unverified, advocate_key, desk.register.genesisDigest);
  }
  return bodyOf<Report>(report_statement, "report");
}

/** The report's owner replaced keys, or another owns it now. */
export class OtherKeys extends Error {}

/** Downloads the payload to the device's disk, going on after cuts, and opens it there. */
export async function fetchAndOpen(
  desk: Desk,
  { released, report }: Collecting,
  progress: (bytes: number, of: number) => void,
  signal: AbortSignal,
): Promise<Opened> {
  const header = decode(released.header);
  const place = await sealedHandle(released.release);
  const from = { path: `/v1/releases/${released.release}/report.age`, payloadAt: header.length, payloadBytes: report.payload_bytes };
  const payload = await download(desk.remote, from, place, progress, signal);
  const wish = { payload, header, ageIdentity: await unitIdentity(desk), stated: report };
  let done = 0;
  try {
    return await work("open", wish, (bytes) => progress((done += bytes), report.payload_bytes));
  } catch (error) {
    // With another key the same bytes may open; otherwise they are fetched anew.
    if (error instanceof WorkFailed && error.kind === "defect" && error.what !== "defect-key") await removeSealed(released.release);
    throw error;
  }
}

/** The key a unit's reports are wrapped to: kept beside the officer's, since an institution shares it among its officers. */
async function unitIdentity(desk: Desk): Promise<string> {
  return desk.memory.unitKey ?? desk.me.keys.ageIdentity;
}

/** Says that it was opened and is what the advocate signed, or what is wrong with it. Needed before another release. */
export async function acknowledge(desk: Desk, release: string, defect?: string): Promise<Accepted> {
  const collected = desk.memory.collected[release];
  if (!collected) throw new Error("this device did not collect it");
  const { grant, payload_sha256, key_commitment } = collected;
  const outcome = defect === undefined ? { opened: { payload_sha256, key_commitment } } : { defect: { description: defect } };
  const accepted = await desk.state({ kind: "acknowledgement", subject: grant, body: { grant, release, outcome } });
  desk.memory.collected[release] = { ...collected, acknowledged: true };
  await removeSealed(release);
  await desk.keep();
  return accepted;
}

export function sayStatus(desk: Desk, grant: string, release: string, became: Became): Promise<Accepted> {
  return desk.state({ kind: "status", subject: grant, body: { grant, release, became } });
}

/** One officer more agrees with the next release of a grant. */
export function agree(desk: Desk, grant: string): Promise<Accepted> {
  return desk.state({ kind: "approval", subject: grant, body: { approves: grant, matter: "grant" } });
}

