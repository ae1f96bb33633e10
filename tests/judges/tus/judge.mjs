// tus-js-client, unmodified, uploads payloads of declared reports through a proxy that cuts connections in both
// directions. It resumes by its own logic; afterwards the broker must hold exactly the declared bytes.
// usage: node judge.mjs BROKER.json
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Upload } from "tus-js-client";
import { authenticating, cutting } from "../proxy.mjs";
import { payloadOf, published } from "../uploading.mjs";

const SEED = 20200918;
/** Bytes. No connection carries a whole payload of 3 MiB; answers are cut within their head. */
const CUTS = { up: 300_000, down: 700 };
/** Milliseconds; the library forgets how often it tried whenever an upload got further. */
const RETRIES = Array(200).fill(25);

const [brokerFile] = process.argv.slice(2);
if (!brokerFile) {
  console.error("usage: node judge.mjs BROKER.json");
  process.exit(2);
}
const broker = JSON.parse(readFileSync(brokerFile, "utf8"));
const signing = await authenticating(broker, broker.clients.advocate);
const officer = await authenticating(broker, broker.clients.officer);
try {
  const [plain, deferred, atOnce, ...together] = broker.declared.slice(0, 6);

  const first = await uploaded(plain, SEED, {});
  await published(signing.url, plain, first.url);
  holds(`an upload that was cut ${first.cuts} times is whole, byte for byte`);

  const unknown = await uploaded(deferred, SEED + 1, { uploadLengthDeferred: true, chunkSize: 200 * 1024 });
  await published(signing.url, deferred, unknown.url);
  holds(`the same with a length that is said later, cut ${unknown.cuts} times`);

  const created = await uploaded(atOnce, SEED + 2, { uploadDataDuringCreation: true, chunkSize: 200 * 1024 });
  await published(signing.url, atOnce, created.url);
  holds(`the same with bytes in the creating request, cut ${created.cuts} times`);

  const all = await Promise.all(together.map((declared, number) => uploaded(declared, SEED + 3 + number, {})));
  for (const [number, upload] of all.entries()) await published(signing.url, together[number], upload.url);
  holds(`${all.length} uploads at once, cut ${all.map((upload) => upload.cuts).join(", ")} times`);

  await nobodyElse(broker.declared[6]);
  holds("another party's HEAD, PATCH and DELETE of an upload find nothing");
} finally {
  await signing.close();
  await officer.close();
}

/** Uploads until the library is content; `cuts` says how often it was interrupted. */
async function uploaded(declared, seed, options) {
  const cutter = await cutting(signing.port, { seed, ...CUTS });
  try {
    const url = await new Promise((resolve, reject) => {
      const upload = new Upload(payloadOf(declared), {
        endpoint: `${cutter.url}/v1/uploads`,
        metadata: { report: declared.report },
        retryDelays: RETRIES,
        onError: reject,
        onSuccess: () => resolve(upload.url),
        ...options,
      });
      upload.start();
    });
    assert.ok(cutter.counted.cuts > 2, `it was cut only ${cutter.counted.cuts} times`);
    return { url, cuts: cutter.counted.cuts };
  } finally {
    await cutter.close();
  }
}

async function nobodyElse(declared) {
  const version = { "tus-resumable": "1.0.0" };
  const metadata = `report ${Buffer.from(declared.report).toString("base64")}`;
  const created = await fetch(`${signing.url}/v1/uploads`, {
    method: "POST",
    headers: { ...version, "upload-length": String(declared.payload_bytes), "upload-metadata": metadata },
  });
  assert.equal(created.status, 201, await created.text());
  const path = new URL(created.headers.get("location"), signing.url).pathname;
  const part = { "content-type": "application/offset+octet-stream", "upload-offset": "0" };
  const asked = (url, method, headers, body) => fetch(`${url}${path}`, { method, headers: { ...version, ...headers }, body });
  for (const [method, headers, body] of [["HEAD", {}], ["PATCH", part, "bytes"], ["DELETE", {}]]) {
    assert.equal((await asked(officer.url, method, headers, body)).status, 404, method);
  }
  assert.equal((await asked(signing.url, "HEAD", {})).headers.get("upload-offset"), "0");
  assert.equal((await asked(signing.url, "DELETE", {})).status, 204);
}

function holds(claim) {
  console.log(`ok: tus: ${claim}`);
}
