// A broker of the program under test, on a port of its own, and the command line beside it.

import { execFile, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Starts a broker in a new folder; answers its address, its card, and how to end it. `through`: the port people come by. */
export async function startBroker(amana, folder, through) {
  const port = await freePort();
  // Passkeys belong to a name and not to a number.
  const url = `http://localhost:${through ?? port}`;
  const dir = join(folder, "broker");
  const options = ["--dir", dir, "--listen", `127.0.0.1:${port}`, "--public-url", url, "--origin", "broker.example", "--publish-every", "1"];
  const started = spawn(amana, ["serve", ...options, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => started.once("exit", resolve));
  const { card } = await said(started);
  const stop = async () => {
    started.kill("SIGTERM");
    await ended;
  };
  return { url, port, card, stop, role: (name) => join(dir, "roles", `${name}.txt`) };
}

/** The first thing a program prints, as JSON. */
function said(program) {
  return new Promise((resolve, reject) => {
    let text = "";
    program.once("exit", (code) => reject(new Error(`the broker ended (${code}) and said: ${text}`)));
    program.stdout.on("data", (more) => {
      text += more;
      try {
        resolve(JSON.parse(text));
      } catch {
        // Not all of it yet.
      }
    });
  });
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Somebody at the command line, with a folder of their own. */
export function atCommandLine(amana, folder, name, { url, card }) {
  const home = join(folder, `home-${name}`);
  const env = { ...process.env, AMANA_HOME: home, AMANA_AS: name, AMANA_BROKER: url, AMANA_CARD: card, AMANA_PASSPHRASE: "six words that nobody else ever knew" };
  const act = async (...words) => JSON.parse((await run(amana, ["--json", ...words], { env })).stdout);
  const begin = () => act("identity", "new", "--label", name, "--recovery-file", join(folder, `words-${name}`));
  return { act, begin };
}
