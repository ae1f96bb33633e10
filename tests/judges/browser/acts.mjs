// What people do at the page, a step each, by stable names and never by words: every language takes the same way.

/** Takes the card, the first thing the page asks for. */
export async function showCard({ page }, card) {
  await page.fill("#card", card);
  await page.click("form button.main");
  await page.waitForSelector("a.door");
}

export const open = (page, where) => page.evaluate((hash) => { location.hash = hash; }, `#/${where}`);

/** Makes keys; answers the passphrase and, for an advocate, the 24 words. */
export async function setUp({ page }, door, role) {
  await open(page, door);
  if (role) await page.selectOption("#begin-as", role);
  const passphrase = await page.textContent("[data-passphrase]");
  await page.fill("#typed", passphrase);
  await page.click("form button.main");
  if (role) return { passphrase };
  await page.waitForSelector("[data-recovery]");
  const words = await page.locator("[data-recovery] li").allTextContents();
  await page.click("main .row button.main");
  for (const input of await page.locator("input[data-place]").all()) {
    await input.fill(words[Number(await input.getAttribute("data-place"))]);
  }
  await page.click("form button.main");
  await page.waitForSelector('a[href="#/share/new"]');
  return { passphrase, words: words.join(" ") };
}

/** Sits down with an identity file that has no passphrase. */
export async function bringFile({ page }, door, file) {
  await open(page, door);
  await page.setInputFiles("#identity-file", file);
  await page.click("form button.main");
  await page.waitForSelector("[data-passphrase]");
  await page.click("form button.main");
}

export async function unlock({ page }, passphrase) {
  await page.fill("#passphrase", passphrase);
  await page.click("form button.main");
}

/** Enrols an institution and answers its unit's key file. */
export async function enrol({ page }, { name, purposes }) {
  await page.fill("#name", name);
  await page.fill("#jurisdiction", "Union of Lakes (fictional)");
  for (const purpose of purposes) await page.check(`input[value="${purpose}"]`);
  await page.click("form button.main");
  await page.check("main input[type=checkbox]");
  await page.click('[data-do="enrol"]');
  await page.fill("#unit", "Evidence unit");
  const saved = page.waitForEvent("download");
  await page.press("#unit", "Enter");
  const file = await (await saved).path();
  await page.waitForSelector("[data-fingerprint]");
  return { file, words: await page.textContent("[data-fingerprint]") };
}

export async function appoint({ page }, key) {
  await page.fill("#officer", key);
  await page.fill("#officer-unit", "Evidence unit");
  await page.press("#officer-unit", "Enter");
  await page.getByText(key.slice(0, 0) || "Evidence unit").first().waitFor();
}

/** Seals a report of these files; waits until it is safe at the broker, unless told not to. */
export async function seal({ page }, { title, files, tier = "2", person, wait = true }) {
  await open(page, "share/new");
  await page.setInputFiles("#files", files);
  await page.fill("#title", title);
  await page.selectOption("#tier", tier);
  if (person) {
    await page.click('[data-do="add-person"]');
    await page.selectOption("#level-0", person.level);
    for (const value of [...person.purposes, ...person.classes]) await page.check(`input[value="${value}"]`);
  }
  await page.click("form button.main");
  await page.waitForURL(/#\/share\/report\//u);
  const id = page.url().split("/").at(-1);
  if (wait) await page.waitForSelector(`a[href="#/share/grant/${id}"]`);
  return id;
}

/** Grants a report, after everything that the review asks for. */
export async function grant({ page }, id, { purpose, words, cooling, request }) {
  await open(page, `share/grant/${id}${request ? `/${request}` : ""}`);
  await page.waitForSelector("#institution");
  if (!request) await page.check(`input[value="${purpose}"]`);
  await page.locator("form details").evaluate((details) => { details.open = true; });
  await page.fill("#cooling", cooling);
  await page.click("form button.main");
  await page.waitForSelector("#seen");
  if (await page.locator("#eight").count()) await page.fill("#eight", words);
  await page.check("#seen");
  await page.click('[data-do="grant"]');
  await page.waitForSelector("[data-grant]");
  return page.locator("[data-grant]").first().getAttribute("data-grant");
}
