// What went wrong, in words: what happened, why, and what to do next.

import { NotKnown, Problem, Unreachable } from "../client/remote";
import { PasskeyUnused } from "../client/passkey";
import { OtherWords, Stale } from "../client/granting";
import { Forked } from "../client/desk";
import { OtherKeys } from "../client/collecting";
import { OtherBroker } from "../protocol/genesis";
import { BrokenRegister } from "../protocol/register";
import { WorkFailed } from "../work/call";
import { OtherTab } from "./house.svelte";
import { named, t } from "./words.svelte";

export interface Trouble {
  readonly words: string;
  /** What the broker or the device said, for whoever helps. */
  readonly detail?: string;
  readonly reasons?: readonly { readonly id: string; readonly words: string }[];
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof Problem) {
    const reasons = error.reasons.map(({ id, reason, advice }) => ({ id, words: named(`reason-${id}`, `${reason} ${advice}`) }));
    const detail = [error.detail, error.requestId].filter((part) => part !== undefined).join(" · ");
    return { words: named(`problem-${error.slug}`, error.message), ...(detail === "" ? {} : { detail }), reasons };
  }
  if (error instanceof Unreachable) return { words: t("trouble-unreachable"), detail: error.message };
  if (error instanceof NotKnown) return { words: t("trouble-not-known"), detail: error.message };
  if (error instanceof Forked) return { words: t("trouble-forked"), detail: error.message };
  if (error instanceof OtherBroker) return { words: t("trouble-other-broker") };
  if (error instanceof OtherKeys) return { words: t("trouble-other-keys") };
  if (error instanceof BrokenRegister) return { words: t("trouble-register"), detail: error.message };
  if (error instanceof OtherTab) return { words: t("trouble-other-tab") };
  if (error instanceof Stale) return { words: t("grant-stale") };
  if (error instanceof OtherWords) return { words: t("grant-words-differ") };
  if (error instanceof PasskeyUnused) return { words: t("trouble-passkey"), detail: error.message };
  if (error instanceof WorkFailed) return ofWork(error);
  return { words: t("trouble-other"), detail: error instanceof Error ? error.message : String(error) };
}

function ofWork(error: WorkFailed): Trouble {
  if (error.kind === "passphrase") return { words: t("trouble-passphrase") };
  if (error.kind === "changed") return { words: t("trouble-changed"), detail: error.message };
  if (error.kind === "defect") return { words: named(error.what ?? "defect-archive"), detail: error.message };
  return { words: t("trouble-other"), detail: error.message };
}
