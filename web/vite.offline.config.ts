import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// The offline page: one script and one style sheet, which `scripts/finish.mjs` puts into one file.
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const unused = at("src/protocol/unused.ts");

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@noble\/(post-quantum\/hybrid|curves\/nist)\.js$/u, replacement: unused },
      { find: /^(\.\.\/work|\.)\/place$/u, replacement: at("src/offline/place.ts") },
      { find: /^\.\/wordfiles$/u, replacement: at("src/offline/wordfiles.ts") },
    ],
  },
  plugins: [svelte({ compilerOptions: { runes: true, css: "external" } })],
  base: "/",
  build: {
    target: "es2023",
    outDir: "dist-offline",
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: { input: at("offline.html"), output: { entryFileNames: "offline.js", assetFileNames: "offline[extname]" } },
  },
});
