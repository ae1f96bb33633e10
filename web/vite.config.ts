import { svelte } from "@sveltejs/vite-plugin-svelte";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// One script, one style sheet, one worker: no script is fetched whose integrity the page did not name.
const unused = fileURLToPath(new URL("src/protocol/unused.ts", import.meta.url));

/** The version it is built from, as people name it. */
const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("package.json", import.meta.url)), "utf8"));

export default defineConfig({
  define: { __VERSION__: JSON.stringify(version) },
  resolve: { alias: { "@noble/post-quantum/hybrid.js": unused, "@noble/curves/nist.js": unused } },
  plugins: [svelte({ compilerOptions: { runes: true, css: "external" } })],
  base: "/",
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: { output: { entryFileNames: "assets/[hash].js", chunkFileNames: "assets/[hash].js", assetFileNames: "assets/[hash][extname]" } },
  },
  worker: { format: "es", rolldownOptions: { output: { entryFileNames: "assets/[hash].js" } } },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
