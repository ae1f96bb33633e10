// Where the words of other languages are: files of the page, fetched when a language is chosen.

import arabicPurposes from "../../../src/client/receipt/words/ar.json?url";
import spanishPurposes from "../../../src/client/receipt/words/es.json?url";
import frenchPurposes from "../../../src/client/receipt/words/fr.json?url";
import arabic from "../words/ar.json?url";
import french from "../words/fr.json?url";
import portuguesePurposes from "../words/purposes-pt.json?url";
import swahiliPurposes from "../words/purposes-sw.json?url";
import portuguese from "../words/pt.json?url";
import spanish from "../words/es.json?url";
import swahili from "../words/sw.json?url";
import type { PurposeWords } from "./purposes";

/** Every language but English, which is always there. */
export type Foreign = "fr" | "es" | "ar" | "pt" | "sw";
/** Words by their id, and what each purpose means: the texts of consent receipts where there are any. */
export type Loaded = readonly [Record<string, string>, { readonly purposes: Readonly<Record<string, PurposeWords>> }];

const FILES: Readonly<Record<Foreign, readonly [string, string]>> = {
  fr: [french, frenchPurposes],
  es: [spanish, spanishPurposes],
  ar: [arabic, arabicPurposes],
  pt: [portuguese, portuguesePurposes],
  sw: [swahili, swahiliPurposes],
};

export async function load(language: Foreign): Promise<Loaded> {
  const [words, purposes] = await Promise.all(FILES[language].map(async (file) => (await fetch(file)).json()));
  return [words, purposes];
}
