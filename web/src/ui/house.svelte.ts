// Where the page stands: which broker was checked against which card, who is at the desk, which screen is shown.

import { type Card, genesisOf, readCard, writeCard } from "../protocol/genesis";
import { Register } from "../protocol/register";
import { Desk, readToTheEnd } from "../client/desk";
import { Remote } from "../client/remote";
import * as store from "../client/store";
import type { Unlocked } from "../client/vault";
import { stop } from "../work/call";

const CARD = "card";
const IDLE_MILLISECONDS = 15 * 60_000;

class House {
  /** The bootstrap card this device was given; nothing is done without one. */
  card = $state.raw<Card | undefined>();
  desk = $state.raw<Desk | undefined>();
  /** The register as strangers may read it, checked. */
  register = $state.raw<Register | undefined>();
  route = $state<readonly string[]>([]);
  readonly remote = new Remote("");
  #idle: ReturnType<typeof setTimeout> | undefined;

  async begin(): Promise<void> {
    const kept = await store.read<string>(CARD);
    if (kept !== undefined) this.card = readCard(kept);
    const follow = () => {
      this.route = location.hash.replace(/^#\/?/u, "").split("/").filter((part) => part !== "");
    };
    addEventListener("hashchange", follow);
    follow();
    for (const sign of ["pointerdown", "keydown"]) addEventListener(sign, () => this.#awake());
  }

  /** Holds the broker against a card and keeps the card. Throws where they do not fit; then nothing is kept. */
  async accept(card: Card): Promise<void> {
    const note = await this.remote.fetchText("/v1/genesis");
    const register = new Register(genesisOf(note, card), note);
    await readToTheEnd(this.remote, register);
    await store.write(CARD, writeCard(card));
    [this.card, this.register] = [card, register];
  }

  /** The register, read and checked, also for those who have no keys. */
  async publicRegister(): Promise<Register> {
    if (this.desk) return this.desk.register;
    if (!this.card) throw new Error("no card");
    const note = await this.remote.fetchText("/v1/genesis");
    const register = new Register(genesisOf(note, this.card), note);
    await readToTheEnd(this.remote, register);
    this.register = register;
    return register;
  }

  /** A desk for keys that may not be enrolled yet. */
  open(me: Unlocked): Promise<Desk> {
    if (!this.card) throw new Error("no card");
    return Desk.open(me, new Remote(""), this.card);
  }

  async sitDown(me: Unlocked): Promise<Desk> {
    const desk = await this.open(me);
    this.desk = desk;
    this.#awake();
    return desk;
  }

  /** Lets whoever looks at the desk look again: what it knows has changed. */
  lookAgain(desk: Desk): void {
    this.desk = undefined;
    this.desk = desk;
  }

  /** Leaves the desk: keys are gone from memory, the identity file stays. */
  leave(): void {
    stop();
    this.desk = undefined;
  }

  /** Away at once: nothing on the screen, no way back by the back button. */
  exit(): void {
    this.leave();
    document.body.replaceChildren();
    location.replace("about:blank");
  }

  #awake(): void {
    clearTimeout(this.#idle);
    if (this.desk) this.#idle = setTimeout(() => this.leave(), IDLE_MILLISECONDS);
  }
}

export const house = new House();

export function go(...parts: readonly string[]): void {
  location.hash = `/${parts.join("/")}`;
}
