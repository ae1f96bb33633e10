// The page, driven by real browsers against the real program. usage: judge.mjs AMANA FOLDER
//
// FOLDER must not exist; FOLDER/screens keeps a picture of every screen. Prints `ok: CLAIM` for each claim that holds; exits
// 1 at the first that does not.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startBroker } from "./broker.mjs";
import { hazards } from "./hazards.mjs";
import { interoperability } from "./interoperability.mjs";
import { establish, share } from "./journey.mjs";
import { Looks } from "./looks.mjs";
import { launch, People } from "./people.mjs";

const [amana, folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: judge.mjs AMANA FOLDER");
  process.exit(2);
}
mkdirSync(folder);
const screens = join(folder, "screens");
const broker = await startBroker(amana, folder);
// Whoever is told to end ends what it started.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void broker.stop().finally(() => process.exit(130)));
const browser = await launch();
const people = new People(browser, broker.url);
const looks = new Looks(screens);
const holds = (claim) => console.log(`ok: browser: ${claim}`);
const began = Date.now();
const lap = () => process.env.AMANA_LAPS && console.log(`   ${Math.round((Date.now() - began) / 1000)} s`);

try {
  const stage = { amana, folder, people, broker, looks, holds };
  const cast = await establish(stage);
  holds("an institution enrols, is admitted by two administrators and attested, all at the page");
  holds("two administrators vouch for the page, and its foot says in which entry");
  lap();
  const shared = await share({ ...stage, cast });
  holds("an advocate shares a report in Arabic on a phone, an officer asks for and opens it in French, and it is withdrawn and answered for");
  holds("an auditor reads both logs in the browser, every leaf opened, and every rule in force beside the page's own, and signs for them");
  lap();
  await hazards({ ...stage, cast, shared });
  lap();
  await interoperability({ ...stage, cast, shared });
  lap();
  assert.deepEqual(looks.faults, [], "screens with faults");
  assert.deepEqual(people.unexpected(), [], "browsers complained");
  holds(`no error, no report of a policy and no foreign request in ${people.all.length} browsers`);
  holds(`axe finds nothing on ${looks.screens.size} screens in ${looks.looks} looks: en and ar, light and dark, phone and desktop; none is wider than 320 pixels`);
} catch (error) {
  console.log(`did not hold: ${error.stack}`);
  for (const [place, { name, page }] of people.all.entries()) {
    if (!page.isClosed()) await page.screenshot({ path: join(screens, `failed-${place}-${name}.png`), fullPage: true }).catch(() => undefined);
  }
  for (const line of [...looks.faults, ...people.unexpected()]) console.log(line);
  process.exitCode = 1;
} finally {
  await browser.close();
  await broker.stop();
}
