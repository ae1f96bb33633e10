// The broker's JSON answers. Source: `src/wire/api.rs`; the same as the schemas of `GET /v1/openapi.json`.

import type { Log } from "../protocol/receipt";

export interface Accepted {
  readonly id: string;
  readonly log: Log;
  readonly index: number;
  readonly receipt: string;
}

export interface Revoked {
  readonly accepted: Accepted;
  readonly grant: string;
  readonly releases_used: number;
  readonly streams_reset: number;
}

export interface Released {
  readonly release: string;
  readonly header: string;
  readonly receipt: string;
  readonly grant_statement: string;
  readonly report_statement: string;
  readonly advocate_key: string;
  readonly keys?: readonly string[];
  readonly again: boolean;
}

export interface OwnerHeader {
  readonly header: string;
  readonly receipt: string;
  readonly report_statement: string;
}

export interface Report {
  readonly payload_sha256: string;
  readonly payload_bytes: number;
  readonly key_commitment: string;
  readonly owner_header: string;
  readonly owner_recipient: string;
  readonly tier: number;
  readonly kind: "original" | "redaction" | "translation";
  readonly predecessor_commitment?: string;
  readonly consent_commitment?: string;
}

export interface ReportSummary {
  readonly id: string;
  readonly report: Report;
  readonly at: number;
  /** One member: `declared`, `stored`, `withdrawn`, `erased`. */
  readonly state: Record<string, Record<string, unknown>>;
}

export interface Grant {
  readonly report: string;
  readonly institution: string;
  readonly recipient_key: string;
  readonly recipient: string;
  readonly header: string;
  readonly purposes: readonly string[];
  readonly use_mode: string;
  readonly identification: string;
  readonly collect: { readonly from: number; readonly until: number };
  readonly keep_until?: number;
  readonly max_releases: number;
  readonly cooling_off_seconds: number;
  readonly officers?: readonly string[];
  readonly conditions: {
    readonly onward: string;
    readonly contact: string;
    readonly publication: string;
    readonly external_processing: string;
  };
  readonly consent_review_by: number;
  readonly bundle: string;
  readonly taxonomy: string;
  readonly answers?: string;
  readonly urgent: boolean;
  readonly officer_approvals?: number;
  readonly embargo_until?: number;
  readonly terms?: string;
  readonly replaces?: string;
}

export interface GrantSummary {
  readonly id: string;
  readonly report: string;
  readonly institution: string;
  readonly purposes: readonly string[];
  readonly collect: { readonly from: number; readonly until: number };
  readonly releasable_from: number;
  readonly state: GrantState;
  readonly releases_used: number;
  readonly max_releases: number;
  readonly awaiting: string | null;
  readonly owner: string;
  readonly effective_at: number | null;
  readonly officer_approvals: readonly string[];
  readonly exercised: string | null;
  readonly answer: "not-owed" | { readonly owed: { readonly due: number; readonly because: string } };
  readonly became: { readonly statement: string; readonly at: number; readonly became: Became } | null;
  readonly replaced_by: string | null;
  readonly statement: string;
}

export type GrantState =
  | { readonly "header-pending": object }
  | { readonly "header-received": object }
  | { readonly ended: { readonly cause: string; readonly at: number; readonly remaining: readonly string[] } }
  | { readonly shredded: { readonly cause: string; readonly at: number } };

export type Became = Readonly<Record<string, { until?: number; review?: number; reason?: string }>>;

export interface AccessRequest {
  readonly kind: string;
  readonly report: string;
  readonly grant?: string;
  readonly purposes: readonly string[];
  readonly legal_basis: string;
  readonly deadline: number;
  readonly keep_until?: number;
  readonly sealed_message?: string;
}

export interface RequestSummary {
  readonly id: string;
  readonly officer: string;
  readonly institution: string;
  readonly request: AccessRequest;
  readonly at: number;
  readonly answers: Readonly<Record<string, unknown>>;
  readonly statement: string;
}

export interface InboxItem {
  readonly by: number;
  readonly overdue: boolean;
  readonly thing: { readonly request?: RequestSummary; readonly grant?: GrantSummary; readonly notice?: NoticeSummary };
}

export interface NoticeSummary {
  readonly id: string;
  readonly owner: string;
  readonly notice: { readonly institution: string; readonly recipient_key: string; readonly until: number; readonly sealed_message: string };
  readonly at: number;
}

export interface UploadSummary {
  readonly id: string;
  readonly report: string | null;
  readonly offset: number;
  readonly length: number | null;
  readonly expires: number;
}

export interface Disclosure {
  readonly listing: string;
  readonly entries: readonly { readonly index: number; readonly proof: string }[];
}

/** The one word that says where a grant stands. */
export function grantWord(state: GrantState): string {
  if ("header-pending" in state) return "waiting";
  if ("header-received" in state) return "active";
  const { cause } = "ended" in state ? state.ended : state.shredded;
  return cause;
}

export const isLive = (state: GrantState): boolean => "header-pending" in state || "header-received" in state;
