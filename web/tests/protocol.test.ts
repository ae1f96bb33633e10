// What the page believes, and what it refuses to.

import { ed25519 } from "@noble/curves/ed25519.js";
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { beforeAll, describe, expect, test } from "vitest";
import { base64, type Bytes, bytesToHex, concatBytes, digestOf, encode, randomBytes, sha256, utf8ToBytes } from "../src/protocol/bytes";
import { cardOf, type Genesis, genesisOf, OFFICES, readCard } from "../src/protocol/genesis";
import { headerLength, unwrap, wrap } from "../src/protocol/header";
import { parseObject } from "../src/protocol/json";
import { parse, sign, signStatement, verify } from "../src/protocol/jws";
import { fingerprint, identityFile, type Keys, keysOf, newSeed, readIdentityFile, recoveryWords, sameWords, seedOfWords } from "../src/protocol/keys";
import { openCheckpoint } from "../src/protocol/note";
import { ownerOf } from "../src/protocol/ownership";
import { Register } from "../src/protocol/register";
import { browsers, chunkNonce, nobles } from "../src/protocol/stream";
import { leafHash, Tree, verifyConsistency, verifyInclusion } from "../src/protocol/tree";

describe("JSON", () => {
  test("a member that stands twice is refused, at any depth", () => {
    expect(parseObject('{"a":1,"b":{"a":2}}')).toEqual({ a: 1, b: { a: 2 } });
    for (const text of ['{"a":1,"a":2}', '{"b":{"a":1,"a":2}}', '{"b":[{"a":1,"\\u0061":2}]}', "[]", "1", "{} {}", ""]) {
      expect(() => parseObject(text), text).toThrow();
    }
  });
});

describe("keys", () => {
  const seed = new Uint8Array(32).fill(7);

  test("an identity file is read back, and one that contradicts its seed is refused", async () => {
    const keys = await keysOf(seed);
    const file = identityFile(keys, "case 12");
    expect((await readIdentityFile(file)).keys.publicKey).toBe(keys.publicKey);
    await expect(readIdentityFile(file.replace("# seed: 07", "# seed: 08"))).rejects.toThrow();
    await expect(readIdentityFile("AGE-SECRET-KEY-1…")).rejects.toThrow();
  });

  test("24 words give the seed back, and a wrong word does not", () => {
    const words = recoveryWords(seed);
    expect(seedOfWords(words.toUpperCase().replaceAll(" ", "  "))).toEqual(seed);
    expect(() => seedOfWords(words.replace(/^\w+/u, "zoo"))).toThrow();
    expect(() => seedOfWords("abandon ".repeat(12))).toThrow();
  });

  test("words are compared whatever their case, spaces and hyphens", async () => {
    const { publicKey, recipient } = await keysOf(seed);
    const words = fingerprint(base64.decode(`${publicKey.replaceAll("-", "+").replaceAll("_", "/")}=`), recipient);
    expect(words.split(" ")).toHaveLength(8);
    expect(sameWords(words.toUpperCase().replaceAll(" ", "-"), words)).toBe(true);
    expect(sameWords(words.split(" ").slice(0, 7).join(" "), words)).toBe(false);
  });
});

describe("headers", () => {
  test("stock age reads them, and one for somebody else is not unwrapped", async () => {
    const [mine, other] = await Promise.all([generateX25519Identity(), generateX25519Identity()]);
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(mine));
    const file = await encrypter.encrypt("content");
    const length = headerLength(file);
    const fileKey = await unwrap(file.slice(0, length), mine);
    const rewrapped = concatBytes(await wrap(fileKey, [await identityToRecipient(other)]), file.slice(length));
    const decrypter = new Decrypter();
    decrypter.addIdentity(other);
    expect(await decrypter.decrypt(rewrapped, "text")).toBe("content");
    await expect(unwrap(file.slice(0, length), other)).rejects.toThrow();
    const broken = file.slice(0, length);
    broken[length - 3] = broken[length - 3] === 65 ? 66 : 65;
    await expect(unwrap(broken, mine)).rejects.toThrow();
  });

  test("nothing but an X25519 recipient is wrapped for", async () => {
    await expect(wrap(new Uint8Array(16), ["age1pq1abc"])).rejects.toThrow();
  });
});

describe("streams", () => {
  test("noble and the runtime's cipher agree where it has one", async () => {
    const [key, plain] = [randomBytes(32) as Bytes, randomBytes(65_536) as Bytes];
    const nonce = chunkNonce(2 ** 33 + 1, true);
    expect(bytesToHex(nonce)).toBe("0000000000000200000001".padStart(22, "0").concat("01"));
    const sealed = await nobles(key).seal(nonce, plain);
    expect(await nobles(key).open(nonce, sealed as Bytes)).toEqual(plain);
    const own = await browsers(key).then((aead) => aead.seal(nonce, plain), () => undefined);
    if (own) expect(own).toEqual(sealed);
    const changed = (sealed as Bytes).slice();
    changed[9] = (changed[9] ?? 0) ^ 1;
    expect(() => nobles(key).open(nonce, changed)).toThrow();
  });
});

describe("trees", () => {
  const leaves = Array.from({ length: 21 }, (_, place) => utf8ToBytes(`leaf ${place}`));
  const hash = (left: Uint8Array, right: Uint8Array) => sha256(concatBytes(Uint8Array.of(1), left, right));
  const largestPowerBelow = (size: number) => 2 ** Math.floor(Math.log2(size - 1));
  /** RFC 6962, section 2.1, by its words. */
  function root(part: readonly Uint8Array[]): Uint8Array {
    if (part.length <= 1) return part[0] ? leafHash(part[0]) : sha256(new Uint8Array());
    const at = largestPowerBelow(part.length);
    return hash(root(part.slice(0, at)), root(part.slice(at)));
  }
  function path(place: number, part: readonly Uint8Array[]): Uint8Array[] {
    if (part.length <= 1) return [];
    const at = largestPowerBelow(part.length);
    if (place < at) return [...path(place, part.slice(0, at)), root(part.slice(at))];
    return [...path(place - at, part.slice(at)), root(part.slice(0, at))];
  }
  function consistency(old: number, part: readonly Uint8Array[], whole: boolean): Uint8Array[] {
    if (old === part.length) return whole ? [] : [root(part)];
    const at = largestPowerBelow(part.length);
    if (old <= at) return [...consistency(old, part.slice(0, at), whole), root(part.slice(at))];
    return [...consistency(old - at, part.slice(at), false), root(part.slice(0, at))];
  }

  test("roots are those of RFC 6962 at every size", () => {
    const tree = new Tree();
    for (let size = 1; size <= leaves.length; size += 1) {
      tree.append(leafHash(leaves[size - 1] as Uint8Array));
      expect(bytesToHex(tree.root)).toBe(bytesToHex(root(leaves.slice(0, size))));
    }
    for (let size = 1; size <= leaves.length; size += 1) expect(bytesToHex(tree.rootAt(size) as Uint8Array)).toBe(bytesToHex(root(leaves.slice(0, size))));
  });

  test("every true proof verifies and every changed one does not", () => {
    for (let size = 1; size <= leaves.length; size += 1) {
      const part = leaves.slice(0, size);
      for (let place = 0; place < size; place += 1) {
        const proof = path(place, part);
        const leaf = leafHash(part[place] as Uint8Array);
        expect(() => verifyInclusion(leaf, place, size, root(part), proof)).not.toThrow();
        expect(() => verifyInclusion(leafHash(utf8ToBytes("another")), place, size, root(part), proof)).toThrow();
        expect(() => verifyInclusion(leaf, place, size, root(part), [...proof, leaf])).toThrow();
        if (proof.length > 0) expect(() => verifyInclusion(leaf, place, size, root(part), proof.slice(1))).toThrow();
        if (size > 1) expect(() => verifyInclusion(leaf, (place + 1) % size, size, root(part), proof)).toThrow();
      }
      for (let old = 1; old <= size; old += 1) {
        const proof = consistency(old, part, true);
        const before = root(part.slice(0, old));
        expect(() => verifyConsistency(old, before, size, root(part), proof)).not.toThrow();
        expect(() => verifyConsistency(old, root([utf8ToBytes("another")]), size, root(part), proof)).toThrow();
        if (proof.length > 0) expect(() => verifyConsistency(old, before, size, root(part), proof.slice(1))).toThrow();
      }
    }
  });
});

test("a proof of pieces that are not hashes proves nothing", () => {
  const leaves = ["a", "b", "c"].map((text) => leafHash(utf8ToBytes(text)));
  const left = sha256(concatBytes(Uint8Array.of(1), leaves[0] as Uint8Array, leaves[1] as Uint8Array));
  const last = leaves[2] as Uint8Array;
  const oldRoot = sha256(concatBytes(Uint8Array.of(1), left, last));
  const forged = leafHash(utf8ToBytes("forged"));
  const [none, joined, more] = [new Uint8Array(), concatBytes(left, last), randomBytes(32)];
  const right = sha256(concatBytes(Uint8Array.of(1), none, forged, more));
  const newRoot = sha256(concatBytes(Uint8Array.of(1), joined, right));
  expect(() => verifyConsistency(3, oldRoot, 4, newRoot, [none, concatBytes(forged, more), joined])).toThrow(/not a hash/u);
  expect(() => verifyInclusion(forged, 2, 4, newRoot, [more, joined])).toThrow(/not a hash/u);
});

describe("ownership", () => {
  const AUD = "a".repeat(64);
  let drawn = 0;
  const say = (kind: string, keys: Keys, iss: string, body: object) =>
    signStatement(kind, { iss, aud: AUD, jti: String((drawn += 1)), iat: 1, submit_by: 9, body }, keys);
  const pub = ({ publicKey, recipient }: Keys) => ({ signing_key: publicKey, recipient });

  test("follows keys to those of today, and takes nobody's word but the keys' own", async () => {
    const [mine, recovery, fresh, other] = await Promise.all([0, 1, 2, 3].map(() => keysOf(newSeed()))) as [Keys, Keys, Keys, Keys];
    const party = say("party", mine, mine.kid, { ...pub(mine), recovery: pub(recovery), role: { advocate: {} } });
    const recovered = say("recovery", recovery, mine.kid, { of: "advocate", keys: pub(fresh) });
    expect(ownerOf([party], AUD, { key: mine.publicKey }).recovery.recipient).toBe(recovery.recipient);
    const report = say("report", fresh, mine.kid, {});
    expect(ownerOf([party, recovered, report], AUD, { key: fresh.publicKey }).party).toBe(mine.kid);
    // Named as new key, or as recovery key, by somebody who made that up: it never spoke for them.
    expect(() => ownerOf([party, recovered], AUD, { key: fresh.publicKey })).toThrow();
    expect(ownerOf([party, recovered], AUD, { recovery: pub(recovery) }).party).toBe(mine.kid);
    expect(() => ownerOf([party], AUD, { recovery: { ...pub(recovery), recipient: other.recipient } })).toThrow();
    expect(() => ownerOf([party, recovered], AUD, { key: mine.publicKey })).toThrow();
    const rotation = say("rotation", mine, mine.kid, { of: "advocate", keys: pub(fresh) });
    const approval = say("approval", recovery, mine.kid, { approves: digestOf(rotation), matter: "rotation" });
    expect(() => ownerOf([party, rotation, report], AUD, { key: fresh.publicKey })).toThrow();
    expect(ownerOf([party, rotation, approval, report], AUD, { key: fresh.publicKey }).party).toBe(mine.kid);
    // What a broker would make up: an enrolment with its own recipient beside the true recovery key, or signed by others.
    const [head, , signature] = party.split(".");
    const body = { ...pub(mine), recovery: { ...pub(recovery), recipient: other.recipient }, role: { advocate: {} } };
    const claims = encode(utf8ToBytes(JSON.stringify({ iss: mine.kid, aud: AUD, jti: "x", iat: 1, submit_by: 9, body })));
    expect(() => ownerOf([`${head}.${claims}.${signature}`], AUD, { key: mine.publicKey })).toThrow();
    expect(() => ownerOf([say("party", other, mine.kid, body)], AUD, { key: mine.publicKey })).toThrow();
    expect(() => ownerOf([party, say("recovery", other, mine.kid, { of: "advocate", keys: pub(other) })], AUD, { key: mine.publicKey })).toThrow();
    expect(() => ownerOf([party], "b".repeat(64), { key: mine.publicKey })).toThrow();
  });
});

describe("statements", () => {
  test("another key, another character or another member in the header is refused", async () => {
    const [keys, other] = await Promise.all([keysOf(newSeed()), keysOf(newSeed())]);
    const text = signStatement("grant", { iss: keys.kid }, keys);
    expect(() => verify(parse(text), keys.publicKey)).not.toThrow();
    expect(() => verify(parse(text), other.publicKey)).toThrow();
    const [header, payload, signature] = text.split(".");
    expect(() => verify(parse(`${header}.${payload?.replace(/^./u, "f")}.${signature}`), keys.publicKey)).toThrow();
    const more = sign({ alg: "EdDSA", typ: "amana-grant-v1+jwt", kid: keys.kid, crit: ["x"] }, {}, keys.signing);
    expect(() => verify(parse(more), keys.publicKey)).toThrow();
    const none = sign({ alg: "none", typ: "amana-grant-v1+jwt", kid: keys.kid }, {}, keys.signing);
    expect(() => verify(parse(none), keys.publicKey)).toThrow();
  });
});

describe("the register", () => {
  const NOW = 1_800_000_000;
  interface Cast {
    readonly log: Uint8Array;
    readonly note: string;
    readonly genesis: Genesis;
    readonly offices: Record<string, Keys[]>;
    readonly root: Keys;
    readonly recovery: Keys;
  }
  let cast: Cast;

  beforeAll(async () => {
    const log = randomBytes(32);
    const caseLog = randomBytes(32);
    const publicOf = (secret: Uint8Array) => encode(ed25519.getPublicKey(secret));
    const offices: Record<string, Keys[]> = {};
    for (const office of OFFICES) offices[office] = await Promise.all([keysOf(newSeed()), keysOf(newSeed())]);
    const named = (office: string) => (offices[office] ?? []).map(({ publicKey }, place) => ({ name: `b.example/${office}-${place}`, key: publicKey }));
    const roles = Object.fromEntries(OFFICES.map((office) => [office, { keys: named(office), threshold: office === "administrators" || office === "council" ? 2 : 1 }]));
    const genesis = { v: 1, origin: "b.example", at: NOW, log_keys: { register: publicOf(log), case: publicOf(caseLog) }, witnesses: [], witness_quorum: 0, roles, bundle: "0".repeat(64), taxonomy: "1".repeat(64) } as unknown as Genesis;
    const signers: [string, Uint8Array][] = [["b.example/register", log], ["b.example/case", caseLog]];
    for (const office of OFFICES) for (const [place, keys] of (offices[office] ?? []).entries()) signers.push([`b.example/${office}-${place}`, keys.signing]);
    const text = `${JSON.stringify(genesis)}\n`;
    const note = `${text}\n${signers.map(([name, secret]) => line(name, secret, text)).join("")}`;
    cast = { log, note, genesis, offices, root: await keysOf(newSeed()), recovery: await keysOf(newSeed()) };
  });

  function line(name: string, secret: Uint8Array, text: string): string {
    const key = ed25519.getPublicKey(secret);
    const id = sha256(concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(1), key)).subarray(0, 4);
    return `— ${name} ${base64.encode(concatBytes(id, ed25519.sign(utf8ToBytes(text), secret)))}\n`;
  }

  const founded = () => new Register(genesisOf(cast.note, cardOf(cast.note)), cast.note);
  let drawn = 0;
  function stated(kind: string, keys: Keys, body: object, about: { subject?: string; iss?: string; prev?: string } = {}): string {
    const { subject, iss = keys.kid, prev } = about;
    const jti = String((drawn += 1));
    const claims = { iss, aud: digestOf(cast.note), jti, iat: NOW, submit_by: NOW + 1000, ...(subject ? { subject } : {}), ...(prev ? { prev } : {}), body };
    return signStatement(kind, claims, keys);
  }
  const entry = (statement: string, at = NOW) => JSON.stringify({ event: "accepted", at, statement });
  const enrolment = () => {
    const { root, recovery } = cast;
    const record = { name: "Mission", jurisdiction: "J", class: "un-mechanism", mandate: ["commission-of-inquiry"], mandate_until: NOW * 2 };
    const keys = { signing_key: root.publicKey, recipient: root.recipient, recovery: { signing_key: recovery.publicKey, recipient: recovery.recipient } };
    return stated("party", root, { ...keys, role: { institution: record } });
  };
  let enrolmentText = "";
  /** The same enrolment again, so that a statement about it fits. */
  function enrolledAs(statement: string): Register {
    const register = founded();
    register.append(entry(enrolmentText));
    expect(digestOf(enrolmentText)).toBe(statement);
    return register;
  }
  const office = (name: string, place: number): Keys => (cast.offices[name] as Keys[])[place] as Keys;

  function enrolled(): { register: Register; statement: string; id: string } {
    const register = founded();
    const statement = enrolment();
    enrolmentText = statement;
    register.append(entry(statement));
    return { register, statement: digestOf(statement), id: cast.root.kid };
  }

  test("a genesis under another card, or not signed by everybody, is another broker", () => {
    expect(() => genesisOf(cast.note, readCard(`b.example#${"0".repeat(64)}`))).toThrow();
    const lines = cast.note.trimEnd().split("\n");
    expect(() => cardOf(`${lines.slice(0, -1).join("\n")}\n`)).toThrow();
  });

  test("two administrators admit, one does not, and nobody twice", () => {
    const { register, statement, id } = enrolled();
    const admission = stated("admission", office("administrators", 0), { institution: id, record: statement }, { subject: statement });
    register.append(entry(admission));
    const isAdmitted = () => register.isAdmitted(register.institutions.get(id) as never);
    const approval = (keys: Keys) => entry(stated("approval", keys, { approves: digestOf(admission) }, { subject: digestOf(admission) }));
    expect(isAdmitted()).toBe(false);
    expect(() => register.append(approval(office("administrators", 0)))).toThrow(/adds nothing/u);
    register.append(approval(office("council", 0)));
    expect(isAdmitted()).toBe(false);
    register.append(approval(office("administrators", 1)));
    expect(isAdmitted()).toBe(true);
  });

  test("a page is vouched for by two administrators, and only that page", () => {
    const { register } = enrolled();
    const release = stated("web-release", office("administrators", 0), { assets: "a".repeat(64), version: "1" });
    register.append(entry(release));
    expect(register.vouchedPage("a".repeat(64))).toBeUndefined();
    register.append(entry(stated("approval", office("administrators", 1), { approves: digestOf(release) }, { subject: digestOf(release) })));
    expect(register.vouchedPage("a".repeat(64))).toBe(2);
    expect(register.vouchedPage("b".repeat(64))).toBeUndefined();
  });

  test("what the wrong hand signs breaks the register", () => {
    const { root, recovery } = cast;
    const { statement, id } = enrolled();
    const of = { subject: statement };
    const wrong: string[] = [
      stated("admission", root, { institution: id, record: statement }, of),
      stated("attestation", office("administrators", 0), { institution: id, kind: "mandate", until: NOW * 2 }, of),
      stated("recipient-key", office("administrators", 0), { institution: id, unit: "u", recipient: root.recipient }, of),
      stated("recipient-key", recovery, { institution: id, unit: "u", recipient: root.recipient }, { ...of, iss: id }),
      stated("officer", root, { institution: office("auditors", 0).kid, signing_key: recovery.publicKey, unit: "u", until: NOW * 2 }, of),
      stated("roster", office("auditors", 0), { number: 1, roster: cast.genesis }),
      stated("web-release", office("council", 0), { assets: "a".repeat(64), version: "1" }),
      stated("grant", root, {}),
    ];
    for (const text of wrong) expect(() => enrolled().register.append(entry(text)), text).toThrow();
  });

  test("a statement that comes twice, too late, or for another broker breaks it", () => {
    const { register, statement } = enrolled();
    const terms = (prev: string) => stated("terms", cast.root, { institution: cast.root.kid }, { subject: statement, prev });
    const once = terms(statement);
    register.append(entry(once));
    expect(() => register.append(entry(once))).toThrow(/before/u);
    const another = enrolled();
    const late = stated("terms", cast.root, { institution: cast.root.kid }, { subject: another.statement, prev: another.statement });
    expect(() => another.register.append(entry(late, NOW + 2000))).toThrow(/too late/u);
    const elsewhere = signStatement("terms", { iss: cast.root.kid, aud: "0".repeat(64), jti: "x", iat: NOW, submit_by: NOW + 9, body: {} }, cast.root);
    expect(() => enrolled().register.append(entry(elsewhere))).toThrow(/another broker/u);
  });

  test("a new key takes the place of the old one, and the old one signs nothing more", async () => {
    const { register, statement, id } = enrolled();
    const fresh = await keysOf(newSeed());
    const body = { of: "institution", keys: { signing_key: fresh.publicKey, recipient: fresh.recipient } };
    const recovered = stated("recovery", cast.recovery, body, { subject: statement, iss: id, prev: statement });
    register.append(entry(recovered));
    const about = { subject: statement, iss: id, prev: digestOf(recovered) };
    const key = (keys: Keys) => entry(stated("recipient-key", keys, { institution: id, unit: "u", recipient: fresh.recipient }, about));
    expect(() => register.append(key(cast.root))).toThrow();
    register.append(key(fresh));
    expect(register.currentKeys(id)).toHaveLength(1);
  });

  test("statements are read in the order in which they were made, and about what they say", () => {
    const { statement, id } = enrolled();
    const key = (unit: string, prev: string, subject = statement) => stated("recipient-key", cast.root, { institution: id, unit, recipient: cast.root.recipient }, { subject, prev });
    const first = key("one", statement);
    const second = key("two", digestOf(first));
    const inOrder = enrolledAs(statement);
    inOrder.append(entry(first));
    inOrder.append(entry(second));
    expect(() => enrolledAs(statement).append(entry(second))).toThrow(/order/u);
    expect(() => enrolledAs(statement).append(entry(key("one", statement, "0".repeat(64))))).toThrow(/something else/u);
  });

  test("a lifting lifts the suspension it was proposed for and no later one", () => {
    const { register, statement, id } = enrolled();
    const [first, second] = [office("administrators", 0), office("administrators", 1)];
    const last = new Map<string, string>();
    const say = (kind: string, keys: Keys, body: object, subject: string) => {
      const prev = last.get(`${keys.kid} ${subject}`);
      const text = stated(kind, keys, body, { subject, ...(prev ? { prev } : {}) });
      last.set(`${keys.kid} ${subject}`, digestOf(text));
      register.append(entry(text));
      return digestOf(text);
    };
    const approve = (keys: Keys, approves: string) => say("approval", keys, { approves }, approves);
    const act = (keys: Keys, what: string) => say("suspension", keys, { institution: id, act: what, reason: "r" }, statement);
    act(first, "suspend");
    const lifts = [act(first, "lift"), act(first, "lift")];
    approve(second, lifts[0] as string);
    expect(register.institutions.get(id)?.suspendedBy).toBeUndefined();
    act(first, "suspend");
    expect(() => approve(second, lifts[1] as string)).toThrow(/another suspension/u);
  });

  test("a checkpoint of fewer or other entries, or by another key, is refused", () => {
    const { register } = enrolled();
    const signed = (size: number, root: Uint8Array, secret = cast.log, name = "b.example/register") => {
      const text = `b.example/register\n${size}\n${base64.encode(root)}\n`;
      return `${text}\n${line(name, secret, text)}`;
    };
    const root = Uint8Array.from(register.seen.root.match(/../gu) ?? [], (byte) => Number.parseInt(byte, 16));
    expect(() => register.check(signed(2, root))).not.toThrow();
    expect(() => register.check(signed(1, root))).toThrow(/shrank/u);
    expect(() => register.check(signed(3, root))).toThrow();
    expect(() => register.check(signed(2, randomBytes(32)))).toThrow();
    expect(() => register.check(signed(2, root, randomBytes(32)))).toThrow();
    expect(() => openCheckpoint(signed(2, root, cast.log, "b.example/case"), register.logKey("register"))).toThrow();
  });
});
