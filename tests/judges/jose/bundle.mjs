// A stock JOSE library verifies every statement of exported audit bundles, with keys found in the bundle alone. Together they
// have to hold every kind of statement: no single story has all of them.
// usage: node bundle.mjs AUDIT_FOLDER…
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from "jose";

/** Every kind there is. Each has to occur, or this judge has not seen it. */
const KINDS = [
  "acknowledgement", "admission", "approval", "attestation", "audited", "call", "closing", "freeze", "grant", "handover",
  "notice", "officer", "owner-header", "party", "question", "recipient-key", "record", "recovery", "refusal",
  "release-request", "report", "request", "resumption", "revocation", "roster", "rotation", "status", "suspension", "terms",
  "thaw", "web-release", "withdrawal",
];

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error("usage: node bundle.mjs AUDIT_FOLDER…");
  process.exit(2);
}

const kinds = new Map(KINDS.map((kind) => [kind, 0]));
/**
 * Of the bundle being read: the digest of its genesis; public keys by their thumbprint, as it shows them, each with the party
 * it signs for; of each party the keys in force; and rotations that wait for the recovery key, by their digest.
 */
let digest, keys, parties, rotations;
for (const folder of folders) await read(folder);
const missing = KINDS.filter((kind) => kinds.get(kind) === 0);
assert.deepEqual(missing, [], `kinds that do not occur: ${missing}`);
const total = [...kinds.values()].reduce((sum, count) => sum + count, 0);
holds(`all ${total} statements of ${folders.length} bundles verify with keys found in them, and all ${KINDS.length} kinds occur`);
holds("each is signed for its iss, and whatever is no freeze by a key that no other has taken the place of");
holds("each, changed in one character of its payload or under another key of the bundle, is refused");

async function read(folder) {
  const text = (name) => readFileSync(join(folder, name), "utf8");
  const lines = (name) => text(name).split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  const note = text("genesis.note");
  digest = createHash("sha256").update(note).digest("hex");
  [keys, parties, rotations] = [new Map(), new Map(), new Map()];
  for (const office of Object.values(JSON.parse(note.split("\n")[0]).roles)) {
    for (const { key } of office.keys) await know(key);
  }
  const register = lines("register.jsonl").map((shared) => JSON.parse(shared));
  const genesisEntry = register.shift();
  assert.equal(genesisEntry.event, "genesis-laid");
  assert.equal(genesisEntry.statement, note);
  // The case log says how much of the register stood there at each of its entries: a key is known before it signs. What a
  // roll-forward lost says nothing any more.
  let seen = 1;
  for (const { shared } of lines("case.jsonl").filter((line) => line.shared !== undefined)) {
    const entry = JSON.parse(shared);
    for (; seen < entry.register_size; seen += 1) await judge(register.shift());
    await judge(entry);
  }
  for (const entry of register) await judge(entry);
}

async function judge({ event, statement }) {
  if (statement === undefined) return;
  assert.ok(["accepted", "released", "release-denied"].includes(event), `a statement stands with ${JSON.stringify(event)}`);
  const header = decodeProtectedHeader(statement);
  assert.deepEqual(Object.keys(header).sort(), ["alg", "kid", "typ"]);
  assert.equal(header.alg, "EdDSA");
  const kind = /^amana-(.+)-v1\+jwt$/.exec(header.typ)?.[1];
  assert.ok(kinds.has(kind), `an unknown kind of statement: ${header.typ}`);
  // Who enrols brings the key along; its thumbprint has to be the kid.
  if (kind === "party") {
    const { body } = JSON.parse(Buffer.from(statement.split(".")[1], "base64url"));
    const signing = await know(body.signing_key);
    assert.equal(signing, header.kid);
    parties.set(signing, { signing, recovery: await know(body.recovery.signing_key, signing) });
  }
  const signer = keys.get(header.kid);
  assert.ok(signer, `${header.typ} is signed by a key that the bundle does not show before it`);
  const { payload } = await compactVerify(statement, signer.key, { algorithms: ["EdDSA"] });
  const claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  assert.equal(claims.aud, digest);
  assert.equal(claims.iss, signer.party, `${header.typ} is signed for somebody else`);
  assert.ok(!signer.superseded || kind === "freeze", `${header.typ} is signed by a key that was replaced`);
  await learn(kind, header.kid, claims, createHash("sha256").update(statement).digest("hex"));
  kinds.set(kind, kinds.get(kind) + 1);
  await refused(changed(statement), signer.key);
  await refused(statement, [...keys].find(([kid]) => kid !== header.kid)[1].key);
}

/** What a statement says about keys. */
async function learn(kind, kid, { iss, body }, id) {
  const recovers = kid === parties.get(iss)?.recovery;
  if (kind === "officer") await know(body.signing_key);
  else if (kind === "rotation") rotations.set(id, { iss, keys: body.keys });
  else if (kind === "recovery") {
    assert.ok(recovers, "a recovery by another key than the recovery key");
    await replace(iss, body.keys);
  } else if (kind === "approval" && rotations.has(body.approves)) {
    const rotation = rotations.get(body.approves);
    assert.ok(recovers && rotation.iss === iss, "a rotation approved by another key than the recovery key");
    await replace(iss, rotation.keys);
  }
}

/** Other keys take the place of a party's. */
async function replace(party, { signing_key, recovery }) {
  const held = parties.get(party);
  keys.get(held.signing).superseded = true;
  held.signing = await know(signing_key, party);
  if (recovery === undefined) return;
  keys.get(held.recovery).superseded = true;
  held.recovery = await know(recovery.signing_key, party);
}

/** Keeps a public key under its RFC 7638 thumbprint, which is the answer; it signs for a party of its own unless one is named. */
async function know(x, party) {
  const jwk = { kty: "OKP", crv: "Ed25519", x };
  const kid = await calculateJwkThumbprint(jwk, "sha256");
  keys.set(kid, { key: await importJWK(jwk, "EdDSA"), party: party ?? kid, superseded: false });
  return kid;
}

/** The same statement with one character in the middle of its payload replaced by another of the alphabet. */
function changed(statement) {
  const [head, body, signature] = statement.split(".");
  const middle = Math.floor(body.length / 2);
  return [head, body.slice(0, middle) + (body[middle] === "A" ? "B" : "A") + body.slice(middle + 1), signature].join(".");
}

async function refused(statement, key) {
  await assert.rejects(() => compactVerify(statement, key, { algorithms: ["EdDSA"] }));
}

function holds(claim) {
  console.log(`ok: jose: ${claim}`);
}
