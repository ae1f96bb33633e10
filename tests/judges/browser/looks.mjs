// Every screen, looked at by axe in two languages, two schemes of colour and two sizes, and held to 320 pixels' width.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { speak } from "./acts.mjs";
import { DESKTOP, PHONE } from "./people.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
const SIZES = { phone: PHONE, desktop: DESKTOP };

export class Looks {
  #shots;
  /** Screens that were looked at. */
  screens = new Set();
  /** What was found on them. */
  faults = [];
  /** How often axe looked. */
  looks = 0;

  constructor(shots) {
    this.#shots = shots;
    mkdirSync(shots, { recursive: true });
  }

  /** Looks at the screen somebody has before them, and leaves it as it was. */
  async at(who, screen) {
    const { page } = who;
    const before = { language: await page.evaluate(() => document.documentElement.lang), size: page.viewportSize() };
    this.screens.add(screen);
    for (const language of ["en", "ar"]) {
      await speak(who, language);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        for (const [size, viewport] of Object.entries(SIZES)) {
          await page.setViewportSize(viewport);
          await this.#judge(page, `${screen} (${language}, ${colorScheme}, ${size})`);
          await page.screenshot({ path: join(this.#shots, `${screen}-${language}-${colorScheme}-${size}.png`), fullPage: true });
        }
      }
      await this.#reflows(page, `${screen} (${language})`);
    }
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.setViewportSize(before.size);
    await speak(who, before.language);
  }

  async #judge(page, what) {
    // By way of the debugger: the page itself lets no script in.
    if (!(await page.evaluate("typeof window.axe === 'object'"))) await page.evaluate(AXE);
    const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, rules), RULES);
    this.looks += 1;
    for (const { id, help, nodes } of violations) {
      this.faults.push(`${what}: ${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
    }
  }

  async #reflows(page, what) {
    await page.setViewportSize({ width: 320, height: 700 });
    const over = await page.evaluate(() => {
      const wide = document.documentElement.scrollWidth;
      if (wide <= 320) return undefined;
      const elements = [...document.querySelectorAll("main *, header *, footer *")].filter((one) => {
        const box = one.getBoundingClientRect();
        return (box.right > 321 || box.left < -1) && !one.closest(".scroll, pre, .unseen");
      });
      return `${wide}: ${elements.slice(0, 3).map((one) => one.outerHTML.slice(0, 160)).join(" | ")}`;
    });
    if (over) this.faults.push(`${what}: wider than 320 pixels: ${over}`);
  }
}
