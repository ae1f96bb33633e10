// Two proxies on loopback, for clients as shipped. Only modules of Node itself.
//
// `authenticating` signs in for a client that knows no DPoP: it adds the access token and a fresh proof to every
// request and passes everything else on as it is. `cutting` stands before a port and destroys connections after a
// seeded random number of bytes in either direction.
import { createHash, createPrivateKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import http from "node:http";
import net from "node:net";

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** Milliseconds. Nonces live one to two minutes and tokens ten: both are renewed well before. */
const NONCE_LIFE = 30_000;
const TOKEN_LIFE = 300_000;
/** What a proxy has to answer itself (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"]);

/** Signs in as one of broker.json's clients; credentials for any request to that broker. */
class Session {
  constructor(broker, { client_id, jwk }) {
    this.broker = broker;
    this.client = client_id;
    this.key = createPrivateKey({ key: jwk, format: "jwk" });
    this.proof = generateKeyPairSync("ed25519");
    this.renewed = Promise.resolve();
    this.nonce = { value: undefined, at: 0 };
    this.token = { value: undefined, at: 0 };
  }

  /** The two headers of a request (RFC 9449, section 7.1). One caller at a time renews what has grown old. */
  async credentials(method, path) {
    const renewed = this.renewed.catch(() => {}).then(() => this.renew());
    this.renewed = renewed;
    await renewed;
    const ath = createHash("sha256").update(this.token.value).digest("base64url");
    return { authorization: `DPoP ${this.token.value}`, dpop: this.proven(method, path, { ath }) };
  }

  async renew() {
    if (Date.now() - this.nonce.at > NONCE_LIFE) await this.askForToken({});
    if (Date.now() - this.token.at < TOKEN_LIFE) return;
    const answer = await this.askForToken({ dpop: this.proven("POST", "/oauth/token", {}) });
    if (answer.status !== 200) throw new Error(`signing in was answered ${answer.status}: ${await answer.text()}`);
    this.token = { value: (await answer.json()).access_token, at: Date.now() };
  }

  async askForToken(headers) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.client, sub: this.client, aud: this.broker.issuer, jti: randomUUID(), iat: now, exp: now + 60 };
    const body = new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: jws({ alg: "EdDSA" }, claims, this.key),
    });
    const answer = await fetch(new URL("/oauth/token", this.broker.url), { method: "POST", headers, body });
    this.heard(answer.headers.get("dpop-nonce"));
    return answer;
  }

  /** A proof for one request (RFC 9449, section 4.2). */
  proven(method, path, more) {
    const jwk = this.proof.publicKey.export({ format: "jwk" });
    const htu = `${this.broker.issuer}${path.split("?")[0]}`;
    const claims = { jti: randomUUID(), htm: method, htu, iat: Math.floor(Date.now() / 1000), nonce: this.nonce.value, ...more };
    return jws({ typ: "dpop+jwt", alg: "EdDSA", jwk }, claims, this.proof.privateKey);
  }

  heard(nonce) {
    if (nonce) this.nonce = { value: nonce, at: Date.now() };
  }
}

function jws(header, claims, key) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString("base64url")}`;
}

/** A proxy that signs in as `client`. What a caller sends as credentials of its own is replaced. */
export async function authenticating(broker, client) {
  const session = new Session(broker, client);
  const agent = new http.Agent({ keepAlive: false });
  const target = new URL(broker.url);
  const server = http.createServer(async (request, response) => {
    // Before anything is awaited: a client that goes away must be noticed.
    request.on("error", () => {});
    response.on("error", () => {});
    try {
      const credentials = await session.credentials(request.method, request.url);
      if (request.destroyed && !request.complete) return;
      const headers = { ...passedOn(request.headers), ...credentials, host: target.host };
      const onward = http.request({
        agent, host: target.hostname, port: target.port, method: request.method, path: request.url, headers,
      });
      onward.on("error", () => response.destroy());
      onward.on("response", (answer) => {
        session.heard(answer.headers["dpop-nonce"]);
        const back = passedOn(answer.headers);
        back.location &&= back.location.replace(broker.url, `http://127.0.0.1:${server.address().port}`);
        response.writeHead(answer.statusCode, back);
        answer.on("error", () => response.destroy());
        answer.on("aborted", () => response.destroy());
        answer.pipe(response);
      });
      // A client that is cut cuts the broker: what it sent before has arrived.
      request.on("aborted", () => onward.destroy());
      response.on("close", () => { if (!response.writableFinished) onward.destroy(); });
      request.pipe(onward);
    } catch (error) {
      response.writeHead(599, { "content-type": "text/plain" }).end(`the proxy failed: ${error.stack}`);
    }
  });
  return listening(server);
}

function passedOn(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

/** A proxy before `port` that cuts; `up` and `down` are bytes. */
export async function cutting(port, { seed, up, down }) {
  const random = generator(seed);
  const open = new Set();
  const counted = { connections: 0, cuts: 0, active: true };
  const server = net.createServer((near) => {
    counted.connections += 1;
    const far = net.connect(port, "127.0.0.1");
    const budget = counted.active ? doomed(random, up, down) : { up: Infinity, down: Infinity };
    open.add(near).add(far);
    const end = () => { near.destroy(); far.destroy(); open.delete(near); open.delete(far); };
    const carry = (from, to, way) => {
      from.on("error", end);
      from.on("close", end);
      from.on("end", () => to.end());
      from.on("data", (bytes) => {
        const passed = bytes.subarray(0, budget[way]);
        budget[way] -= bytes.length;
        if (budget[way] < 0) {
          counted.cuts += 1;
          budget[way] = Infinity;
          from.pause();
          // What was let through is delivered; the connection ends in the middle.
          to.write(passed, () => end());
        } else if (!to.write(bytes)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
    };
    carry(near, far, "up");
    carry(far, near, "down");
  });
  const proxy = await listening(server);
  const close = () => { for (const socket of open) socket.destroy(); return proxy.close(); };
  return { ...proxy, counted, close };
}

/** Two of three are cut on the way up, most others on the way down; some live longer, or nothing would ever be done. */
function doomed(random, up, down) {
  const [fate, share] = [random(), random()];
  if (fate < 0.65) return { up: Math.floor(share * up), down: Infinity };
  if (fate < 0.85) return { up: 3 * up, down: Math.floor(share * down) };
  return { up: 3 * up, down: Infinity };
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function listening(server) {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      const close = () => new Promise((done) => { server.close(done); server.closeAllConnections?.(); });
      resolve({ port, url: `http://127.0.0.1:${port}`, close });
    });
  });
}
