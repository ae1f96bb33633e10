// Persons at browsers: each has a context of their own, and whatever their browser complains about fails the run.

import { chromium } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };
/** Sealing, scrypt and a debug build on two busy cores: slow is no failure. */
const PATIENCE = 60_000;

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });

/** Sits somebody down at a page of their own. */
export async function person(browser, { url, locale = "en", viewport = DESKTOP, dark = false }) {
  const context = await browser.newContext({ locale, viewport, colorScheme: dark ? "dark" : "light", acceptDownloads: true, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  const who = { context, page, complaints, expected: [] };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.protocol.startsWith("http") && asked.origin !== new URL(url).origin) complaints.push(`foreign request: ${request.url()}`);
  });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto(url);
  return who;
}

/** What the browser complained about, but for answers that a step provoked on purpose. */
export function unexpected({ complaints, expected }) {
  return complaints.filter((line) => !expected.some((pattern) => pattern.test(line)));
}

export const word = (page, id, put = {}) =>
  page.evaluate(([id, put]) => window.amanaWords?.(id, put), [id, put]);
