// The whole journey: an institution enrols and is examined, an advocate shares a report in Arabic on a phone and takes it
// back, an officer opens it in French, an auditor reads the record in English.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { acknowledge, appoint, bringFile, collect, enrol, grant, isSafe, open, opened, reopen, save, seal, setUp, showCard } from "./acts.mjs";
import { PHONE } from "./people.mjs";

export const PURPOSE = "commission-of-inquiry";

/** An institution with an officer, admitted and attested; answers everybody who took part. */
export async function establish({ people, broker, looks }) {
  const sit = async (name, wish) => {
    const who = await people.sit(name, wish);
    await showCard(who, broker.card);
    return who;
  };
  const stranger = await people.sit("stranger");
  await looks.at(stranger, "card");
  await showCard(stranger, broker.card);
  await looks.at(stranger, "doors");
  await open(stranger, "about");
  await stranger.page.waitForSelector("details summary");
  await looks.at(stranger, "about");

  const root = await sit("institution", { locale: "fr" });
  const rootKept = await setUp(root, "office", "institution", (screen) => looks.at(root, `institution-${screen}`));
  const unit = await enrol(root, { name: "Fact-Finding Mission on Taranda (fictional)", purposes: [PURPOSE, "allegation-letter"] }, (screen) => looks.at(root, screen));
  const officer = await sit("officer", { locale: "fr" });
  await setUp(officer, "office", "officer");
  await officer.page.waitForSelector("[data-officer-key]");
  await looks.at(officer, "officer-waits");
  await appoint(root, await officer.page.textContent("[data-officer-key]"));
  await root.page.fill("#cannot", "Un tribunal peut ordonner la remise.");
  await root.page.locator("form", { has: root.page.locator("#months") }).locator("button").click();
  await root.page.waitForFunction(() => document.querySelector("main [role=status]")?.textContent?.length > 3);
  await looks.at(root, "institution");

  const first = await sit("administrator-1");
  await bringFile(first, "check/sign-in", broker.role("administrator-1"));
  await open(first, "check");
  await looks.at(first, "institutions-administrator");
  await first.page.click('[data-do="admit"]');
  await first.page.waitForSelector(".notice.good");
  await open(first, "check/proposals");
  await first.page.click('[data-do="page-propose"]');
  await first.page.waitForSelector(".notice.good");
  const second = await sit("administrator-2");
  await bringFile(second, "check/sign-in", broker.role("administrator-2"));
  await open(second, "check/proposals");
  await second.page.waitForSelector('[data-do="approve"]');
  await looks.at(second, "proposals");
  for (let left = 2; left > 0; left -= 1) {
    await second.page.click('[data-do="approve"] >> nth=0');
    await second.page.waitForFunction((count) => document.querySelectorAll('[data-do="approve"]').length === count, left - 1);
  }
  await open(second, "about");
  await second.page.waitForFunction(() => document.querySelector("footer")?.textContent?.match(/entry \d+/u));
  const accreditor = await sit("accreditor");
  await bringFile(accreditor, "check/sign-in", broker.role("accreditor-1"));
  await open(accreditor, "check");
  await attest(accreditor, "365");
  await looks.at(accreditor, "institutions-accreditor");

  await officer.page.click("button.main");
  await officer.page.setInputFiles("#unit-file", unit.file);
  await officer.page.waitForSelector("#unit-file", { state: "detached" });
  return { root, rootKept, unit, officer, accreditor, sit };
}

export async function attest({ page }, days) {
  await page.locator("section details").first().evaluate((details) => { details.open = true; });
  await page.fill("section input[type=number]", days);
  await page.click('[data-do="attest-diligence"]');
  await page.waitForSelector(".notice.good");
}

/** From the first report to its withdrawal, and what an auditor sees of it. */
export async function share({ looks, folder, broker, cast }) {
  const { officer, unit, sit } = cast;
  const advocate = await sit("advocate", { locale: "ar", viewport: PHONE });
  assert.equal(await advocate.page.evaluate(() => `${document.documentElement.lang} ${document.documentElement.dir}`), "ar rtl");
  const mine = await setUp(advocate, "share", undefined, (screen) => looks.at(advocate, screen));
  await looks.at(advocate, "reports-none");
  const files = [join(folder, "شهادة.txt"), join(folder, "statement.txt")];
  for (const file of files) writeFileSync(file, `${file}: on 17 March (fictional) …\n`.repeat(2000));
  const person = { level: "redacted", purposes: [PURPOSE], classes: ["un-mechanism"] };
  const report = await seal(advocate, { title: "سوق أم سارة", files, person }, (screen) => looks.at(advocate, screen));
  await isSafe(advocate, report);
  await looks.at(advocate, "report");
  await advocate.page.locator("details").first().evaluate((details) => { details.open = true; });
  const reference = await advocate.page.textContent("[data-reference]");
  await open(advocate, "share");
  await advocate.page.waitForSelector("section.card");
  await looks.at(advocate, "reports");

  const request = await ask({ looks, officer, reference });
  await reopen(advocate, "share/requests");
  await advocate.page.waitForSelector('[data-do="refuse"]');
  await looks.at(advocate, "requests");
  const href = await advocate.page.locator('a[href^="#/share/grant/"]').first().getAttribute("href");
  const given = await grant(advocate, report, { words: unit.fingerprint, cooling: "0", request: href.split("/").at(-1) }, (screen) => looks.at(advocate, screen));
  assert.equal(href.split("/").at(-2), report, `the request ${request} is about the report`);

  await reopen(officer, "office");
  await officer.page.waitForSelector(`a[href="#/office/collect/${given}"]`);
  await looks.at(officer, "grants");
  await collect(officer, given, (screen) => looks.at(officer, screen));
  assert.deepEqual(await opened(officer), files.map((file) => file.split("/").at(-1)), "files of the report");
  await looks.at(officer, "collected");
  for (const [place, file] of files.entries()) assert.deepEqual(readFileSync(await save(officer, place)), readFileSync(file), file);
  await acknowledge(officer);

  await reopen(advocate, `share/report/${report}`);
  await advocate.page.waitForSelector('[data-do="withdraw"]');
  await advocate.page.click('[data-do="withdraw"]');
  await looks.at(advocate, "withdrawing");
  await advocate.page.click('[data-do="withdraw-yes"]');
  await advocate.page.waitForSelector(".notice.good");
  await looks.at(advocate, "withdrawn");
  await answer({ looks, officer });
  await open(advocate, "share/timeline");
  await advocate.page.waitForSelector("ol li.card");
  await looks.at(advocate, "timeline");
  await open(advocate, "share/keys");
  await advocate.page.waitForSelector('[data-do="freeze"]');
  await looks.at(advocate, "keys");

  const auditor = await sit("auditor");
  await bringFile(auditor, "check/sign-in", broker.role("auditor-1"));
  for (const [where, sign] of [["check", "section.card"], ["check/register", "table"], ["check/policies", "main h2"], ["check/case", "svg.plot"]]) {
    await open(auditor, where);
    await auditor.page.waitForSelector(sign);
    await looks.at(auditor, where.replace("check/", "audit-").replace("check", "institutions"));
  }
  await open(auditor, "check/policies");
  await auditor.page.click('[data-do="read-rules"]');
  await auditor.page.waitForSelector("[data-rule]");
  assert.equal(await auditor.page.locator("[data-rule] .tag.warn").count(), 0, "the rules in force are those of the page");
  await looks.at(auditor, "audit-rules");
  await open(auditor, "check/case");
  await auditor.page.click('[data-do="vouch"]');
  await auditor.page.waitForSelector("[role=status] .notice.good");
  return { advocate, mine, report, given, auditor };
}

async function ask({ looks, officer, reference }) {
  const { page } = officer;
  await open(officer, "office/ask");
  await page.fill("#reference", reference.trim());
  await page.check(`input[value="${PURPOSE}"]`);
  await page.fill("#basis", "Résolution 1 (fictive)");
  await page.fill("#message", "Affaire 12. Merci de nous faire parvenir les déclarations.");
  await page.locator("details").evaluate((details) => { details.open = true; });
  await looks.at(officer, "ask");
  await page.click("form button.main");
  await page.waitForSelector("[role=status] .notice.good");
  return reference;
}

/** Says what became of what was collected. */
async function answer({ looks, officer }) {
  await reopen(officer, "office");
  const { page } = officer;
  await page.waitForSelector("main details summary");
  await page.locator("main details").first().evaluate((details) => { details.open = true; });
  await page.selectOption("main details select", "used-internally");
  await looks.at(officer, "status");
  await page.click("main details form button");
  await page.waitForSelector("[role=status] .notice.good");
}
