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
/** Sealing and scrypt on two busy cores: slow is no failure. */
const PATIENCE = 60_000;
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const launch = () => chromium.launch({ executablePath, args: FLAGS });

const wishes = ({ locale = "en", viewport = DESKTOP }) => ({ locale, viewport, acceptDownloads: true, reducedMotion: "reduce" });

/** Everybody who sat down, to be asked at the end. */
export class People {
  #browser;
  #url;
  all = [];

  constructor(browser, url) {
    [this.#browser, this.#url] = [browser, url];
  }

  /** Sits somebody down at the page, in a browser that knows nothing of anybody else. */
  async sit(name, wish = {}) {
    return this.#watched(name, await this.#browser.newContext(wishes(wish)));
  }

  /** As `sit`, with a profile on disk that survives the browser. */
  async sitWithProfile(name, folder, wish = {}) {
    return this.#watched(name, await chromium.launchPersistentContext(folder, { executablePath, args: FLAGS, ...wishes(wish) }));
  }

  async #watched(name, context) {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(PATIENCE);
    const who = { name, context, page, complaints: [], expected: [] };
    this.all.push(who);
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") who.complaints.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on("pageerror", (error) => who.complaints.push(`error: ${error.message}`));
    page.on("request", (request) => {
      const asked = new URL(request.url());
      if (asked.protocol.startsWith("http") && asked.origin !== this.#url) who.complaints.push(`foreign request: ${request.url()}`);
    });
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(this.#url);
    return who;
  }

  /** What browsers complained about, but for answers that a step provoked on purpose. */
  unexpected() {
    return this.all.flatMap(({ name, complaints, expected }) =>
      complaints.filter((line) => !expected.some((pattern) => pattern.test(line))).map((line) => `${name}: ${line}`),
    );
  }
}
