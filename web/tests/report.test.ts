// What a sealed report is made of, against the values the command line's tests have.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compare, digestOfBundle, type Files } from "../src/client/rules";
import { type ConsentRegister, check, type Proposed } from "../src/report/consent";
import { hiddenIn } from "../src/report/metadata";
import { type Item, toIndex, validate } from "../src/report/manifest";
import { faultOf, isMemberAt, member } from "../src/report/name";
import { bucket } from "../src/report/padme";
import { BLOCK, heading, parse, parsePax, unpaddedBytes } from "../src/report/tar";

test("sizes fall into the same buckets", () => {
  const pairs = [[0, 16_384], [16_384, 16_384], [16_385, 17_408], [1_000_000, 1_015_808], [2 ** 38, 2 ** 38]] as const;
  for (const [bytes, expected] of pairs) expect(bucket(bytes)).toBe(expected);
});

describe("names", () => {
  test("members are plain in any script", () => {
    expect(member(0, "media/P-01_gate.PNG")).toBe("files/0001-p-01-gate.png");
    expect(member(1, "تسجيل.wav")).toBe("files/0002-item.wav");
    expect(member(2, "README")).toBe("files/0003-readme");
    expect(member(3, ".hidden")).toBe("files/0004-item.hidden");
    expect(member(9_998, "a")).toBe("files/9999-a");
  });

  test("only given member names are members", () => {
    expect(isMemberAt(0, "files/0001-p-01-gate.png")).toBe(true);
    const wrong = ["files/0002-a", "files/1-a", "files/0001-", "files/0001-A", "files/0001-a--b", "files/0001-a.", "files/0001-a.b.c"];
    for (const name of [...wrong, "files/0001-../a", "files/0001-a/b", "x/0001-a", "files/0001-a.toolongext"]) {
      expect(isMemberAt(0, name), name).toBe(false);
    }
  });

  test("real names may be in any script, and do not climb or mislead", () => {
    for (const good of ["a", "media/صورة.png", "ছবি/ক.png", "..a", "a b"]) expect(faultOf(good), good).toBeUndefined();
    const bad = ["", "/a", "a//b", "../a", "a/./b", "a/..", "a\nb", "a\u202egnp.exe", "\u200fa", "a\\b", "a".repeat(256)];
    for (const name of bad) expect(faultOf(name), JSON.stringify(name)).toBeDefined();
  });
});

describe("archives", () => {
  const file = { name: "files/0001-a.txt", bytes: 5, mtime: 1_700_000_000 };

  test("a header is read as it was written", () => {
    expect(parse(heading(file))).toEqual({ file });
  });

  test("sizes from 8 GiB on stand in an extended header", () => {
    const large = { ...file, bytes: 2 ** 33 };
    const blocks = heading(large);
    expect(blocks.length).toBe(3 * BLOCK);
    const pax = parse(blocks.subarray(0, BLOCK));
    expect(pax).toHaveProperty("pax");
    expect(parsePax(blocks.subarray(BLOCK, BLOCK + (pax as { pax: number }).pax))).toBe(2 ** 33);
    expect(unpaddedBytes([2 ** 33])).toBe(3 * BLOCK + 3 * BLOCK + 2 ** 33);
  });

  test("a header that differs in any byte is refused, or is another member", () => {
    const good = heading(file);
    for (let place = 0; place < BLOCK; place += 1) {
      const other = good.slice();
      other[place] = (other[place] ?? 0) ^ 1;
      expect(() => parse(other), `byte ${place}`).toThrow();
    }
  });
});

describe("manifests", () => {
  const item = (path: string, place: number): Item => ({ path, member: member(place, path), bytes: 1, sha256: "0".repeat(64), mtime: "2026-03-17T00:00:00Z", role: "photo", persons: [] });

  test("a name that stands twice, or climbs, or has another member's name is refused", () => {
    const of = (...items: Item[]) => () => validate({ v: 1, kind: "original", items });
    expect(of(item("a", 0), item("b", 1))).not.toThrow();
    expect(of(item("a", 0), item("A", 1))).toThrow();
    expect(of(item("../a", 0))).toThrow();
    expect(of({ ...item("a", 0), member: member(1, "a") })).toThrow();
  });

  test("the index quotes what a spreadsheet would misread", () => {
    expect(toIndex([item('a,"b".png', 0)])).toContain('files/0001-a-b.png,"a,""b"".png",');
  });
});

test("hidden data is noticed and a plain picture is not", async () => {
  const jpeg = (...marker: number[]) => new Blob([Uint8Array.of(0xff, 0xd8, ...marker, 0xff, 0xda, 0, 2)]);
  const exif = [0xff, 0xe1, 0, 10, 0x45, 0x78, 0x69, 0x66, 0, 0, 0, 0];
  expect(await hiddenIn(jpeg(...exif))).toBe("hidden-jpeg");
  expect(await hiddenIn(jpeg())).toBeUndefined();
});

describe("persons' consent", () => {
  // Written by the command line's tests: `UPDATE=1 cargo test --test it -- judged_alike`.
  interface Case { readonly register: ConsentRegister; readonly items: Item[]; readonly ask: Proposed; readonly beyond: string[]; readonly review_by?: string }
  const cases: Case[] = readFileSync("../tests/golden/consent.jsonl", "utf8").trim().split("\n").map((line) => JSON.parse(line));

  test(`is judged as the command line judges it, in ${cases.length} cases`, () => {
    for (const { register, items, ask, beyond, review_by } of cases) {
      const judged = check(register, items, ask);
      expect(judged.beyond.map(({ code, why }) => `${code} ${why}`).toSorted(), JSON.stringify({ register, items, ask })).toEqual(beyond);
      if (beyond.length === 0) expect(judged.reviewBy).toBe(review_by);
    }
  });

  test("allows something and refuses something in them", () => {
    const allowed = cases.filter(({ beyond }) => beyond.length === 0).length;
    expect(allowed).toBeGreaterThan(20);
    expect(allowed).toBeLessThan(cases.length - 20);
  });

  test("a grant for no purpose is within nobody's consent", () => {
    const [one] = cases.filter(({ beyond }) => beyond.length === 0);
    const person = { code: "P-01", roles: ["person"], status: "given" as const };
    expect(check({ v: 1, persons: [person] }, [], { ...(one as Case).ask, identification: "redacted", purposes: [] }).beyond).not.toEqual([]);
  });
});

describe("rules", () => {
  const shipped: Files = { "forbids.cedar": readFileSync("../policies/forbids.cedar", "utf8"), "permits.cedar": readFileSync("../policies/permits.cedar", "utf8") };

  test("a bundle has the digest that sha256sum's lines have", () => {
    expect(digestOfBundle({ b: "2", a: "1" })).toBe("68c2919f4305e50800082ab7f11eb17d96c7832f59154e97b1d373a5179a63ea");
  });

  test("are compared one by one", () => {
    const other = { ...shipped, "forbids.cedar": (shipped["forbids.cedar"] ?? "").replace("The grant was made to another institution.", "Another one.").replace(/@id\("embargo"\)[\s\S]*?(?=@id)/u, "") };
    expect(compare(shipped, shipped).filter(({ difference }) => difference !== "equal")).toEqual([]);
    expect(compare(shipped, shipped).length).toBe([...Object.values(shipped).join("").matchAll(/@id\(/gu)].length);
    const found = compare(shipped, other).filter(({ difference }) => difference !== "equal");
    expect(found.map(({ id, difference }) => [id, difference]).toSorted()).toEqual([["embargo", "added"], ["other-institution", "changed"]]);
    expect(compare(other, shipped).find(({ id }) => id === "embargo")?.difference).toBe("removed");
  });
});
