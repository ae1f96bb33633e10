// tuspy, unmodified, uploads a payload in parts with checksums through a proxy that cuts connections; halfway it ends,
// and a new process goes on where the broker says that the upload stands.
// usage: node judge.mjs BROKER.json PYTHON       (an interpreter that has tuspy)
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authenticating, cutting } from "../proxy.mjs";
import { payloadOf, published } from "../uploading.mjs";

const SEED = 20200918;
/** Bytes. A part with a checksum is kept whole or not at all, so most parts have to fit between two cuts. */
const CUTS = { up: 250_000, down: 700 };
const PART = 96 * 1024;

const [brokerFile, python] = process.argv.slice(2);
if (!python) {
  console.error("usage: node judge.mjs BROKER.json PYTHON");
  process.exit(2);
}
const broker = JSON.parse(readFileSync(brokerFile, "utf8"));
const script = new URL("upload.py", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "amana-tuspy-"));
const signing = await authenticating(broker, broker.clients.advocate);
const cutter = await cutting(signing.port, { seed: SEED, ...CUTS });
try {
  const declared = broker.declared[7];
  const file = join(folder, "payload");
  writeFileSync(file, payloadOf(declared));
  // The cutter must not take the library's only unrepeated request, the creation: this library never repeats it.
  cutter.counted.active = false;
  const half = 16 * PART;
  const begun = await tuspy(file, declared, PART);
  cutter.counted.active = true;
  const paused = await insisting(() => tuspy(file, declared, half, begun.url));
  assert.equal(paused.offset, half);
  holds("parts with SHA-1 checksums are taken");
  const done = await insisting(() => tuspy(file, declared, declared.payload_bytes, begun.url));
  assert.ok(done.begun_at >= half, `it began at ${done.begun_at}`);
  assert.equal(done.offset, declared.payload_bytes);
  assert.ok(cutter.counted.cuts > 2, `it was cut only ${cutter.counted.cuts} times`);
  await published(signing.url, declared, done.url);
  holds(`a new process goes on with the upload, and after ${cutter.counted.cuts} cuts it is whole, byte for byte`);
} finally {
  await cutter.close();
  await signing.close();
  rmSync(folder, { recursive: true });
}

/**
 * The library asks for the offset without repeating the question, and Python takes an answer that was cut within its
 * headers for a whole one without them: in both cases it gives up, and somebody starts it again.
 */
async function insisting(act) {
  for (let left = 20; ; left -= 1) {
    try {
      return await act();
    } catch (error) {
      if (left === 0 || !/TusCommunicationError|NoneType/.test(error.message)) throw error;
    }
  }
}

function tuspy(file, { report }, stopAt, ...url) {
  const options = [script, file, `${cutter.url}/v1/uploads`, report, String(PART), String(stopAt), ...url];
  return new Promise((resolve, reject) => {
    const child = spawn(python, options, { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (bytes) => { out += bytes; });
    child.stderr.on("data", (bytes) => { err += bytes; });
    child.on("error", reject);
    child.on("close", (status) => (status === 0 ? resolve(JSON.parse(out)) : reject(new Error(err))));
  });
}

function holds(claim) {
  console.log(`ok: tuspy: ${claim}`);
}
