// typage opens a released report; the plaintext is written out for comparison with the other implementations.
// usage: node judge.mjs IDENTITY.txt REPORT.age OUT.tar
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { Decrypter, generateIdentity } from "age-encryption";

const [identityFile, reportFile, outFile] = process.argv.slice(2);
if (!outFile) {
  console.error("usage: node judge.mjs IDENTITY.txt REPORT.age OUT.tar");
  process.exit(2);
}
// The age identity file format: comments, empty lines, one identity a line.
const identities = readFileSync(identityFile, "utf8")
  .split("\n")
  .map((line) => line.trim())
  .filter((line) => line !== "" && !line.startsWith("#"));
const sealed = readFileSync(reportFile);

const plain = await openedWith(identities);
writeFileSync(outFile, plain, { mode: 0o600 });
holds("opens the report with the institution's identity");

const firstMember = plain.subarray(0, 100);
assert.equal(new TextDecoder().decode(firstMember.subarray(0, firstMember.indexOf(0))), "manifest.json");
holds("the first member is manifest.json");

await assert.rejects(async () => openedWith([await generateIdentity()]));
holds("does not open it with any other identity");

async function openedWith(keys) {
  const decrypter = new Decrypter();
  for (const key of keys) decrypter.addIdentity(key);
  return decrypter.decrypt(new Uint8Array(sealed));
}

function holds(claim) {
  console.log(`ok: typage: ${claim}`);
}
