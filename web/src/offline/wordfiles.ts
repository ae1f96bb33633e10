// As `ui/wordfiles.ts`, for a page that is one file: every language lies in it.

import arabicPurposes from "../../../src/client/receipt/words/ar.json";
import spanishPurposes from "../../../src/client/receipt/words/es.json";
import frenchPurposes from "../../../src/client/receipt/words/fr.json";
import arabic from "../words/ar.json";
import french from "../words/fr.json";
import portuguesePurposes from "../words/purposes-pt.json";
import swahiliPurposes from "../words/purposes-sw.json";
import portuguese from "../words/pt.json";
import spanish from "../words/es.json";
import swahili from "../words/sw.json";
import type { Foreign, Loaded } from "../ui/wordfiles";

const WORDS: Readonly<Record<Foreign, Loaded>> = {
  fr: [french, frenchPurposes],
  es: [spanish, spanishPurposes],
  ar: [arabic, arabicPurposes],
  pt: [portuguese, portuguesePurposes],
  sw: [swahili, swahiliPurposes],
};

export const load = async (language: Foreign): Promise<Loaded> => WORDS[language];
