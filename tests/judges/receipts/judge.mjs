// A stock JSON-LD processor reads consent receipts: the one of a grant at a running broker, and those of the statements
// in tests/golden/receipts. Nothing is loaded while it reads.
// usage: node judge.mjs AMANA BROKER.json ROOT      (ROOT: the folder of this project)
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jsonld from "jsonld";
import published from "@digitalbazaar/odrl-context";

const [amana, brokerFile, root] = process.argv.slice(2);
if (!root) {
  console.error("usage: node judge.mjs AMANA BROKER.json ROOT");
  process.exit(2);
}
const PREFIXES = {
  dct: "http://purl.org/dc/terms/",
  dpv: "https://w3id.org/dpv#",
  "dpv-27560": "https://w3id.org/dpv/schema/dpv-27560#",
  rdf: "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
  skos: "http://www.w3.org/2004/02/skos/core#",
  vcard: "http://www.w3.org/2006/vcard/ns#",
  xsd: "http://www.w3.org/2001/XMLSchema#",
};
const ODRL = "http://www.w3.org/ns/odrl/2/";
const OURS = "urn:amana:";
const PROFILE = "urn:amana:odrl-profile:v1";
const options = { safe: true, documentLoader: (url) => Promise.reject(new Error(`it wants to load ${url}`)) };
const odrlContext = published.CONTEXT_V1["@context"];
const known = new Set([...listed(), ...odrlTerms()]);

const folder = mkdtempSync(join(tmpdir(), "amana-receipts-"));
try {
  const served = join(folder, "served.jws");
  const broker = JSON.parse(readFileSync(brokerFile, "utf8"));
  writeFileSync(served, broker.grant_statement);
  const golden = ["statement.jws", "bare.jws"].map((name) => join(root, "tests/golden/receipts", name));
  const receipts = [served, ...golden].flatMap((file) =>
    ["en", "fr", "es", "ar"].flatMap((language) =>
      ["jsonld", "odrl"].map((format) => ({ format, document: receipt(file, format, language) }))));
  await judge(receipts);
  const checked = receipt(served, "jsonld", "en", "--key", broker.grant_signer.x);
  assert.ok(JSON.stringify(checked["dct:references"]).includes(broker.grant_signer.x));
  assert.ok(JSON.stringify(checked).includes(broker.genesis_digest));
  holds("a receipt made with the signer's public key says that the signature holds, and names the broker's genesis");
} finally {
  rmSync(folder, { recursive: true });
}

async function judge(receipts) {
  const used = new Set();
  for (const { format, document } of receipts) {
    const expanded = await jsonld.expand(document, options);
    assert.equal(expanded.length, 1);
    assert.equal(leaves(expanded), leaves({ ...document, "@context": [] }), `${format}: something was dropped`);
    for (const term of iris(expanded)) used.add(term);
    assert.ok((await jsonld.toRDF(document, options)).length > 50);
  }
  holds(`a processor in safe mode expands ${receipts.length} receipts without the network, and nothing is dropped`);

  await assert.rejects(() => jsonld.expand({ ...receipts[0].document, stray: "x" }, options));
  holds("the same processor refuses a receipt with a member that no context defines");

  const strange = [...used].filter((iri) => !iri.startsWith(OURS) && !known.has(iri));
  assert.deepEqual(strange, [], "terms that no published vocabulary has");
  const dpv = [...used].filter((iri) => iri.startsWith(PREFIXES.dpv)).length;
  const odrl = [...used].filter((iri) => iri.startsWith(ODRL)).length;
  holds(`all terms that are used are listed: ${dpv} of the Data Privacy Vocabulary, ${odrl} of ODRL`);

  const { purposes } = JSON.parse(readFileSync(join(root, "policies/taxonomy.json"), "utf8"));
  for (const [id, { dpv }] of Object.entries(purposes)) assert.ok(known.has(dpv), `${id}: ${dpv}`);
  holds(`the taxonomy's ${Object.keys(purposes).length} purposes name terms that are listed`);

  const agreements = receipts.filter(({ format }) => format === "odrl").map(({ document }) => document);
  for (const agreement of agreements) {
    const own = await jsonld.expand(agreement, options);
    const theirs = await jsonld.expand({ ...agreement, "@context": odrlContext }, options);
    assert.deepEqual(own, theirs);
    wellFormed(own[0]);
  }
  holds("an agreement says the same under ODRL's published context as under the one inside it");
  holds("an agreement has its parties and target, rules with one action each, constraints with both operands");
}

/** ODRL Information Model 2.2, sections 2.1.3, 2.5 and 2.6. */
function wellFormed(policy) {
  const of = (node, name) => node[ODRL + name] ?? [];
  assert.deepEqual(policy["@type"], [`${ODRL}Agreement`]);
  assert.equal(of(policy, "profile")[0]["@id"], PROFILE);
  for (const name of ["assigner", "assignee", "target"]) assert.equal(of(policy, name).length, 1, name);
  const rules = ["permission", "prohibition", "obligation"].flatMap((name) => of(policy, name));
  assert.ok(rules.length > 4);
  for (const rule of rules.flatMap((rule) => [rule, ...of(rule, "duty")])) {
    const [action, ...more] = of(rule, "action");
    assert.deepEqual(more, []);
    assert.ok(known.has(action["@id"]) || action["@id"].startsWith(`${PROFILE}:`), action["@id"]);
    for (const constraint of of(rule, "constraint")) {
      const [left] = of(constraint, "leftOperand");
      assert.ok(known.has(left["@id"]) || left["@id"].startsWith(`${PROFILE}:`), left["@id"]);
      assert.equal(of(constraint, "operator").length, 1);
      assert.ok(of(constraint, "rightOperand").length > 0);
    }
  }
}

function receipt(file, format, language, ...more) {
  const words = ["grant", "consent-receipt", file, "--format", format, "--language", language, ...more];
  const output = execFileSync(amana, words, { env: { HOME: "/nowhere" }, encoding: "utf8" });
  return JSON.parse(output);
}

/** How many texts, numbers and truth values there are. */
function leaves(value) {
  if (value === null || typeof value !== "object") return 1;
  return Object.values(value).reduce((sum, inner) => sum + leaves(inner), 0);
}

/** Every property, type and node that is named. */
function* iris(value) {
  if (Array.isArray(value)) {
    for (const inner of value) yield* iris(inner);
  } else if (value !== null && typeof value === "object") {
    for (const [name, inner] of Object.entries(value)) {
      if (!name.startsWith("@")) yield name;
      if (name === "@id" || name === "@type") yield* [inner].flat();
      yield* iris(inner);
    }
  }
}

function listed() {
  const lines = readFileSync(join(root, "tests/judges/receipts/terms.txt"), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => {
    const colon = line.indexOf(":");
    const prefix = PREFIXES[line.slice(0, colon)];
    assert.ok(prefix, line);
    return prefix + line.slice(colon + 1);
  });
}

function odrlTerms() {
  const values = Object.values(odrlContext).map((value) => value["@id"] ?? value);
  return values.filter((value) => value.startsWith("odrl:")).map((value) => ODRL + value.slice("odrl:".length));
}

function holds(claim) {
  console.log(`ok: receipts: ${claim}`);
}
