// What the page costs, for docs/performance.md. usage: measure.mjs AMANA FOLDER [MEBIBYTES]
//
// FOLDER must not exist. Prints one line a measure.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setUp, showCard, reopen } from "./acts.mjs";
import { freePort, startBroker } from "./broker.mjs";
import { slowLink } from "./link.mjs";
import { launch, People, PHONE } from "./people.mjs";

const [amana, folder, mebibytes = "1024"] = process.argv.slice(2);
if (!folder) {
  console.error("usage: measure.mjs AMANA FOLDER [MEBIBYTES]");
  process.exit(2);
}
const BAD_LINK = { bitsPerSecond: 64_000, loss: 0.05, roundTrip: 300, again: 600 };
const said = (what, value) => console.log(`${what.padEnd(52)} ${value}`);
const seconds = (from) => ((performance.now() - from) / 1000).toFixed(1);
mkdirSync(folder);
const browser = await launch();
await sealing();
await badLink();
await browser.close();

async function sealing() {
  const broker = await startBroker(amana, folder);
  // With a profile on disk: without one, browsers keep private files in memory.
  const who = await new People(browser, broker.url).sitWithProfile("advocate", join(folder, "profile"));
  const { page } = who;
  await showCard(who, broker.card);
  await setUp(who, "share");
  const bare = await page.evaluate(bareRate);
  said("bare ChaCha20-Poly1305, 64 KiB chunks", `${bare.toFixed(0)} MB/s`);
  const file = bigFile(Number(mebibytes));
  await reopen(who, "share/new");
  await page.setInputFiles("#files", file);
  await page.fill("#title", "Large");
  const before = memory();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, memory())), 200);
  const began = performance.now();
  await page.click("form button.main");
  await page.waitForFunction(() => location.hash.startsWith("#/share/report/"), undefined, { timeout: 0, polling: 50 });
  const took = (performance.now() - began) / 1000;
  clearInterval(watch);
  const rate = (Number(mebibytes) * 1.048576) / took;
  said(`sealing ${mebibytes} MiB, with its registration`, `${took.toFixed(1)} s, ${rate.toFixed(0)} MB/s, ${(rate / bare).toFixed(2)} of bare`);
  said("memory of all browser processes", `${mb(before)} before, at most ${mb(most)} while sealing`);
  said("uncaught complaints", String(who.complaints.length));
  await who.context.close();
  rmSync(file);
  await broker.stop();
}

/** MB/s of the browser's own cipher with four chunks under way, as sealing has them. */
async function bareRate() {
  const key = await crypto.subtle.importKey("raw-secret", crypto.getRandomValues(new Uint8Array(32)), "ChaCha20-Poly1305", false, ["encrypt"]);
  const chunk = new Uint8Array(65_536);
  const began = performance.now();
  const running = [];
  const count = 6400;
  for (let place = 0; place < count; place += 1) {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(7, place);
    running.push(crypto.subtle.encrypt({ name: "ChaCha20-Poly1305", iv }, key, chunk));
    if (running.length >= 4) await running.shift();
  }
  await Promise.all(running);
  return (count * chunk.length) / 1000 / (performance.now() - began);
}

function bigFile(size) {
  const path = join(folder, "large.bin");
  const file = openSync(path, "w");
  const part = randomBytes(1 << 20);
  for (let place = 0; place < size; place += 1) {
    part.writeUInt32LE(place, 0);
    writeSync(file, part);
  }
  closeSync(file);
  return path;
}

/** Resident memory of the browser's processes, in bytes, without the pages they share. */
function memory() {
  let sum = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/u.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("chromium")) continue;
      sum += Number(/^Pss_Anon:\s+(\d+)/mu.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
    } catch {
      // It ended meanwhile.
    }
  }
  return sum;
}

function mb(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

async function badLink() {
  const through = await freePort();
  const broker = await startBroker(amana, join(folder, "slow"), through);
  const link = await slowLink({ port: through, to: broker.port, ...BAD_LINK });
  for (const [language, locale] of [["English", "en"], ["Arabic", "ar"]]) {
    const times = [];
    for (let run = 0; run < 3; run += 1) {
      const context = await browser.newContext({ locale, viewport: PHONE });
      const page = await context.newPage();
      page.setDefaultTimeout(300_000);
      const began = performance.now();
      await page.goto(broker.url, { waitUntil: "commit", timeout: 300_000 });
      await page.waitForSelector("#card");
      times.push(seconds(began));
      if (run === 2) {
        const again = performance.now();
        await page.reload({ waitUntil: "commit" });
        await page.waitForSelector("#card");
        said(`64 kbit/s, 5 % loss: second visit, ${language}`, `${seconds(again)} s`);
      }
      await context.close();
    }
    said(`64 kbit/s, 5 % loss: first useful screen, ${language}`, `${times.join(", ")} s`);
  }
  await journeyOver(broker);
  link.close();
  await broker.stop();
}

/** From an empty browser to a report that is safe. */
async function journeyOver(broker) {
  const people = new People(browser, broker.url);
  const began = performance.now();
  const who = await people.sit("advocate", { viewport: PHONE });
  who.page.setDefaultTimeout(600_000);
  await showCard(who, broker.card);
  said("64 kbit/s, 5 % loss: card checked", `${seconds(began)} s`);
  await setUp(who, "share");
  said("64 kbit/s, 5 % loss: keys made and enrolled", `${seconds(began)} s`);
  const file = bigFile(0);
  execFileSync("truncate", ["-s", "60000", file]);
  await reopen(who, "share/new");
  await who.page.setInputFiles("#files", file);
  await who.page.fill("#title", "Small");
  await who.page.click("form button.main");
  await who.page.waitForFunction(() => location.hash.startsWith("#/share/report/"), undefined, { timeout: 600_000 });
  await who.page.waitForSelector('main a[href^="#/share/grant/"]');
  said("64 kbit/s, 5 % loss: 60 kB sealed and safe", `${seconds(began)} s`);
  await who.context.close();
}
