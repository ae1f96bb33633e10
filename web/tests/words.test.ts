// Every language says everything that English says, with the same things put in.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const LANGUAGES = ["fr", "es", "ar", "pt", "sw"];
const english: Record<string, string> = json("src/words/en.json");
const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/gu)].map(([found]) => found).toSorted();

describe.each(LANGUAGES)("%s", (language) => {
  const words: Record<string, string> = json(`src/words/${language}.json`);

  test("has every text of English and no other", () => {
    expect(Object.keys(words).toSorted()).toEqual(Object.keys(english).toSorted());
  });

  test("puts in what English puts in, and says something", () => {
    for (const [id, text] of Object.entries(words)) {
      expect(placeholders(text), id).toEqual(placeholders(english[id] ?? ""));
      expect(text.trim(), id).not.toBe("");
    }
  });

  test("is not English where a sentence is meant", () => {
    const same = Object.entries(words).filter(([id, text]) => text === english[id] && text.split(" ").length > 3);
    expect(same).toEqual([]);
  });

  test("says what each purpose means, without direction marks that could mislead", () => {
    const file = ["pt", "sw"].includes(language) ? `src/words/purposes-${language}.json` : `../src/client/receipt/words/${language}.json`;
    const { purposes } = json(file);
    const known = Object.keys(json("../policies/taxonomy.json").purposes);
    expect(Object.keys(purposes).toSorted()).toEqual(known.toSorted());
    for (const purpose of Object.values<Record<string, string>>(purposes)) {
      for (const part of ["title", "who_learns", "publicity", "undo"]) expect(purpose[part]?.trim()).toBeTruthy();
    }
    expect(JSON.stringify(words)).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/u);
  });
});

test("the rules' reasons are those of the policies, word for word", () => {
  const rules = readFileSync("../policies/forbids.cedar", "utf8");
  const found = [...rules.matchAll(/@id\("([^"]+)"\)\s*@reason\("((?:[^"\\]|\\.)*)"\)\s*@advice\("((?:[^"\\]|\\.)*)"\)/gu)];
  expect(found.length).toBe([...rules.matchAll(/@id\(/gu)].length);
  for (const [, id, reason, advice] of found) {
    expect(english[`reason-${id}`], id).toBe(`${reason} ${advice}`.replaceAll('\\"', '"'));
  }
});
