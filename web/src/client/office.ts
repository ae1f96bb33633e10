// What the offices of the house sign: examining institutions, suspending them, agreeing with what others proposed.

import type { Institution, Proposal } from "../protocol/register";
import type { Accepted } from "./answers";
import type { Desk } from "./desk";

export const admit = (desk: Desk, institution: Institution): Promise<Accepted> =>
  about(desk, institution, "admission", { record: institution.recordBy });

export const suspend = (desk: Desk, institution: Institution, reason: string): Promise<Accepted> =>
  about(desk, institution, "suspension", { act: "suspend", reason });

export const lift = (desk: Desk, institution: Institution, reason: string): Promise<Accepted> =>
  about(desk, institution, "suspension", { act: "lift", reason });

export const CHECKLIST = ["purpose_limits", "processors_and_cloud", "ai", "retention", "onward_rules", "incident_notice", "remedy"] as const;
export type Finding = "met" | "met-with-conditions" | "not-met";

export const attestMandate = (desk: Desk, institution: Institution, days: number): Promise<Accepted> =>
  about(desk, institution, "attestation", { kind: "mandate", until: desk.now + days * 86_400 });

export const attestDiligence = (desk: Desk, institution: Institution, days: number, checklist: Record<string, Finding>): Promise<Accepted> =>
  about(desk, institution, "attestation", { kind: "due-diligence", until: desk.now + days * 86_400, checklist });

export const approve = (desk: Desk, proposal: Proposal): Promise<Accepted> =>
  desk.state({ kind: "approval", subject: proposal.statement.digest, body: { approves: proposal.statement.digest } });

/** Proposes to vouch for a version of the page. */
export const vouchForPage = (desk: Desk, assets: string, version: string): Promise<Accepted> =>
  desk.state({ kind: "web-release", body: { assets, version } });

/** Stops everything of an advocate for 14 days; a second administrator can make it last. */
export async function freezeParty(desk: Desk, party: string): Promise<string> {
  const text = desk.sign({ kind: "freeze", body: { party, lift: { recovery: {} } } });
  const stopped: { accepted: Accepted } = await desk.remote.fetch({ method: "POST", path: "/v1/freezes", json: { statement: text }, as: "anybody" });
  await desk.confirm(stopped.accepted, text);
  return stopped.accepted.id;
}

function about(desk: Desk, institution: Institution, kind: string, body: object): Promise<Accepted> {
  return desk.state({ kind, subject: institution.statement, body: { institution: institution.id, ...body } });
}
