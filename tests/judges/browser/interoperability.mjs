// The page and everybody else's programs: stock age opens what the page sealed, the page opens what the command line
// sealed, the offline page works from a file, and an identity file of the page is one of the command line.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { acknowledge, appoint, collect, grant, isSafe, open, opened, save, seal } from "./acts.mjs";
import { atCommandLine } from "./broker.mjs";
import { PURPOSE } from "./journey.mjs";

export async function interoperability(stage) {
  const sealed = await ageOpensWhatThePageSealed(stage);
  await pageOpensWhatTheCommandLineSealed(stage);
  await offlinePage(stage, sealed);
}

/** The members of a sealed report, by stock age and tar. */
function members(file, key) {
  const archive = execFileSync("age", ["-d", "-i", key, file], { maxBuffer: 1 << 28 });
  return { archive, names: execFileSync("tar", ["t"], { input: archive }).toString().trim().split("\n") };
}

function checkMembers({ archive, names }, file) {
  assert.equal(names[0], "manifest.json");
  assert.equal(names.at(-1), ".padding");
  const content = execFileSync("tar", ["x", "--to-stdout", names[2]], { input: archive, maxBuffer: 1 << 28 });
  assert.deepEqual(content, readFileSync(file));
}

async function ageOpensWhatThePageSealed({ amana, folder, broker, cast, shared, holds }) {
  const officer = atCommandLine(amana, folder, "officer-2", broker);
  await officer.begin();
  await appoint(cast.root, (await officer.act("identity", "show")).public_key);
  const file = join(folder, "for-age.txt");
  writeFileSync(file, "Sealed in a browser, opened by age.\n".repeat(9000));
  const report = await seal(shared.advocate, { title: "For age", files: [file] });
  await isSafe(shared.advocate, report);
  const given = await grant(shared.advocate, report, { purpose: PURPOSE, words: cast.unit.fingerprint, cooling: "0" });
  const fetched = join(folder, "fetched.age");
  await officer.act("release", "fetch", given, "--purpose", PURPOSE, "--out", fetched);
  checkMembers(members(fetched, cast.unit.file), file);
  await officer.act("release", "open", fetched, "--unit-identity", cast.unit.file, "--into", join(folder, "opened"));
  await officer.act("release", "acknowledge", fetched);
  holds("stock age and tar open what the page sealed, and so does the command line");
  return { fetched, file };
}

async function pageOpensWhatTheCommandLineSealed({ amana, folder, broker, cast, holds }) {
  const advocate = atCommandLine(amana, folder, "advocate-2", broker);
  await advocate.begin();
  await advocate.act("identity", "enrol");
  const files = ["interview notes.txt", "ficha médica.txt"].map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, `${file}\n`.repeat(5000));
  const sealed = join(folder, "by-command-line.age");
  await advocate.act("report", "seal", "--tier", "2", "--out", sealed, ...files);
  const { report } = await advocate.act("report", "upload", sealed);
  const institution = (await advocate.act("institution", "list"))[0]?.id ?? (await advocate.act("institution", "list")).institutions[0].id;
  const options = ["--to", institution, "--unit", "Evidence unit", "--purpose", PURPOSE, "--cooling-off", "0", "--confirm-fingerprint", cast.unit.fingerprint, "--yes"];
  const { grant: given } = await advocate.act("grant", "create", report, ...options);
  await collect(cast.officer, given);
  const names = await opened(cast.officer);
  assert.equal(names.length, 2, names.join());
  for (const [place, name] of names.entries()) assert.deepEqual(readFileSync(await save(cast.officer, place)), readFileSync(join(folder, name)));
  await acknowledge(cast.officer);
  holds("the page opens what the command line sealed, byte for byte");
}

async function offlinePage({ folder, people, broker, cast, shared, looks, holds }, sealed) {
  const { advocate } = shared;
  await open(advocate, "share/keys");
  const recipients = await advocate.page.textContent("[data-recipients]");
  await open(advocate, "about");
  const saved = advocate.page.waitForEvent("download");
  await advocate.page.click('a[href="/offline.html"]');
  const page = join(folder, "amana-offline.html");
  await (await saved).saveAs(page);
  const listed = await (await fetch(`${broker.url}/assets.txt`)).text();
  assert.ok(listed.includes(`${createHash("sha256").update(readFileSync(page)).digest("hex")}  offline.html\n`), "not the file of the list");

  const away = await people.sit("somebody without a connection");
  await away.page.waitForLoadState("networkidle");
  await away.context.setOffline(true);
  await away.page.goto(pathToFileURL(page).href);
  await away.page.waitForSelector("#recipients");
  await looks.at(away, "offline");
  const unit = execFileSync("age-keygen", ["-y", cast.unit.file]).toString().trim();
  const file = join(folder, "carried.txt");
  writeFileSync(file, "Sealed on a device that is never connected.\n".repeat(3000));
  await away.page.setInputFiles("#files", file);
  await away.page.fill("#title", "Carried on a stick");
  await away.page.fill("#recipients", `${recipients}\n${unit}`);
  const made = away.page.waitForEvent("download");
  await away.page.click("form button.main >> nth=0");
  const carried = join(folder, "carried.age");
  await (await made).saveAs(carried);
  checkMembers(members(carried, cast.unit.file), file);
  await away.page.setInputFiles("#sealed", sealed.fetched);
  await away.page.setInputFiles("#identity", cast.unit.file);
  await away.page.click('[data-do="open"]');
  await away.page.waitForSelector("li.row button");
  assert.deepEqual(readFileSync(await save(away, 0)), readFileSync(sealed.file));
  holds("the offline page, saved and opened as a file without a network, seals what age opens and opens what was collected");

  await open(advocate, "share/new");
  await advocate.page.locator("main details").last().evaluate((details) => { details.open = true; });
  await advocate.page.setInputFiles("#brought", carried);
  await advocate.page.waitForURL(/#\/share\/report\//u);
  await isSafe(advocate, advocate.page.url().split("/").at(-1));
  holds("what was sealed offline is brought to the page, registered and sent as it is");
}
