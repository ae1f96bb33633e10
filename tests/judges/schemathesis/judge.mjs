// schemathesis (property-based tests made from an OpenAPI document) against a running broker: as nobody, then signed in
// as the advocate and as the officer. It makes up requests, good and bad, and holds every answer against the document.
// usage: node judge.mjs BROKER.json SCHEMATHESIS      (the program's path)
//
// Prints `ok: CLAIM` for each claim that holds; exits 1 at the first that does not.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve as absolute } from "node:path";
import { fileURLToPath } from "node:url";
import { authenticating } from "../proxy.mjs";

const CHECKS = [
  "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
  "response_headers_conformance",
];
const SEED = "20200918";
const [brokerFile, program] = process.argv.slice(2);
if (!program) {
  console.error("usage: node judge.mjs BROKER.json SCHEMATHESIS");
  process.exit(2);
}
const broker = JSON.parse(readFileSync(brokerFile, "utf8"));
const folder = mkdtempSync(join(tmpdir(), "amana-schemathesis-"));
const proxy = await authenticating(broker, broker.clients.advocate);
const officer = await authenticating(broker, broker.clients.officer);
try {
  // What is there: without it, every request that names a thing would end in 404.
  const [stored] = await items("/v1/reports", (row) => "stored" in row.state);
  const [grant] = await items("/v1/grants", (row) => !("shredded" in row.state));
  const config = join(folder, "schemathesis.toml");
  writeFileSync(config, [
    override("/v1/reports/{id}/payload", stored.id),
    override("/v1/reports/{id}/owner-header", stored.id),
    override("/v1/grants/{id}/header", grant.id),
    override("/v1/grants/{id}/releases", grant.id),
    override("/v1/releases/{id}/report.age", broker.release),
  ].join("\n"));

  await judged("nobody", broker.url, []);
  await judged("the advocate", proxy.url, ["--config-file", config]);
  await judged("the officer", officer.url, ["--config-file", config]);
} finally {
  await proxy.close();
  await officer.close();
  rmSync(folder, { recursive: true });
}

async function items(path, wanted) {
  const answer = await fetch(new URL(path, proxy.url));
  if (answer.status !== 200) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`);
  const found = (await answer.json()).items.filter(wanted);
  if (found.length === 0) throw new Error(`${path} lists nothing of use`);
  return found;
}

function override(path, id) {
  return `[[operations]]\ninclude-path = "${path}"\nparameters = { "path.id" = "${id}" }\n`;
}

async function judged(who, url, more) {
  const options = [
    ...more, "run", `${broker.url}/v1/openapi.json`, "--url", url, "--checks", CHECKS.join(","), "--phases",
    "examples,coverage,fuzzing", "--max-examples", "8", "--seed", SEED, "--generation-database", "none",
    "--continue-on-failure", "--no-color", "--suppress-health-check", "all", "--request-timeout", "20", "--warnings", "off",
  ];
  const { status, said } = await run(absolute(program), options);
  if (status !== 0) {
    console.log(said);
    console.log(`as ${who}: schemathesis ended with status ${status}`);
    process.exitCode = 1;
    return;
  }
  const cases = said.match(/(\d+) generated/)?.[1] ?? "no";
  console.log(`ok: schemathesis: ${cases} made-up requests by ${who} were answered as the OpenAPI document says`);
}

/** Not synchronous: the proxy lives in this process. */
function run(command, options) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, SCHEMATHESIS_HOOKS: fileURLToPath(new URL("hooks.py", import.meta.url)) };
    const child = spawn(command, options, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => { said += bytes; });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, said }));
  });
}
