// Where the page stands: which broker was checked against which card, who is at the desk, which screen is shown.

import { type Card, genesisOf, readCard, writeCard } from "../protocol/genesis";
import { Register } from "../protocol/register";
import { Desk, readToTheEnd } from "../client/desk";
import { NotKnown, Remote } from "../client/remote";
import * as store from "../client/store";
import type { Unlocked } from "../client/vault";
import { recollect } from "../client/history";
import { stop } from "../work/call";
import { removeOpened } from "../work/place";

const CARD = "card";
const IDLE_MILLISECONDS = 15 * 60_000;

/** The same keys are at a desk in another tab. */
export class OtherTab extends Error {}

class House {
  /** The bootstrap card this device was given; nothing is done without one. */
  card = $state.raw<Card | undefined>();
  desk = $state.raw<Desk | undefined>();
  /** The register as strangers may read it, checked. */
  register = $state.raw<Register | undefined>();
  route = $state<readonly string[]>([]);
  readonly remote = new Remote("");
  #release: () => void = () => undefined;
  #reserved: string | undefined;
  #released: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;

  async begin(): Promise<void> {
    // What a tab that was killed had unpacked. Another that has somebody at its desk may be reading its own.
    const { held = [] } = await navigator.locks.query();
    if (!held.some(({ name }) => name?.startsWith("amana "))) await removeOpened();
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
    await this.reserve(me.keys.kid);
    const desk = await this.open(me);
    // An advocate whom this device does not know, or whose enrolment was not answered: the log may.
    if (me.kept.role === "advocate" && desk.memory.party === undefined) await recollect(desk).catch(passUnknown);
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
    this.#release();
    this.#reserved = undefined;
    this.desk = undefined;
  }

  /** One tab at a time has somebody's keys: two would each forget what the other remembers. Asked before that is read. */
  async reserve(kid: string): Promise<void> {
    if (this.#reserved === kid) return;
    this.#release();
    await this.#released;
    const held = await new Promise<boolean>((answer) => {
      this.#released = navigator.locks.request(`amana ${kid}`, { ifAvailable: true }, (lock) => {
        answer(lock !== null);
        return lock ? new Promise<void>((release) => (this.#release = release)) : undefined;
      });
    });
    this.#reserved = held ? kid : undefined;
    if (!held) throw new OtherTab("in use in another tab");
  }

  /** Away at once: nothing on the screen, no way back by the back button. */
  exit(): void {
    document.body.replaceChildren();
    this.leave();
    const away = () => location.replace("about:blank");
    // What was unpacked goes first, if that does not keep anybody waiting.
    void removeOpened().finally(away);
    setTimeout(away, 150);
  }

  #awake(): void {
    clearTimeout(this.#idle);
    if (this.desk) this.#idle = setTimeout(() => this.leave(), IDLE_MILLISECONDS);
  }
}

/** Keys that were never enrolled are known to nobody; whatever else went wrong is told. */
function passUnknown(error: unknown): void {
  if (!(error instanceof NotKnown)) throw error;
}

export const house = new House();

export function go(...parts: readonly string[]): void {
  location.hash = `/${parts.join("/")}`;
}
