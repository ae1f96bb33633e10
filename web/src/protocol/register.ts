// The register as this device has checked it: every entry read, verified and folded in its order, the whole held against
// the checkpoint. The rules are those of the broker's fold, as far as whom to trust depends on them: who may sign what,
// how many have to agree, and which key counts when. Source: docs/protocol.md, "Every kind of statement".

import { bytesToHex, decode, digestOf, equal, utf8ToBytes } from "./bytes";
import { type Genesis, logKey, OFFICES, type OfficeName, checkRoster, type Roster } from "./genesis";
import { thumbprint } from "./keys";
import { cosignedAt, isSignedBy, type NamedKey, openCheckpoint, parseCheckpoint, parseNote } from "./note";
import { parseShared, type Seen, type Shared } from "./receipt";
import { read, type Statement, verified } from "./statement";
import { leafHash, Tree } from "./tree";

type Holder = "institution-root" | "officer" | "recovery" | "superseded" | "retired" | OfficeName;

export interface Key {
  readonly publicKey: string;
  readonly party: string;
  readonly holder: Holder;
  /** Of an officer. */
  readonly appointment?: Appointment;
}

export interface Appointment {
  readonly institution: string;
  readonly signing_key: string;
  readonly unit: string;
  readonly until: number;
}

export interface InstitutionRecord {
  readonly name: string;
  readonly jurisdiction: string;
  readonly class: string;
  readonly mandate: readonly string[];
  readonly mandate_until: number;
}

export interface Terms {
  readonly institution: string;
  readonly retention: { readonly months: number } | Record<string, object>;
  readonly overriding_duties: readonly string[];
  readonly languages: readonly string[];
  readonly response_days: number;
  readonly cannot_promise: readonly string[];
}

export interface Institution {
  readonly id: string;
  /** Digest of its `party` statement. */
  readonly statement: string;
  readonly record: InstitutionRecord;
  readonly recordBy: string;
  readonly publicKey: string;
  readonly admittedAt: number | undefined;
  readonly admittedIn: number;
  readonly suspendedBy: string | undefined;
  readonly suspendedFor: string | undefined;
  readonly dueDiligenceUntil: number | undefined;
  readonly mandateAttestedUntil: number | undefined;
  readonly terms: { readonly statement: string; readonly terms: Terms } | undefined;
  readonly closedAt: number | undefined;
  readonly recovery: string;
}

export interface RecipientKey {
  readonly statement: string;
  readonly institution: string;
  readonly unit: string;
  readonly recipient: string;
  readonly since: number;
  readonly index: number;
  readonly cosignedAt: number | undefined;
  readonly current: boolean;
}

export interface Proposal {
  /** The suspension that a proposed lifting is about: the one in force then. */
  readonly lifts?: string | undefined;
  readonly statement: Statement;
  readonly signers: readonly string[];
  readonly effective: boolean;
  readonly at: number;
}

export interface Entry {
  readonly index: number;
  readonly shared: Shared;
  readonly statement: Statement | undefined;
}

const SIGNERS: Readonly<Record<string, readonly Holder[]>> = {
  officer: ["institution-root"],
  "recipient-key": ["institution-root"],
  terms: ["institution-root"],
  call: ["institution-root"],
  record: ["institution-root"],
  closing: ["institution-root"],
  rotation: ["institution-root"],
  recovery: ["recovery"],
  admission: ["administrators"],
  suspension: ["administrators"],
  resumption: ["administrators"],
  "web-release": ["administrators"],
  roster: ["administrators", "council"],
  attestation: ["accreditors"],
  approval: ["administrators", "council", "recovery"],
};

const CREATING = new Set(["party", "roster", "resumption", "web-release"]);
const SUBMIT_WITHIN = 30 * 86_400;

/** The broker shows a register that does not hold together: nothing it says of institutions is to be believed. */
export class BrokenRegister extends Error {}

export class Register {
  readonly genesis: Genesis;
  readonly genesisDigest: string;
  roster: Roster;
  readonly keys = new Map<string, Key>();
  readonly institutions = new Map<string, Institution>();
  readonly recipientKeys = new Map<string, RecipientKey>();
  readonly proposals = new Map<string, Proposal>();
  readonly entries: Entry[] = [];
  readonly #texts: string[] = [];
  readonly #tree = new Tree();
  readonly #jtis = new Set<string>();
  /** Issuer and subject → the last statement. */
  readonly #last = new Map<string, string>();
  #rosterNumber = 0;
  /** Index of the newest roll-forward: admissions before it count no more. */
  #rolledForward: number | undefined;

  constructor(genesis: Genesis, note: string) {
    this.genesis = genesis;
    this.genesisDigest = digestOf(note);
    this.roster = genesis;
    this.#appoint(genesis);
    const shared: Shared = { event: "genesis-laid", at: genesis.at, statement: note };
    this.#keep(JSON.stringify(shared), shared, undefined);
  }

  get size(): number {
    return this.#tree.size;
  }

  /** What a statement says its signer has seen. */
  get seen(): Seen {
    return { size: this.size, root: bytesToHex(this.#tree.root) };
  }

  rootAt(size: number): string | undefined {
    const root = this.#tree.rootAt(size);
    return root && bytesToHex(root);
  }

  /** Entries after genesis, verbatim, to be remembered. */
  get texts(): readonly string[] {
    return this.#texts.slice(1);
  }

  logKey(log: "register" | "case"): NamedKey {
    return logKey(this.genesis.origin, this.roster, log);
  }

  witnesses(): NamedKey[] {
    return this.roster.witnesses.map(({ name, key }) => ({ name, key: decode(key) }));
  }

  /** Whether an institution counts as admitted now. */
  isAdmitted(institution: Institution): boolean {
    const before = this.#rolledForward !== undefined && institution.admittedIn < this.#rolledForward;
    return institution.admittedAt !== undefined && !before;
  }

  /** Its recipient keys in force, a unit each. */
  currentKeys(institution: string): RecipientKey[] {
    return [...this.recipientKeys.values()].filter((key) => key.institution === institution && key.current);
  }

  officers(institution: string): (Appointment & { kid: string })[] {
    const all = [...this.keys].flatMap(([kid, key]) => (key.appointment ? [{ ...key.appointment, kid }] : []));
    return all.filter((officer) => officer.institution === institution);
  }

  /** Where enough administrators vouched for a page, by the digest of the list of its files; none when they did not. */
  vouchedPage(assets: string): number | undefined {
    const found = this.entries.find(({ statement }) => statement?.kind === "web-release" && statement.body["assets"] === assets
      && this.proposals.get(statement.digest)?.effective === true);
    return found?.index;
  }

  /** Reads one more entry. */
  append(source: string): void {
    const index = this.size;
    try {
      const shared = parseShared(source);
      const last = this.entries.at(-1);
      if (last && shared.at < last.shared.at) throw new Error("its time lies before the entry before it");
      this.#keep(source, shared, this.#apply(index, shared));
    } catch (error) {
      throw new BrokenRegister(`register entry ${index}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The checkpoint has to be of exactly this register, signed by the key the register itself puts in force. */
  check(note: string): void {
    try {
      const checkpoint = openCheckpoint(note, this.logKey("register"));
      if (checkpoint.size < this.size) throw new Error("the register shrank: entries seen before are hidden");
      if (checkpoint.size !== this.size || !equal(checkpoint.root, this.#tree.root)) throw new Error("other entries than signed");
    } catch (error) {
      throw new BrokenRegister(error instanceof Error ? error.message : String(error));
    }
  }

  #keep(source: string, shared: Shared, statement: Statement | undefined): void {
    this.entries.push({ index: this.size, shared, statement });
    this.#texts.push(source);
    this.#tree.append(leafHash(utf8ToBytes(source)));
  }

  #apply(index: number, shared: Shared): Statement | undefined {
    if (shared.event === "cosigned") {
      this.#cosigned(shared);
      return undefined;
    }
    if (typeof shared.event === "object" && "rolled-forward" in shared.event) {
      this.#rolledForward = index;
      return undefined;
    }
    if (shared.event !== "accepted" || shared.statement === undefined) throw new Error("an event that is not the register's");
    const statement = this.#verified(shared.statement, shared.at);
    this.#accept(statement, index, shared.at);
    return statement;
  }

  #verified(text: string, at: number): Statement {
    const unverified = read(text);
    const { kind, kid, iss } = unverified.statement;
    const enclosed = kind === "party" ? String(unverified.statement.body["signing_key"]) : undefined;
    const key = this.keys.get(kid);
    const publicKey = enclosed ?? key?.publicKey;
    if (publicKey === undefined || thumbprint(publicKey) !== kid) throw new Error("signed by a key that is not registered");
    const statement = verified(unverified, publicKey, this.genesisDigest);
    if (enclosed === undefined) {
      if (key?.party !== iss || !SIGNERS[kind]?.includes(key.holder)) throw new Error(`a ${kind} by a key that may not sign it`);
    } else if (iss !== kid || this.keys.has(kid)) throw new Error("an enrolment with a key that is somebody's");
    const jti = `${iss} ${String(unverified.compact.payload["jti"])}`;
    if (this.#jtis.has(jti)) throw new Error("a statement that was used before");
    const { iat, submitBy } = statement;
    if (at >= submitBy || iat > at + 600 || submitBy <= iat || submitBy > iat + SUBMIT_WITHIN) throw new Error("submitted too late, or dated ahead");
    this.#inOrder(statement);
    this.#jtis.add(jti);
    return statement;
  }

  /** Each follows its issuer's last one on its subject, so that nobody shows them in another order than they were made. */
  #inOrder({ kind, iss, subject, prev, digest, body }: Statement): void {
    if (CREATING.has(kind) ? subject !== undefined : kind !== "approval" && subject !== this.#about(iss, body)) {
      throw new Error("a statement about something else than it says");
    }
    const chain = `${iss} ${subject ?? digest}`;
    if (prev !== (subject === undefined ? undefined : this.#last.get(chain))) throw new Error("a statement out of its order");
    this.#last.set(chain, digest);
  }

  /** The enrolment of the institution that a statement is about. */
  #about(iss: string, body: Record<string, unknown>): string | undefined {
    return this.institutions.get(String(body["institution"] ?? iss))?.statement;
  }

  #accept(statement: Statement, index: number, at: number): void {
    const { kind, body, digest } = statement;
    switch (kind) {
      case "party":
        return this.#enrol(statement);
      case "officer": {
        const appointment = body as unknown as Appointment;
        const kid = thumbprint(appointment.signing_key);
        const before = this.keys.get(kid);
        this.#own(statement, appointment.institution);
        if (before && before.appointment?.institution !== appointment.institution) throw new Error("an officer's key that is somebody else's");
        this.keys.set(kid, { publicKey: appointment.signing_key, party: kid, holder: "officer", appointment });
        return;
      }
      case "recipient-key": {
        const { institution, unit, recipient } = body as { institution: string; unit: string; recipient: string };
        this.#own(statement, institution);
        for (const [id, key] of this.recipientKeys) {
          if (key.institution === institution && key.unit === unit && key.current) this.recipientKeys.set(id, { ...key, current: false });
        }
        const key = { statement: digest, institution, unit, recipient, since: at, index, cosignedAt: undefined, current: true };
        this.recipientKeys.set(digest, key);
        return;
      }
      case "terms":
        return this.#change(statement, (held) => ({ ...held, terms: { statement: digest, terms: body as unknown as Terms } }));
      case "closing":
        return this.#change(statement, (held) => ({ ...held, closedAt: Math.min(held.closedAt ?? Infinity, Number(body["at"])) }));
      case "call":
        return this.#own(statement, String(body["institution"]));
      case "record":
        this.#own(statement, String(body["institution"]));
        return this.#propose(statement, at);
      case "attestation":
        return this.#attest(statement);
      case "suspension":
        return this.#suspension(statement, at);
      case "admission":
      case "roster":
      case "resumption":
      case "web-release":
      case "rotation":
        return this.#propose(statement, at);
      case "recovery":
        return this.#replaceKeys(statement.iss, body["keys"] as NewKeys);
      case "approval":
        return this.#approve(statement, index, at);
      default:
        throw new Error(`a ${kind} does not belong in the register`);
    }
  }

  #enrol(statement: Statement): void {
    const { signing_key, recovery, role } = statement.body as unknown as Enrolment;
    if (role.institution === undefined) throw new Error("an enrolment that is no institution's");
    const kid = thumbprint(recovery.signing_key);
    if (this.keys.has(kid) || kid === statement.kid) throw new Error("a recovery key that is somebody's");
    this.keys.set(statement.kid, { publicKey: signing_key, party: statement.iss, holder: "institution-root" });
    this.keys.set(kid, { publicKey: recovery.signing_key, party: statement.iss, holder: "recovery" });
    this.institutions.set(statement.iss, {
      id: statement.iss,
      statement: statement.digest,
      record: role.institution,
      recordBy: statement.digest,
      publicKey: signing_key,
      admittedAt: undefined,
      admittedIn: 0,
      suspendedBy: undefined,
      suspendedFor: undefined,
      dueDiligenceUntil: undefined,
      mandateAttestedUntil: undefined,
      terms: undefined,
      closedAt: undefined,
      recovery: kid,
    });
  }

  #attest(statement: Statement): void {
    const { institution, kind, until, checklist } = statement.body as unknown as Attestation;
    const met = checklist !== undefined && Object.values(checklist).every((finding) => finding !== "not-met");
    this.#write(institution, (held) =>
      kind === "mandate" ? { ...held, mandateAttestedUntil: until } : { ...held, dueDiligenceUntil: met ? until : undefined },
    );
  }

  #suspension(statement: Statement, at: number): void {
    const { body, digest } = statement;
    const id = String(body["institution"]);
    const inForce = this.institutions.get(id)?.suspendedBy;
    if (body["act"] === "lift" ? inForce === undefined : inForce !== undefined) throw new Error("a suspension, or a lifting, that changes nothing");
    if (body["act"] === "lift") this.#propose(statement, at, inForce);
    else this.#write(id, (held) => ({ ...held, suspendedBy: digest, suspendedFor: String(body["reason"]) }));
  }

  #propose(statement: Statement, at: number, lifts?: string): void {
    this.proposals.set(statement.digest, { statement, signers: [statement.kid], effective: false, at, lifts });
  }

  #approve(statement: Statement, index: number, at: number): void {
    const proposal = this.proposals.get(String(statement.body["approves"]));
    if (!proposal || statement.subject !== proposal.statement.digest) throw new Error("an approval of nothing that waits");
    if (proposal.effective || proposal.signers.includes(statement.kid)) throw new Error("an approval that adds nothing");
    const signers = [...proposal.signers, statement.kid];
    const effective = this.#agreed(proposal.statement, signers);
    this.proposals.set(proposal.statement.digest, { ...proposal, signers, effective });
    if (effective) this.#takeEffect(proposal, index, at);
  }

  /** Counted are those who hold their office in the roster in force now. */
  #agreed(proposed: Statement, signers: readonly string[]): boolean {
    const enough = (office: OfficeName) => {
      const { keys, threshold } = this.roster.roles[office];
      return keys.filter(({ key }) => signers.includes(thumbprint(key))).length >= threshold;
    };
    switch (proposed.kind) {
      case "admission":
      case "suspension":
      case "web-release":
        return enough("administrators");
      case "roster":
      case "resumption":
        return enough("administrators") && enough("council");
      case "rotation": {
        const own = this.keys.get(signers.at(-1) ?? "");
        if (own?.holder !== "recovery" || own.party !== proposed.iss) throw new Error("a rotation that the recovery key did not approve");
        return true;
      }
      default:
        throw new Error(`nobody approves a ${proposed.kind}`);
    }
  }

  #takeEffect({ statement: proposed, lifts }: Proposal, index: number, at: number): void {
    const { kind, body } = proposed;
    if (kind === "rotation") this.#replaceKeys(proposed.iss, body["keys"] as NewKeys);
    else if (kind === "roster") this.#changeRoster(body as unknown as { number: number; roster: Roster });
    else if (kind === "suspension") {
      this.#write(String(body["institution"]), (held) => {
        if (held.suspendedBy !== lifts) throw new Error("a lifting of another suspension than the one in force");
        return { ...held, suspendedBy: undefined, suspendedFor: undefined };
      });
    } else if (kind === "admission") {
      const examined = String(body["record"]);
      const waiting = this.proposals.get(examined)?.statement;
      this.#write(String(body["institution"]), (held) => {
        const changes = waiting?.kind === "record" && waiting.body["institution"] === held.id && held.recordBy !== examined;
        if (!changes && held.recordBy !== examined) throw new Error("an admission of another record");
        const record = changes ? (waiting.body["record"] as InstitutionRecord) : held.record;
        return { ...held, record, recordBy: examined, admittedAt: at, admittedIn: index };
      });
    }
  }

  #changeRoster({ number, roster }: { number: number; roster: Roster }): void {
    if (number !== this.#rosterNumber + 1) throw new Error("a roster out of its order");
    checkRoster(roster);
    for (const [kid, key] of this.keys) {
      if (isOffice(key.holder)) this.keys.set(kid, { ...key, holder: "retired" });
    }
    this.#appoint(roster);
    this.roster = roster;
    this.#rosterNumber = number;
  }

  #appoint(roster: Roster): void {
    for (const office of OFFICES) {
      for (const { key } of roster.roles[office].keys) {
        const kid = thumbprint(key);
        const before = this.keys.get(kid);
        if (before && before.holder !== "retired") throw new Error("an office with a key that is somebody's");
        this.keys.set(kid, { publicKey: key, party: kid, holder: office });
      }
    }
  }

  #replaceKeys(party: string, keys: NewKeys): void {
    for (const [kid, key] of this.keys) {
      const replaced = key.holder === "institution-root" || (key.holder === "recovery" && keys.recovery !== undefined);
      if (key.party === party && replaced) this.keys.set(kid, { ...key, holder: "superseded" });
    }
    const put = (publicKey: string, holder: Holder) => {
      if (this.keys.has(thumbprint(publicKey))) throw new Error("a new key that is somebody's");
      this.keys.set(thumbprint(publicKey), { publicKey, party, holder });
    };
    put(keys.signing_key, "institution-root");
    if (keys.recovery) put(keys.recovery.signing_key, "recovery");
    this.#write(party, (held) => ({ ...held, publicKey: keys.signing_key }));
  }

  #cosigned(shared: Shared): void {
    const note = parseNote(shared.statement ?? "");
    const checkpoint = parseCheckpoint(note.text);
    const times = this.witnesses().flatMap((witness) => cosignedAt(note, witness) ?? []);
    const quorum = this.roster.witness_quorum;
    if (!isSignedBy(note, this.logKey("register")) || quorum === 0 || times.length < quorum) throw new Error("too few witnesses");
    if (this.rootAt(checkpoint.size) !== bytesToHex(checkpoint.root)) throw new Error("witnesses cosigned another register");
    const time = times.toSorted((a, b) => b - a)[quorum - 1];
    for (const [id, key] of this.recipientKeys) {
      if (key.cosignedAt === undefined && key.index < checkpoint.size) this.recipientKeys.set(id, { ...key, cosignedAt: time });
    }
  }

  #own(statement: Statement, institution: string): void {
    if (statement.iss !== institution) throw new Error("a statement about somebody else's institution");
  }

  #change(statement: Statement, step: (held: Institution) => Institution): void {
    this.#own(statement, String(statement.body["institution"]));
    this.#write(statement.iss, step);
  }

  #write(id: string, step: (held: Institution) => Institution): void {
    const held = this.institutions.get(id);
    if (!held) throw new Error("an institution that is not enrolled");
    this.institutions.set(id, step(held));
  }
}

const isOffice = (holder: Holder): holder is OfficeName => OFFICES.some((office) => office === holder);

interface NewKeys {
  readonly signing_key: string;
  readonly recipient: string;
  readonly recovery?: { readonly signing_key: string; readonly recipient: string };
}

interface Enrolment extends NewKeys {
  readonly recovery: { readonly signing_key: string; readonly recipient: string };
  readonly role: { readonly institution?: InstitutionRecord };
}

interface Attestation {
  readonly institution: string;
  readonly kind: "mandate" | "due-diligence";
  readonly until: number;
  readonly checklist?: Record<string, string>;
}
