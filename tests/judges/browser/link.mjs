// A link of so many bits a second that loses packets, for whoever comes by its port. What TCP does about a lost packet is
// played: everything behind it waits until it was sent again.

import { connect, createServer } from "node:net";

const SEGMENT_BYTES = 1200;

/** Passes connections on to `to`, until it is closed. `loss` is between 0 and 1; times are in milliseconds. */
export function slowLink({ port, to, bitsPerSecond, loss, roundTrip, again }) {
  const millisecondsPerByte = 8000 / bitsPerSecond;
  // All connections share the link, each way.
  const free = { up: 0, down: 0 };
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    carry(near, far, "up");
    carry(far, near, "down");
  });

  function carry(from, into, way) {
    let last = 0;
    from.on("data", (bytes) => {
      from.pause();
      for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
        const segment = bytes.subarray(at, at + SEGMENT_BYTES);
        const now = performance.now();
        free[way] = Math.max(free[way], now) + segment.length * millisecondsPerByte;
        let arrives = free[way] + roundTrip / 2;
        for (let tries = 0; tries < 6 && Math.random() < loss; tries += 1) {
          free[way] += segment.length * millisecondsPerByte;
          arrives = free[way] + roundTrip / 2 + again * 2 ** tries;
        }
        last = Math.max(last, arrives);
        setTimeout(() => into.writable && into.write(segment), last - now);
      }
      setTimeout(() => from.resume(), Math.max(0, free[way] - performance.now()));
    });
    from.on("end", () => setTimeout(() => into.end(), Math.max(0, last - performance.now()) + 1));
    from.on("error", () => into.destroy());
    from.on("close", () => setTimeout(() => into.destroy(), Math.max(0, last - performance.now()) + 100));
  }

  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}
