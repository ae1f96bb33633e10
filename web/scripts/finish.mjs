// After the bundler: integrity beside every script and style, a manifest of all files, and each file compressed once.
// The manifest is one `sha256sum` line a file, sorted; its own digest names this version of the page.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = "dist";
const digest = (algorithm, bytes, encoding) => createHash(algorithm).update(bytes).digest(encoding);

function files(folder) {
  return readdirSync(join(dist, folder)).flatMap((name) => {
    const path = folder === "" ? name : `${folder}/${name}`;
    return statSync(join(dist, path)).isDirectory() ? files(path) : [path];
  });
}

const html = readFileSync(join(dist, "index.html"), "utf8").replace(
  /<(script|link)\b([^>]*?)\b(src|href)="(\/assets\/[^"]+\.(?:js|css))"([^>]*)>/g,
  (_, tag, before, attribute, path, after) => {
    const integrity = `sha384-${digest("sha384", readFileSync(join(dist, path)), "base64")}`;
    return `<${tag}${before}${attribute}="${path}" integrity="${integrity}"${after}>`;
  },
);
writeFileSync(join(dist, "index.html"), html);

// The offline page: everything in one file, which may run only what lies in it.
{
  const text = (name) => readFileSync(join("dist-offline", name), "utf8");
  const script = text("offline.js").replaceAll("</script", "<\\/script");
  const style = text("offline.css").replaceAll("</style", "<\\/style");
  const hash = (content) => `'sha256-${digest("sha256", content, "base64")}'`;
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`;
  const page = text("offline.html")
    .replace(/<script[^>]*><\/script>/, "")
    .replace(/<link[^>]*stylesheet[^>]*>/, "")
    .replace("<title>", () => `<meta http-equiv="Content-Security-Policy" content="${policy}" />\n    <title>`)
    .replace("</head>", () => `<style>${style}</style>\n  </head>`)
    .replace("</body>", () => `<script type="module">${script}</script>\n  </body>`);
  writeFileSync(join(dist, "offline.html"), page);
}

const all = files("").sort();
const manifest = all.map((path) => `${digest("sha256", readFileSync(join(dist, path)), "hex")}  ${path}\n`).join("");
writeFileSync(join(dist, "assets.txt"), manifest);

for (const path of [...all, "assets.txt"]) {
  const bytes = readFileSync(join(dist, path));
  writeFileSync(join(dist, `${path}.gz`), gzipSync(bytes, { level: 9 }));
  writeFileSync(join(dist, `${path}.br`), brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}
console.log(`page ${digest("sha256", manifest, "hex")}`);
