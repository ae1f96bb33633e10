// Writes every C2SP age test vector as OUTDIR/NAME, for AMANA_CCTV_DIR in tests/it/header.rs.
// usage: npm ci --ignore-scripts && node dump.mjs OUTDIR
//
// A vector is lines of `key: value`, an empty line, and the age file. Where a line says `compressed: zlib`, the age file
// is inflated and the line left out, so that the Rust side needs no zlib; nothing else is changed.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import * as vectors from "cctv-age";

const outDir = process.argv[2];
if (!outDir) {
  console.error("usage: node dump.mjs OUTDIR");
  process.exit(2);
}
mkdirSync(outDir, { recursive: true });

let count = 0;
for (const [name, bytes] of Object.entries(vectors)) {
  writeFileSync(join(outDir, name), inflated(Buffer.from(bytes)));
  count += 1;
}
console.log(`${count} vectors written to ${outDir}`);

function inflated(vector) {
  const end = vector.indexOf("\n\n") + 2;
  const lines = vector.subarray(0, end).toString("utf8").split("\n");
  const compression = lines.filter((line) => line.startsWith("compressed: "));
  if (compression.length === 0) return vector;
  if (compression.join() !== "compressed: zlib") throw new Error(`unknown ${compression.join()}`);
  const kept = lines.filter((line) => !line.startsWith("compressed: ")).join("\n");
  return Buffer.concat([Buffer.from(kept), inflateSync(vector.subarray(end))]);
}
