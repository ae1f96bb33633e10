// What people do at the page, a step each, by stable names and never by words: every language takes the same way.

/** Takes the card, the first thing the page asks for. */
export async function showCard({ page }, card) {
  await page.fill("#card", card);
  await page.click("form button.main");
  await page.waitForSelector("a.door");
}

export async function open({ page }, where) {
  await page.evaluate((hash) => { location.hash = hash; }, `#/${where}`);
}

/** Opens a screen anew, though it is the one that is shown. */
export async function reopen(who, where) {
  await open(who, "about");
  await open(who, where);
}

/** Makes keys; answers the passphrase and, for an advocate, the 24 words. `look` is shown each screen on the way. */
export async function setUp(who, door, role, look = async () => undefined) {
  const { page } = who;
  await open(who, door);
  if (role) await page.selectOption("#begin-as", role);
  const passphrase = await page.textContent("[data-passphrase]");
  await look("setup");
  await page.fill("#typed", passphrase);
  await page.click("form button.main");
  if (role) return { passphrase };
  await page.waitForSelector("[data-recovery]");
  const words = await page.locator("[data-recovery] li").allTextContents();
  await look("setup-words");
  await page.click("main .row button.main");
  for (const input of await page.locator("input[data-place]").all()) {
    await input.fill(words[Number(await input.getAttribute("data-place"))]);
  }
  await look("setup-check");
  await page.click("form button.main");
  await page.waitForSelector('a[href="#/share/new"]');
  return { passphrase, words: words.join(" ") };
}

/** Sits down with an identity file that has no passphrase. */
export async function bringFile(who, door, file) {
  const { page } = who;
  await open(who, door);
  await page.setInputFiles("#identity-file", file);
  await page.click("form button.main");
  await page.waitForSelector("[data-passphrase]");
  await page.click("form button.main");
  await page.waitForSelector("header button:not(.bad)");
}

export async function unlock({ page }, passphrase) {
  await page.fill("#passphrase", passphrase);
  await page.click("form button.main");
}

/** Enrols an institution; answers its unit's key file and words, and its 24 words. */
export async function enrol({ page }, { name, purposes }, look = async () => undefined) {
  await page.fill("#name", name);
  await page.fill("#jurisdiction", "Union of Lakes (fictional)");
  for (const purpose of purposes) await page.check(`input[value="${purpose}"]`);
  await look("institution-enrol");
  await page.click("form button.main");
  const words = (await page.locator("[data-recovery] li").allTextContents()).join(" ");
  await page.check("main input[type=checkbox]");
  await page.click('[data-do="enrol"]');
  await page.waitForSelector("#unit");
  return { words, ...(await publishUnit({ page }, "Evidence unit")) };
}

/** Publishes a unit's key; answers where its file was saved, and its eight words. */
export async function publishUnit({ page }, unit) {
  await page.fill("#unit", unit);
  const saved = page.waitForEvent("download");
  await page.press("#unit", "Enter");
  const file = await (await saved).path();
  await page.waitForSelector("[data-fingerprint]");
  return { file, fingerprint: await page.locator("[data-fingerprint]").last().textContent() };
}

export async function appoint({ page }, key) {
  await page.fill("#officer", key);
  await page.fill("#officer-unit", "Evidence unit");
  await page.press("#officer-unit", "Enter");
  await page.waitForSelector(".notice.good");
}

/** Describes a report and seals it; answers its id as soon as it is registered. */
export async function seal(who, { title, files, tier = "2", person }, look = async () => undefined) {
  const { page } = who;
  await reopen(who, "share/new");
  await page.setInputFiles("#files", files);
  await page.fill("#title", title);
  await page.selectOption("#tier", tier);
  if (person) {
    await page.click('[data-do="add-person"]');
    await page.selectOption("#level-0", person.level);
    for (const value of [...person.purposes, ...person.classes]) await page.check(`input[value="${value}"]`);
  }
  await look("report-new");
  await page.click("form button.main");
  await page.waitForURL(/#\/share\/report\//u);
  return page.url().split("/").at(-1);
}

export const isSafe = ({ page }, report) => page.waitForSelector(`a[href="#/share/grant/${report}"]`);

/** Grants a report, after everything that the review asks for; answers the grant's id. */
export async function grant(who, report, { purpose, words, cooling, request, approvals }, look = async () => undefined) {
  const { page } = who;
  await open(who, `share/grant/${report}${request ? `/${request}` : ""}`);
  await page.waitForSelector("#institution");
  if (!request) await page.check(`input[value="${purpose}"]`);
  await page.locator("form details").evaluate((details) => { details.open = true; });
  await page.fill("#cooling", cooling);
  if (approvals) await page.fill("#approvals", approvals);
  await look("grant-choose");
  await page.click("form button.main");
  await page.waitForSelector("#seen");
  if (await page.locator("#eight").count()) await page.fill("#eight", words);
  await look("grant-review");
  await page.check("#seen");
  const before = await page.locator("[data-grant]").count();
  await page.click('[data-do="grant"]');
  await page.waitForFunction((count) => document.querySelectorAll("[data-grant]").length > count, before);
  const given = page.locator("[data-grant]");
  return given.first().getAttribute("data-grant");
}

/** Collects and opens; stops before acknowledging. */
export async function collect(who, given, look = async () => undefined) {
  const { page } = who;
  await open(who, `office/collect/${given}`);
  await page.check("form input[type=checkbox]");
  await look("collect");
  await page.click("form button.main");
}

export async function opened({ page }) {
  await page.waitForSelector('[data-do="acknowledge"]');
  return page.locator("main li bdi").allTextContents();
}

export async function acknowledge({ page }) {
  await page.click('[data-do="acknowledge"]');
  await page.waitForSelector('[data-do="acknowledge"]', { state: "detached" });
}

/** Saves the n-th file of an opened report; answers where. */
export async function save({ page }, place) {
  const saved = page.waitForEvent("download");
  await page.locator("main li.row button").nth(place).click();
  return (await saved).path();
}

export async function withdraw({ page }) {
  await page.click('[data-do="withdraw"]');
  await page.click('[data-do="withdraw-yes"]');
  await page.waitForSelector(".notice.good");
}

/** Changes the page's language, as its reader would. */
export async function speak({ page }, language) {
  await page.selectOption("#language", language);
  await page.waitForFunction((tag) => document.documentElement.lang === tag, language);
}
