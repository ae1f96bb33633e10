// What both tus judges need: payloads that were declared, and the last words of an upload. Only modules of Node itself.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** The payload at the end of a sealed file, as its report statement describes it. */
export function payloadOf(declared) {
  const sealed = readFileSync(declared.sealed);
  const payload = sealed.subarray(sealed.length - declared.payload_bytes);
  assert.equal(sha256(payload), declared.payload_sha256);
  return payload;
}

/** Publishes a whole upload, and sees that the broker now has exactly these bytes. `url` is the signing proxy's. */
export async function published(url, declared, uploadUrl) {
  const upload = new URL(uploadUrl).pathname.split("/").pop();
  const payload = `${url}/v1/reports/${declared.report}/payload`;
  const answer = await fetch(payload, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ upload }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.match((await answer.json()).receipt, /^c2sp\.org\/tlog-proof@v1\n/);
  const back = await fetch(payload);
  assert.equal(back.status, 200);
  assert.equal(sha256(Buffer.from(await back.arrayBuffer())), declared.payload_sha256);
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
