// This version of the page: its files, and what names it.

import { digestOf } from "../protocol/bytes";
import type { Remote } from "../client/remote";

export interface ServedPage {
  /** SHA-256 over the list of the page's files. */
  readonly assets: string;
  readonly files: readonly { readonly path: string; readonly digest: string }[];
}

export async function servedPage(remote: Remote): Promise<ServedPage> {
  const list = await remote.fetchText("/assets.txt");
  const files = list.split("\n").flatMap((line) => {
    const [digest, path] = line.split("  ");
    return digest && path ? [{ path, digest }] : [];
  });
  return { assets: digestOf(list), files };
}
