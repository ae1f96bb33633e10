// A stock JOSE library verifies a grant statement from the documented protocol alone.
// usage: node judge.mjs BROKER.json
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK } from "jose";

const [brokerFile] = process.argv.slice(2);
if (!brokerFile) {
  console.error("usage: node judge.mjs BROKER.json");
  process.exit(2);
}
const broker = JSON.parse(readFileSync(brokerFile, "utf8"));
const statement = broker.grant_statement;
const signer = broker.grant_signer;
const key = await importJWK(signer, "EdDSA");

const header = decodeProtectedHeader(statement);
assert.deepEqual(Object.keys(header).sort(), ["alg", "kid", "typ"]);
assert.equal(header.alg, "EdDSA");
assert.equal(header.typ, "amana-grant-v1+jwt");
holds("the header has exactly alg EdDSA, typ amana-grant-v1+jwt and kid");

assert.equal(header.kid, await calculateJwkThumbprint(signer, "sha256"));
holds("kid is the RFC 7638 thumbprint of the signing key");

const { payload } = await compactVerify(statement, key, { algorithms: ["EdDSA"] });
holds("the signature verifies");

const claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
assert.equal(claims.aud, broker.genesis_digest);
assert.match(claims.iss, /^[A-Za-z0-9_-]{43}$/);
assert.match(claims.jti, /^[A-Za-z0-9_-]{22}$/);
assert.ok(Number.isSafeInteger(claims.iat) && Number.isSafeInteger(claims.submit_by));
assert.ok(claims.iat < claims.submit_by && claims.submit_by <= claims.iat + 30 * 86400);
holds("iss, aud, jti, iat and submit_by are as documented");

assert.ok(!("exp" in claims) && !("nbf" in claims));
holds("exp and nbf are absent, so that verifiers still accept old statements");

const [head, body, signature] = statement.split(".");
await refused([head, changed(body), signature].join("."));
await refused([head, body, changed(signature)].join("."));
await refused([changed(head), body, signature].join("."));
holds("a statement changed in any of its three parts is refused");

/** The same text with one character in the middle replaced by another of the alphabet. */
function changed(text) {
  const middle = Math.floor(text.length / 2);
  return text.slice(0, middle) + (text[middle] === "A" ? "B" : "A") + text.slice(middle + 1);
}

async function refused(text) {
  await assert.rejects(() => compactVerify(text, key, { algorithms: ["EdDSA"] }));
}

function holds(claim) {
  console.log(`ok: jose: ${claim}`);
}
