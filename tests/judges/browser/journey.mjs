// The whole journey in real browsers against the real program. usage: journey.mjs AMANA SCREENSHOTS

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appoint, bringFile, enrol, grant, open, seal, setUp, showCard, unlock } from "./acts.mjs";
import { launch, person, unexpected } from "./people.mjs";

const [amana, shots] = process.argv.slice(2);
const dir = mkdtempSync(join(tmpdir(), "amana-browser-"));
const url = "http://127.0.0.1:8103";
const broker = spawn(amana, ["serve", "--dir", join(dir, "broker"), "--listen", "127.0.0.1:8103", "--json"], { stdio: ["ignore", "pipe", "ignore"] });
const card = await new Promise((resolve) => {
  let text = "";
  broker.stdout.on("data", (data) => { text += data; try { resolve(JSON.parse(text).card); } catch {} });
});
const browser = await launch();
const everybody = [];
let current;
async function sit(options = {}) {
  const who = await person(browser, { url, ...options });
  everybody.push(who); current = who;
  await showCard(who, card);
  return who;
}
const role = (name) => join(dir, "broker", "roles", name);
try {
  const t0 = Date.now(); const lap = (w) => console.log(((Date.now()-t0)/1000).toFixed(1), w);
  const root = await sit();
  await setUp(root, "office", "institution");
  const unit = await enrol(root, { name: "Fact-Finding Mission on Taranda (fictional)", purposes: ["commission-of-inquiry"] });
  lap("enrolled " + unit.words);
  const officer = await sit();
  await setUp(officer, "office", "officer");
  const key = await officer.page.textContent("[data-officer-key]");
  await appoint(root, key);
  lap("appointed");
  const admin1 = await sit();
  await bringFile(admin1, "check/sign-in", role("administrator-1.txt"));
  await open(admin1.page, "check");
  await admin1.page.click('[data-do="admit"]');
  await admin1.page.waitForSelector(".notice.good");
  lap("proposed");
  const admin2 = await sit();
  await bringFile(admin2, "check/sign-in", role("administrator-2.txt"));
  await open(admin2.page, "check/proposals");
  await admin2.page.click('[data-do="approve"]');
  await admin2.page.waitForSelector(".notice.good");
  const accreditor = await sit();
  await bringFile(accreditor, "check/sign-in", role("accreditor-1.txt"));
  await open(accreditor.page, "check");
  await accreditor.page.click("section details summary");
  await accreditor.page.click('[data-do="attest-diligence"]');
  await accreditor.page.waitForSelector(".notice.good");
  lap("attested");
  const advocate = await sit();
  const mine = await setUp(advocate, "share");
  lap("advocate set up");
  writeFileSync(join(dir, "statement.txt"), "On 17 March …\n".repeat(500));
  writeFileSync(join(dir, "صورة.jpg"), Buffer.alloc(300_000, 7));
  const report = await seal(advocate, { title: "Oum Sarra market", files: [join(dir, "statement.txt"), join(dir, "صورة.jpg")], person: { level: "redacted", purposes: ["commission-of-inquiry"], classes: ["un-mechanism"] } });
  lap("sealed " + report);
  const given = await grant(advocate, report, { purpose: "commission-of-inquiry", words: unit.words, cooling: "0" });
  lap("granted " + given);
  current = officer;
  await officer.page.click("button.main"); // look again
  await officer.page.setInputFiles("#unit-file", unit.file);
  await officer.page.click(`a[href="#/office/collect/${given}"]`);
  await officer.page.check("form input[type=checkbox]");
  await officer.page.click("form button.main");
  await officer.page.waitForSelector('[data-do="acknowledge"]');
  lap("opened");
  await officer.page.click('[data-do="acknowledge"]');
  await officer.page.waitForSelector('[data-do="acknowledge"]', { state: "detached" });
  current = advocate;
  await open(advocate.page, `share/report/x`);
  await open(advocate.page, `share/report/${report}`);
  await advocate.page.click('[data-do="withdraw"]');
  await advocate.page.click('[data-do="withdraw-yes"]');
  await advocate.page.waitForSelector(".notice.good");
  lap("withdrawn");
  await open(advocate.page, "share/timeline");
  await advocate.page.waitForSelector("ol li.card");
  lap("timeline");
  const auditor = await sit();
  await bringFile(auditor, "check/sign-in", role("auditor-1.txt"));
  await open(auditor.page, "check/case");
  await auditor.page.waitForSelector("svg.plot");
  await auditor.page.screenshot({ path: join(shots, "case.png"), fullPage: true });
  lap("audited");
} catch (error) {
  console.log(error.message);
  await current?.page.screenshot({ path: join(shots, "failed.png"), fullPage: true });
} finally {
  for (const who of everybody) console.log(unexpected(who));
  await browser.close();
  broker.kill();
}
