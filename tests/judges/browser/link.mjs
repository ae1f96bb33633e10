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
    // What is on its way, in its order: each with the moment at which it arrives.
    const under = [];
    const passOn = () => {
      while (under.length > 0 && under[0].at <= performance.now()) {
        const { segment } = under.shift();
        if (segment === undefined) into.end();
        else if (into.writable) into.write(segment);
      }
      if (under.length > 0) setTimeout(passOn, Math.max(1, under[0].at - performance.now()));
    };
    const send = (segment, at) => {
      under.push({ segment, at: Math.max(at, under.at(-1)?.at ?? 0) });
      if (under.length === 1) setTimeout(passOn, Math.max(1, at - performance.now()));
    };
    from.on("data", (bytes) => {
      from.pause();
      for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
        const segment = bytes.subarray(at, at + SEGMENT_BYTES);
        free[way] = Math.max(free[way], performance.now()) + segment.length * millisecondsPerByte;
        let waits = 0;
        for (let tries = 0; tries < 6 && Math.random() < loss; tries += 1) {
          free[way] += segment.length * millisecondsPerByte;
          waits += again * 2 ** tries;
        }
        send(segment, free[way] + roundTrip / 2 + waits);
      }
      setTimeout(() => from.resume(), Math.max(0, free[way] - performance.now()));
    });
    from.on("end", () => send(undefined, performance.now() + roundTrip / 2));
    from.on("error", () => into.destroy());
  }

  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}
