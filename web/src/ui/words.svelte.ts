// Words for people, in their language: `t` gives a text by its id, `Intl` everything that counts or dates. English is
// always there; another language is fetched when it is chosen, and an id it lacks falls back to English.

import english from "../words/en.json";
import { ENGLISH_PURPOSES, type PurposeWords } from "./purposes";
import { type Foreign, load } from "./wordfiles";

export type Language = "en" | Foreign;

export const LANGUAGES: Readonly<Record<Language, string>> = {
  en: "English",
  fr: "Français",
  es: "Español",
  ar: "العربية",
  pt: "Português",
  sw: "Kiswahili",
};

const KEPT = "amana-language";

export type WordId = keyof typeof english;
type Words = Partial<Record<string, string>>;

class Speech {
  language = $state<Language>("en");
  words = $state.raw<Words>({ ...english, ...byId(ENGLISH_PURPOSES) });

  get direction(): "ltr" | "rtl" {
    return this.language === "ar" ? "rtl" : "ltr";
  }

  async speak(language: Language): Promise<void> {
    [this.words, this.language] = [await wordsOf(language), language];
    document.documentElement.lang = language;
    document.documentElement.dir = this.direction;
    document.title = t("title");
    localStorage.setItem(KEPT, language);
  }
}

async function wordsOf(language: Language): Promise<Words> {
  if (language === "en") return { ...english, ...byId(ENGLISH_PURPOSES) };
  const [words, { purposes }] = await load(language);
  return { ...words, ...byId(purposes) };
}

function byId(purposes: Readonly<Record<string, PurposeWords>>): Words {
  const all = Object.entries(purposes).flatMap(([id, { title, who_learns, publicity, undo }]) => [
    [`purpose-${id}`, title],
    [`learns-${id}`, who_learns],
    [`publicity-${id}`, publicity],
    [`undo-${id}`, undo],
  ]);
  return Object.fromEntries(all);
}

export const speech = new Speech();

/** The language chosen before, or the first of the browser's that is spoken here. */
export function firstLanguage(): Language {
  const wanted = [localStorage.getItem(KEPT) ?? "", ...navigator.languages].map((tag) => tag.slice(0, 2));
  return wanted.find((tag): tag is Language => tag in LANGUAGES) ?? "en";
}

/** The text of an id, with what stands in braces put in. */
export function t(id: WordId, put: Readonly<Record<string, string | number>> = {}): string {
  return fill(speech.words[id] ?? english[id], put);
}

/** As `t`, for an id that was put together; `otherwise` where there is none. */
export function named(id: string, otherwise = id): string {
  return speech.words[id] ?? (english as Words)[id] ?? otherwise;
}

const fill = (text: string, put: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/gu, (whole, name: string) => (name in put ? String(put[name]) : whole));

export function when(seconds: number, style: "day" | "moment" = "moment"): string {
  const time = style === "moment" ? ({ timeStyle: "short" } as const) : {};
  return new Intl.DateTimeFormat(speech.language, { dateStyle: "medium", ...time }).format(seconds * 1000);
}

export const count = (value: number): string => new Intl.NumberFormat(speech.language).format(value);

export function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const format = { style: "unit", unit: units[power] ?? "byte", unitDisplay: "short", maximumFractionDigits: power === 0 ? 0 : 1 } as const;
  return new Intl.NumberFormat(speech.language, format).format(bytes / 1000 ** power);
}

export const share = (part: number, whole: number): string =>
  new Intl.NumberFormat(speech.language, { style: "percent" }).format(whole === 0 ? 1 : part / whole);

export const list = (items: readonly string[]): string => new Intl.ListFormat(speech.language).format(items);
