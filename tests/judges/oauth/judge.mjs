// A stock OAuth client (openid-client, certified for OpenID) against a running broker: metadata, private_key_jwt, DPoP
// with the server's nonce. Then curl, with the token and a fresh proof per request, fetches what the token is for, and
// everything a thief of the token could try is refused.
// usage: node judge.mjs BROKER.json OUT.age      (writes the release it downloads to OUT.age)
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { openSync, readFileSync, readSync } from "node:fs";
import { promisify } from "node:util";
import { exportJWK, SignJWT } from "jose";
import * as oauth from "openid-client";

const run = promisify(execFile);
const AGE = "age-encryption.org/v1";

const [brokerFile, outFile] = process.argv.slice(2);
if (!outFile) {
  console.error("usage: node judge.mjs BROKER.json OUT.age");
  process.exit(2);
}
const broker = JSON.parse(readFileSync(brokerFile, "utf8"));
const grants = new URL("/v1/grants", broker.url);
const report = new URL(`/v1/releases/${broker.release}/report.age`, broker.url);

const officer = await clientFor(broker.clients.officer);
const metadata = officer.config.serverMetadata();
assert.ok(metadata.token_endpoint_auth_methods_supported.includes("private_key_jwt"));
assert.ok(metadata.grant_types_supported.includes("client_credentials"));
assert.ok(metadata.dpop_signing_alg_values_supported.includes("ES256"));
holds("the metadata document names private_key_jwt, client_credentials and DPoP with ES256");

// The library's own defaults: assertion with alg `Ed25519` (RFC 9864), proofs with ES256.
const proofKeys = await oauth.randomDPoPKeyPair("ES256", { extractable: true });
const handle = oauth.getDPoPHandle(officer.config, proofKeys);
const token = await oauth.clientCredentialsGrant(officer.config, {}, { DPoP: handle });
assert.equal(token.token_type.toLowerCase(), "dpop");
assert.ok(token.expires_in > 0 && token.expires_in <= 600);
holds("an unmodified client gets a DPoP token that lives at most ten minutes");

const [asked, answered] = officer.seen.filter(({ url }) => url === metadata.token_endpoint);
assert.equal(asked.status, 400);
assert.equal(asked.error, "use_dpop_nonce");
assert.ok(asked.nonce);
assert.equal(answered.status, 200);
holds("the token endpoint first asks for its DPoP nonce");

const listed = await oauth.fetchProtectedResource(
  officer.config, token.access_token, grants, "GET", undefined, undefined, { DPoP: handle },
);
assert.equal(listed.status, 200);
await listed.json();
holds("the client reads GET /v1/grants with it");

// The other names of the same signature: `EdDSA` (RFC 8037) for the assertion, Ed25519 proofs.
const older = await clientFor(broker.clients.officer, (header) => { header.alg = "EdDSA"; });
const edKeys = await oauth.randomDPoPKeyPair("Ed25519", { extractable: true });
const edToken = await oauth.clientCredentialsGrant(older.config, {}, { DPoP: oauth.getDPoPHandle(older.config, edKeys) });
assert.notEqual(edToken.access_token, token.access_token);
holds("an assertion with alg EdDSA and Ed25519 proofs work as well");

const auditor = await clientFor(broker.clients.auditor);
await oauth.clientCredentialsGrant(auditor.config, {}, {
  DPoP: oauth.getDPoPHandle(auditor.config, await oauth.randomDPoPKeyPair()),
});
holds("the auditor gets a token too");

const impostor = await clientFor({ ...broker.clients.officer, jwk: broker.clients.auditor.jwk });
await assert.rejects(
  oauth.clientCredentialsGrant(impostor.config, {}, {
    DPoP: oauth.getDPoPHandle(impostor.config, await oauth.randomDPoPKeyPair()),
  }),
  (error) => error.error === "invalid_client",
);
holds("an assertion signed with another party's key is invalid_client");

const without = await curl(grants, await withProof(grants, {}));
assert.equal(without.status, 401);
assert.match(without.headers["www-authenticate"], /DPoP\b.*error="use_dpop_nonce"/);
const nonce = without.headers["dpop-nonce"];
assert.ok(nonce);
holds("curl without a nonce is answered 401 use_dpop_nonce with a nonce");

const fresh = await withProof(grants, { nonce });
const first = await curl(grants, fresh);
assert.equal(first.status, 200);
JSON.parse(first.body);
holds("curl with a fresh proof reads GET /v1/grants");

assert.equal((await curl(grants, fresh)).status, 401);
holds("the same proof a second time is refused");

const bearer = await withProof(grants, { nonce });
assert.equal((await curl(grants, { ...bearer, Authorization: `Bearer ${token.access_token}` })).status, 401);
assert.equal((await curl(grants, { Authorization: `Bearer ${token.access_token}` })).status, 401);
assert.equal((await curl(grants, { Authorization: `DPoP ${token.access_token}` })).status, 401);
assert.equal((await curl(grants, {})).status, 401);
holds("the token as a bearer token, without a proof, or no token at all: refused");

assert.equal((await curl(grants, await withProof(grants, { nonce, keys: edKeys, alg: "Ed25519" }))).status, 401);
holds("a proof by another key is refused");

assert.equal((await curl(grants, await withProof(report, { nonce }))).status, 401);
assert.equal((await curl(grants, await withProof(grants, { nonce, method: "POST" }))).status, 401);
assert.equal((await curl(grants, await withProof(grants, { nonce, ath: edToken.access_token }))).status, 401);
holds("a proof for another address, method or token is refused");

const whole = await curl(report, await withProof(report, { nonce }), ["--output", outFile]);
assert.equal(whole.status, 200);
assert.equal(beginning(outFile), AGE);
holds("curl downloads the release, an age file");

const part = await curl(report, { ...(await withProof(report, { nonce })), Range: `bytes=0-${AGE.length - 1}` });
assert.equal(part.status, 206);
assert.equal(part.body, AGE);
holds("a Range of it is answered 206 with exactly those bytes");

/** A configured client, and the list of answers it saw. `adjust` may change the assertion's header. */
async function clientFor({ client_id, jwk }, adjust) {
  const seen = [];
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "Ed25519" }, false, ["sign"]);
  const authentication = oauth.PrivateKeyJwt({ key, kid: client_id }, adjust && { [oauth.modifyAssertion]: adjust });
  const config = await oauth.discovery(new URL(broker.issuer), client_id, {}, authentication, {
    algorithm: "oauth2",
    execute: [oauth.allowInsecureRequests], // loopback only; the broker stands behind a TLS proxy
    [oauth.customFetch]: async (url, options) => {
      const response = await fetch(url, options);
      const body = response.ok ? {} : await response.clone().json().catch(() => ({}));
      seen.push({ url: String(url), status: response.status, error: body.error, nonce: response.headers.get("dpop-nonce") });
      return response;
    },
  });
  return { config, seen };
}

/** The two headers of a request with the officer's token and a fresh proof (RFC 9449, section 4.2). */
async function withProof(url, { nonce, keys = proofKeys, alg = "ES256", method = "GET", ath = token.access_token }) {
  const { kty, crv, x, y } = await exportJWK(keys.publicKey);
  const jwk = y === undefined ? { kty, crv, x } : { kty, crv, x, y };
  const proof = await new SignJWT({
    jti: randomUUID(),
    htm: method,
    htu: url.origin + url.pathname,
    ath: createHash("sha256").update(ath).digest("base64url"),
    ...(nonce && { nonce }),
  })
    .setProtectedHeader({ typ: "dpop+jwt", alg, jwk })
    .setIssuedAt()
    .sign(keys.privateKey);
  return { Authorization: `DPoP ${token.access_token}`, DPoP: proof };
}

/** One request by curl; the answer's status, headers (names in lower case) and body. */
async function curl(url, headers, more = []) {
  const options = ["--silent", "--show-error", "--max-time", "30", "--dump-header", "-", ...more];
  for (const [name, value] of Object.entries(headers)) options.push("--header", `${name}: ${value}`);
  const { stdout } = await run("curl", [...options, String(url)], { encoding: "latin1", maxBuffer: 1 << 26 });
  const end = stdout.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = stdout.slice(0, end).split("\r\n");
  return {
    status: Number(statusLine.split(" ")[1]),
    headers: Object.fromEntries(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    })),
    body: stdout.slice(end + 4),
  };
}

function beginning(file) {
  const bytes = Buffer.alloc(AGE.length);
  readSync(openSync(file, "r"), bytes, 0, bytes.length, 0);
  return bytes.toString("latin1");
}

function holds(claim) {
  console.log(`ok: oauth: ${claim}`);
}
