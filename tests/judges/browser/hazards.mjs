// What goes wrong in life: cuts, reloads, lost devices, changed files, wrong words, and grants that hold no longer.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { acknowledge, appoint, collect, grant, isSafe, open, opened, publishUnit, reopen, seal, setUp, showCard, unlock, withdraw } from "./acts.mjs";
import { attest, PURPOSE } from "./journey.mjs";

const SLOW = { offline: false, latency: 20, downloadThroughput: 4e6, uploadThroughput: 400e3 };
const CUT = { ...SLOW, offline: true };
const GOOD = { ...SLOW, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
/** What a browser says when a request ends with its link, or is answered by a no that was asked for. */
const NO_LINK = /ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED|FAILED)/u;
const REFUSED = /status of 403/u;
const french = JSON.parse(readFileSync("web/src/words/fr.json", "utf8"));

export async function hazards(stage) {
  await cutAndReload(stage);
  await restart(stage);
  await changedFile(stage);
  await otherWords(stage);
  await grantsThatHoldNoLonger(stage);
  await fourEyes(stage);
  await stopAndGoOn(stage);
  await lostDevice(stage);
  await passkey(stage);
  await rotations(stage);
  await keyboardAndExit(stage);
}

/** A link as good or bad as told. */
async function linkOf({ context, page }) {
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  return (conditions) => session.send("Network.emulateNetworkConditions", conditions);
}

function bigFile(folder, name, bytes) {
  const path = join(folder, name);
  writeFileSync(path, randomBytes(bytes));
  return path;
}

const sentAtLeast = ({ page }, share) =>
  page.waitForFunction((least) => {
    const bar = document.querySelector("[data-sending] progress");
    return bar && bar.value / bar.max > least;
  }, share);

/** Offsets at which parts are sent from now on. */
function offsets({ page }) {
  const seen = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") seen.push(Number(request.headers()["upload-offset"]));
  });
  return seen;
}

async function cutAndReload({ folder, shared, holds }) {
  const { advocate, mine } = shared;
  const { page } = advocate;
  advocate.expected.push(NO_LINK);
  const link = await linkOf(advocate);
  const file = bigFile(folder, "recording.bin", 5 << 20);
  await link(SLOW);
  const report = await seal(advocate, { title: "تسجيل", files: [file] });
  rmSync(file);
  await sentAtLeast(advocate, 0.2);
  await link(CUT);
  await page.waitForTimeout(3000);
  await link(SLOW);
  await sentAtLeast(advocate, 0.4);
  holds("sending goes on by itself after the connection was cut");

  const sent = offsets(advocate);
  await page.reload();
  await page.waitForSelector("#passphrase");
  await unlock(advocate, "not the six words");
  await page.waitForSelector(".notice.bad");
  await unlock(advocate, mine.passphrase);
  await reopen(advocate, "share");
  await link(GOOD);
  await reopen(advocate, `share/report/${report}`);
  await isSafe(advocate, report);
  assert.ok(sent.length > 0 && sent[0] > 1 << 20, `it began at ${sent[0]} of 5 MiB`);
  // Locked and unlocked once more: the worker that opens the keys is another one by then.
  await page.click("header button:not(.bad)");
  await unlock(advocate, mine.passphrase);
  await isSafe(advocate, report);
  holds("a wrong passphrase opens nothing; after a reload in mid-upload sending goes on where it stopped, though the file is gone");
}

async function restart({ folder, people, broker, holds }) {
  const profile = join(folder, "profile");
  const before = await people.sitWithProfile("traveller", profile);
  await showCard(before, broker.card);
  const mine = await setUp(before, "share");
  before.expected.push(NO_LINK);
  const link = await linkOf(before);
  await link(SLOW);
  const report = await seal(before, { title: "Long recording", files: [bigFile(folder, "long.bin", 5 << 20)] });
  await sentAtLeast(before, 0.3);
  await before.context.close();

  const after = await people.sitWithProfile("traveller", profile);
  const sent = offsets(after);
  await open(after, "share");
  await unlock(after, mine.passphrase);
  await open(after, `share/report/${report}`);
  await isSafe(after, report);
  assert.ok(sent[0] > 1 << 20, `it began at ${sent[0]} of 5 MiB`);
  holds("after the browser was closed in mid-upload and started again, sending goes on where it stopped");
  await after.context.close();
}

async function changedFile({ folder, shared, holds }) {
  const { page } = shared.advocate;
  const file = bigFile(folder, "changing.bin", 1 << 20);
  const declared = [];
  page.on("request", (request) => { if (request.method() === "POST" && request.url().endsWith("/v1/reports")) declared.push(request.url()); });
  await open(shared.advocate, "share/new");
  await page.setInputFiles("#files", file);
  await page.fill("#title", "يتغير");
  writeFileSync(file, randomBytes(1 << 20));
  await page.click("form button.main");
  await page.waitForSelector(".notice.bad");
  assert.deepEqual(declared, [], "registered although a file had changed");
  assert.match(await page.textContent(".notice.bad"), /changing\.bin/u);
  holds("a file that changed after it was chosen is named and not sealed");
}

async function otherWords({ shared, holds }) {
  const { page } = shared.advocate;
  await open(shared.advocate, `share/grant/${shared.report}`);
  await page.check(`input[value="${PURPOSE}"]`);
  await page.click("form button.main");
  await page.fill("#eight", "abandon ability able about above absent absorb abstract");
  await page.check("#seen");
  await page.click('[data-do="grant"]');
  await page.waitForSelector(".notice.bad");
  await open(shared.advocate, `share/report/${shared.report}`);
  await page.waitForSelector("[data-grant]");
  assert.equal(await page.locator('[data-do="withdraw"]').count(), 0, "granted under other words");
  holds("a grant to an institution whose key is new is not signed under other words than its own");
}

/** A grant that is opened at once. */
async function given({ cast, shared }, title, folder) {
  const report = await seal(shared.advocate, { title, files: [bigFile(folder, `${title}.bin`, 1000)] });
  await isSafe(shared.advocate, report);
  return { report, id: await grant(shared.advocate, report, { purpose: PURPOSE, words: cast.unit.fingerprint, cooling: "0" }) };
}

/** The officer asks for a release that has to be refused, for this reason, said in French. */
async function refusedFor({ page, expected }, reason) {
  expected.push(REFUSED);
  await page.click("form button.main");
  await page.waitForSelector(".notice.bad");
  const said = await page.textContent(".notice.bad");
  assert.ok(said.includes(french[`reason-${reason}`]), `${reason}: ${said}`);
}

async function grantsThatHoldNoLonger(stage) {
  const { cast, shared, folder, holds } = stage;
  const { officer, accreditor } = cast;
  const one = await given(stage, "revoked", folder);
  await open(officer, `office/collect/${one.id}`);
  await officer.page.check("form input[type=checkbox]");
  await withdraw(shared.advocate);
  await refusedFor(officer, "grant-not-active");
  holds("a grant that was withdrawn while its conditions were read is not released, and the officer reads why in French");

  const two = await given(stage, "lapsed", folder);
  // The question is asked in days; so many are half a minute.
  await attest(accreditor, "0.0003125");
  await accreditor.page.waitForTimeout(28_000);
  await open(officer, `office/collect/${two.id}`);
  await officer.page.check("form input[type=checkbox]");
  await refusedFor(officer, "attestation-missing");
  await reopen(accreditor, "check");
  await attest(accreditor, "365");
  await officer.page.click("form button.main");
  await opened(officer);
  await acknowledge(officer);
  holds("after an attestation expired nothing is released, and when it is given anew the same grant opens");
}

async function fourEyes(stage) {
  const { cast, shared, folder, broker, people, holds } = stage;
  const { officer, root, unit } = cast;
  const second = await people.sit("second officer", { locale: "fr" });
  await showCard(second, broker.card);
  await setUp(second, "office", "officer");
  await appoint(root, await second.page.textContent("[data-officer-key]"));
  const report = await seal(shared.advocate, { title: "four eyes", files: [bigFile(folder, "four-eyes.bin", 1000)] });
  await isSafe(shared.advocate, report);
  const id = await grant(shared.advocate, report, { purpose: PURPOSE, words: unit.fingerprint, cooling: "0", approvals: "1" });
  await open(officer, `office/collect/${id}`);
  await officer.page.check("form input[type=checkbox]");
  await refusedFor(officer, "officers-missing");
  await second.page.click("button.main");
  const card = second.page.locator(`[data-grant="${id}"]`);
  await card.locator('[data-do="agree"]').click();
  await second.page.waitForSelector("[role=status] .notice.good");
  await officer.page.click("form button.main");
  await opened(officer);
  await acknowledge(officer);
  holds("a grant that asks for it is opened only when a second officer agreed, each at a page of their own");
}

async function stopAndGoOn(stage) {
  const { cast, shared, folder, looks, holds } = stage;
  const { advocate, mine } = shared;
  const { officer } = cast;
  const one = await given(stage, "stopped", folder);
  await open(advocate, "share/keys");
  const saved = advocate.page.waitForEvent("download");
  await advocate.page.click('[data-do="guardian"]');
  assert.ok(JSON.parse(readFileSync(await (await saved).path(), "utf8")).statement.split(".").length === 3);
  await advocate.page.click('[data-do="freeze"]');
  await advocate.page.click('[data-do="freeze-yes"]');
  await advocate.page.waitForSelector('[data-do="thaw"]');
  await looks.at(advocate, "keys-frozen");
  await collect(officer, one.id);
  officer.expected.push(REFUSED);
  await officer.page.waitForSelector(".notice.bad");
  assert.ok((await officer.page.textContent(".notice.bad")).includes(french["reason-owner-frozen"]));
  await advocate.page.fill("#words", mine.words);
  await advocate.page.click('[data-do="rehearse"]');
  await advocate.page.waitForSelector("[role=status] .notice.good");
  await advocate.page.click('[data-do="thaw"]');
  await advocate.page.waitForSelector('[data-do="freeze"]');
  await officer.page.click("form button.main");
  await opened(officer);
  await acknowledge(officer);
  holds("a stop holds at once and is lifted by the 24 words alone; a guardian file holds a signed stop");
}

async function lostDevice(stage) {
  const { people, broker, shared, looks, holds } = stage;
  const elsewhere = await people.sit("advocate on another device", { locale: "es" });
  // A new device does not know what was stated last; the broker says so, and it is stated again.
  elsewhere.expected.push(/status of 409/u);
  await showCard(elsewhere, broker.card);
  await open(elsewhere, "share");
  const { page } = elsewhere;
  await page.click('[data-do="recover"]');
  await page.fill("#words", shared.mine.words);
  await page.fill("#typed", await page.textContent("[data-passphrase]"));
  await looks.at(elsewhere, "recover");
  await page.click("form button.main");
  await page.waitForSelector("section.card");
  await open(elsewhere, `share/report/${shared.report}`);
  await page.locator("details").first().evaluate((details) => { details.open = true; });
  await page.click('[data-do="fetch-back"]');
  await page.waitForSelector("details li.row button");
  assert.ok((await page.locator("details li bdi").allTextContents()).includes("شهادة.txt"));
  holds("with 24 words on a new device the old keys are replaced, and a report is fetched back and opened");
  // From here on this is the advocate.
  shared.advocate = elsewhere;
}

async function passkey({ people, broker, holds }) {
  const who = await people.sit("advocate with a passkey");
  const session = await who.context.newCDPSession(who.page);
  await session.send("WebAuthn.enable");
  const options = { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, hasPrf: true, automaticPresenceSimulation: true };
  await session.send("WebAuthn.addVirtualAuthenticator", { options });
  await showCard(who, broker.card);
  await setUp(who, "share");
  await open(who, "share/keys");
  await who.page.click('[data-do="passkey-add"]');
  await who.page.waitForSelector('[data-do="passkey-remove"]');
  await who.page.click("header button:not(.bad)");
  await who.page.click('[data-do="passkey-unlock"]');
  await who.page.waitForSelector('[data-do="passkey-remove"]');
  await who.page.click('[data-do="passkey-remove"]');
  await who.page.waitForSelector('[data-do="passkey-add"]');
  await who.page.click("header button:not(.bad)");
  await who.page.waitForSelector("#passphrase");
  assert.equal(await who.page.locator('[data-do="passkey-unlock"]').count(), 0);
  holds("a passkey unlocks beside the passphrase, and no more once it is taken away");
}

async function rotations({ cast, looks, holds }) {
  const { root, unit, rootKept } = cast;
  await publishUnit(root, "Second unit");
  await root.page.fill("#words", unit.words);
  await root.page.fill("#passphrase", rootKept.passphrase);
  await root.page.click('[data-do="root-replace"]');
  await root.page.waitForFunction(() => document.querySelector("#words")?.value === "");
  await root.page.waitForSelector("#unit");
  const again = await publishUnit(root, "Second unit");
  unit.fingerprint = await root.page.locator("section.card", { hasText: "Evidence unit" }).locator("[data-fingerprint]").textContent();
  assert.equal(again.fingerprint.split(" ").length, 8);
  await looks.at(root, "institution-rotated");
  holds("an institution replaces its root key with its 24 words, and a unit's key, and goes on");
}

async function keyboardAndExit({ people, broker, holds }) {
  const who = await people.sit("somebody without a mouse");
  const { page } = who;
  const tabTo = async (selector) => {
    for (let steps = 0; steps < 60; steps += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    }
    assert.fail(`Tab does not reach ${selector}`);
  };
  await tabTo("#card");
  await page.keyboard.type(broker.card);
  await page.keyboard.press("Enter");
  await page.waitForSelector("a.door");
  await tabTo('a.door[href="#/share"]');
  await page.keyboard.press("Enter");
  const passphrase = await page.textContent("[data-passphrase]");
  await tabTo("#typed");
  await page.keyboard.type(passphrase);
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-recovery]");
  const words = await page.locator("[data-recovery] li").allTextContents();
  await tabTo("main button.main");
  await page.keyboard.press("Enter");
  for (let left = 3; left > 0; left -= 1) {
    await tabTo("input[data-place]");
    const place = await page.evaluate(() => document.activeElement.dataset.place);
    await page.keyboard.type(words[Number(place)]);
  }
  await page.keyboard.press("Enter");
  await page.waitForSelector('a[href="#/share/new"]');
  for (let times = 3; times > 0; times -= 1) await page.keyboard.press("Escape");
  await page.waitForURL("about:blank");
  await page.goBack({ timeout: 5000 }).catch(() => undefined);
  assert.equal(await page.locator('a[href="#/share/new"]').count(), 0, "the back button shows what was left");
  holds("keys are made with the keyboard alone; Escape three times leaves the page, and going back shows nothing of it");
}

