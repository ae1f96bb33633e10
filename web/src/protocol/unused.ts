// Stands where typage would bring in recipients of kinds that Amana has none of (hybrid and tagged keys): code that is
// not there needs no trust and no download. Using one throws. See `vite.config.ts`.

const refuse = (): never => {
  throw new Error("a kind of recipient that is not used here");
};
const nothing = { getPublicKey: refuse, encapsulate: refuse, decapsulate: refuse, keygen: refuse };

export const MLKEM768P256 = nothing;
export const MLKEM768X25519 = nothing;
export const p256 = nothing;
