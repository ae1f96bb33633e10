// Where one person acts: the register checked, what they state signed, what comes back verified. One release, one grant,
// one withdrawal each have a file of their own beside this one.

import { base64, bytesToHex, digestOf, encode, hexToBytes, randomBytes } from "../protocol/bytes";
import { type Card, genesisOf, writeCard } from "../protocol/genesis";
import { signStatement } from "../protocol/jws";
import type { Keys } from "../protocol/keys";
import { openCheckpoint, parseCheckpoint, parseNote } from "../protocol/note";
import { type Log, type Receipt, type Seen, verifyEventReceipt, verifyStatementReceipt } from "../protocol/receipt";
import { Register } from "../protocol/register";
import { emptyRoot, verifyConsistency } from "../protocol/tree";
import type { Accepted } from "./answers";
import type { Memory } from "./memory";
import { Problem, Remote } from "./remote";
import { remember, type Unlocked } from "./vault";

/** The broker contradicts what it signed before. Nothing it says is to be relied on. */
export class Forked extends Error {}

const SUBMIT_WITHIN = 7 * 86_400;
const WITHDRAW_WITHIN = 30 * 86_400;

export interface Wish {
  readonly kind: string;
  readonly body: object;
  readonly subject?: string;
  /** Where it goes; by default `/v1/statements`. */
  readonly path?: string;
  readonly method?: string;
  /** What goes along with the statement. */
  readonly along?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  /** First second too late to submit it; by default a week from now, or 30 days for what stops. */
  readonly submitBy?: number;
}

export class Desk {
  readonly me: Unlocked;
  readonly remote: Remote;
  register: Register;
  readonly #card: Card;
  /** Another key of the same party, while it speaks. */
  #speaking: Keys | undefined;

  private constructor(me: Unlocked, remote: Remote, card: Card, register: Register) {
    this.me = me;
    this.remote = remote;
    this.#card = card;
    this.register = register;
  }

  /** Checks the broker against the card before anything else, then reads its register to the end. */
  static async open(me: Unlocked, remote: Remote, card: Card): Promise<Desk> {
    const note = me.memory.genesis ?? (await remote.fetchText("/v1/genesis"));
    const register = new Register(genesisOf(note, card), note);
    for (const entry of me.memory.register) register.append(entry);
    me.memory.genesis = note;
    remote.keys = me.keys;
    const desk = new Desk(me, remote, card, register);
    await desk.refresh();
    await desk.keep();
    return desk;
  }

  get keys(): Keys {
    return this.#speaking ?? this.me.keys;
  }

  get memory(): Memory {
    return this.me.memory;
  }

  /** The bootstrap card, as it is handed on. */
  get card(): string {
    return writeCard(this.#card);
  }

  get party(): string {
    return this.memory.party ?? this.register.keys.get(this.me.keys.kid)?.party ?? this.me.keys.kid;
  }

  get now(): number {
    return Math.floor(Date.now() / 1000);
  }

  keep(): Promise<void> {
    return remember(this.me);
  }

  /** Brings the register up to date and checks it whole. What does not hold leaves no trace in what is believed. */
  async refresh(): Promise<void> {
    const note = this.memory.genesis ?? "";
    const register = new Register(genesisOf(note, this.#card), note);
    for (const entry of this.register.texts) register.append(entry);
    await readToTheEnd(this.remote, register);
    this.register = register;
    this.memory.register = [...register.texts];
    for (const id of register.recipientKeys.keys()) this.memory.firstSeen[id] ??= this.now;
  }

  get seen(): { register: Seen; case: Seen } {
    return { register: this.register.seen, case: this.memory.case ?? { size: 0, root: bytesToHex(emptyRoot()) } };
  }

  /** Signs what is wished, sends it, and verifies the receipt. If another device was faster, it is signed as its successor. */
  async state(wish: Wish): Promise<Accepted> {
    const subject = wish.subject;
    let prev = subject === undefined ? undefined : this.memory.chains[subject];
    for (let tries = 1; ; tries += 1) {
      const text = this.sign(wish, prev);
      try {
        const { method = "POST", path = "/v1/statements", along = {}, headers = {} } = wish;
        const anybody = wish.kind === "party" ? ({ as: "anybody" } as const) : {};
        const accepted: Accepted = await this.remote.fetch({ method, path, json: { statement: text, ...along }, headers, ...anybody });
        await this.confirm(accepted, text, subject);
        return accepted;
      } catch (error) {
        if (!(error instanceof Problem && error.slug === "out-of-order") || tries === 2) throw error;
        prev = error.current;
      }
    }
  }

  sign({ kind, body, subject, submitBy }: Wish, prev?: string): string {
    const now = this.now;
    const ordered = kind !== "revocation" && kind !== "freeze";
    const claims = {
      iss: this.party,
      aud: this.register.genesisDigest,
      jti: encode(randomBytes(16)),
      iat: now,
      submit_by: submitBy ?? now + (ordered ? SUBMIT_WITHIN : WITHDRAW_WITHIN),
      ...(subject === undefined ? {} : { subject }),
      ...(ordered && prev !== undefined ? { prev } : {}),
      ...(ordered ? { seen: this.seen } : {}),
      body,
    };
    return signStatement(kind, claims, this.keys);
  }

  /** Verifies an answer's receipt and remembers it. */
  async confirm(accepted: Accepted, text: string, subject?: string): Promise<void> {
    if (accepted.id !== digestOf(text)) throw new Forked("the answer is about another statement");
    const receipt = await this.believed(() =>
      verifyStatementReceipt(accepted.receipt, accepted.log, this.register.logKey(accepted.log), "accepted", text),
    );
    await this.keepReceipt(receipt, accepted.log, accepted.receipt, text);
    this.memory.chains[subject ?? accepted.id] = accepted.id;
    await this.keep();
  }

  /** Verifies the receipt of something the broker did, and follows the log to it. `fresh`: it was not there before. */
  async confirmEvent(receipt: string, event: Record<string, Record<string, string>>, fresh = false): Promise<void> {
    const verified = await this.believed(() => verifyEventReceipt(receipt, this.register.logKey("case"), event));
    const known = this.seen.case.size;
    await this.followCase(verified.tree);
    if (fresh && verified.index < known) throw new Forked("the receipt is of an entry that was there before");
  }

  /** Under another log key than the one known, the roster may have changed: then the register says so. */
  async believed<Answer>(verify: () => Answer): Promise<Answer> {
    try {
      return verify();
    } catch (error) {
      const before = JSON.stringify(this.register.roster);
      await this.refresh();
      if (JSON.stringify(this.register.roster) === before) throw error;
      return verify();
    }
  }

  async keepReceipt(receipt: Receipt, log: Log, proof: string, statement: string): Promise<void> {
    if (log === "case") await this.followCase(receipt.tree);
    else {
      await this.refresh();
      if (this.register.rootAt(receipt.tree.size) !== receipt.tree.root) throw new Forked("the register was shown otherwise before");
    }
    const kept = { statement, receipt: proof, index: receipt.index, log, at: receipt.shared.at };
    this.memory.receipts[digestOf(statement)] = kept;
  }

  /** Follows the case log to its newest checkpoint, which must extend both what was seen before and this tree. */
  async followCase(tree: Seen): Promise<void> {
    const before = this.seen.case;
    const newest = await this.#headAfter(before);
    if (!newest) {
      if (tree.size > 0) throw new Forked("the broker shows no log to the receipt it signed");
      return;
    }
    if (newest.tree.size < tree.size) throw new Forked("the case log is smaller than its receipt says");
    if (newest.tree.size !== tree.size || newest.tree.root !== tree.root) await this.#headAfter(tree);
    this.memory.case = newest.tree;
    this.memory.caseCheckpoint = newest.note;
  }

  async #headAfter(old: Seen): Promise<{ tree: Seen; note: string } | undefined> {
    let head: { checkpoint: string; consistency: string[] };
    try {
      head = await this.remote.fetch(`/v1/case/checkpoint?from=${old.size}`);
    } catch (error) {
      if (!(error instanceof Problem && error.slug === "not-found")) throw error;
      if (old.size === 0) return undefined;
      throw new Forked("the broker does not know a state of the log that it signed");
    }
    const checkpoint = await this.believed(() => openCheckpoint(head.checkpoint, this.register.logKey("case")));
    try {
      const proof = head.consistency.map((hash) => base64.decode(hash));
      verifyConsistency(old.size, hexToBytes(old.root), checkpoint.size, checkpoint.root, proof);
    } catch {
      throw new Forked("the case log does not continue what was seen of it before");
    }
    return { tree: { size: checkpoint.size, root: bytesToHex(checkpoint.root) }, note: head.checkpoint };
  }

  /** Lets another key of the same party speak. */
  async speakingWith<Answer>(keys: Keys, act: () => Promise<Answer>): Promise<Answer> {
    const mine = this.remote.keys;
    [this.#speaking, this.remote.keys] = [keys, keys];
    this.remote.signOut();
    try {
      return await act();
    } finally {
      [this.#speaking, this.remote.keys] = [undefined, mine];
      this.remote.signOut();
    }
  }

  /** Says on the device what left it. */
  left(what: string, bytes: number, about?: string): void {
    this.memory.left.push({ at: this.now, what, bytes, ...(about === undefined ? {} : { about }) });
    if (this.memory.left.length > 500) this.memory.left.shift();
  }
}

/** Reads a register to the end its checkpoint claims, and holds it against that checkpoint. */
export async function readToTheEnd(remote: Remote, register: Register): Promise<string> {
  for (;;) {
    const page: { checkpoint: string; entries: string[] } = await remote.fetch({
      path: `/v1/register?from=${register.size}`,
      as: "anybody",
    });
    for (const entry of page.entries) register.append(entry);
    const claimed = parseCheckpoint(parseNote(page.checkpoint).text).size;
    if (claimed <= register.size || page.entries.length === 0) {
      register.check(page.checkpoint);
      return page.checkpoint;
    }
  }
}

