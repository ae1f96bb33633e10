// Identities on this device, and what is remembered for each: sealed to the identity, so that a stolen device without
// its passphrase tells nothing but that Amana was used.

import { Decrypter, Encrypter } from "age-encryption";
import { text } from "../protocol/bytes";
import { identityFile, type Keys, keysOf, newSeed, readIdentityFile } from "../protocol/keys";
import { emptyMemory, type Memory } from "./memory";
import { work } from "../work/call";
import * as store from "./store";

export interface KeptIdentity {
  readonly kid: string;
  readonly label: string;
  readonly role: Role;
  /** The identity file: armored age under the passphrase. */
  readonly file: string;
  /** The same, locked for a passkey besides: which one, and the age file. */
  readonly passkey?: { readonly identity: string; readonly locked: Uint8Array };
}

export type Role = "advocate" | "institution" | "officer" | "administrators" | "accreditors" | "auditors" | "council";

export interface Unlocked {
  readonly kept: KeptIdentity;
  readonly keys: Keys;
  memory: Memory;
  /** Nothing is kept of it on this device. */
  readonly passing?: boolean;
}

const LIST = "identities";
export async function identities(): Promise<KeptIdentity[]> {
  return (await store.read<KeptIdentity[]>(LIST)) ?? [];
}

/** Makes an identity and keeps it under a passphrase. */
export async function create(label: string, role: Role, passphrase: string): Promise<Unlocked> {
  return keep(await keysOf(newSeed()), label, role, passphrase);
}

/** Keeps keys that came from an identity file, or from recovery, under a passphrase of this device. */
export async function keep(keys: Keys, label: string, role: Role, passphrase: string): Promise<Unlocked> {
  const file = await work("lock", { plain: identityFile(keys, label), passphrase });
  const kept: KeptIdentity = { kid: keys.kid, label, role, file };
  const others = (await identities()).filter((other) => other.kid !== keys.kid);
  await store.write(LIST, [...others, kept]);
  const unlocked = await recall(kept, keys);
  await remember(unlocked);
  return unlocked;
}

export async function unlock(kept: KeptIdentity, passphrase: string): Promise<Unlocked> {
  const { keys } = await open(kept.file, passphrase);
  return recall(kept, keys);
}

/** Unlocked keys with what is remembered for them. */
export async function recall(kept: KeptIdentity, keys: Keys): Promise<Unlocked> {
  return { kept, keys, memory: (await remembered(keys)) ?? emptyMemory() };
}

/** Keeps an identity of this device in another way. */
export async function rewrite(kept: KeptIdentity): Promise<KeptIdentity> {
  await store.write(LIST, (await identities()).map((one) => (one.kid === kept.kid ? kept : one)));
  return kept;
}

/** Opens an identity file: under a passphrase, or plain. */
export async function open(file: string, passphrase: string): Promise<{ keys: Keys; label: string }> {
  return readIdentityFile(file.startsWith("# amana identity") ? file : await work("unlock", { file, passphrase }));
}

/** Writes down what is to be remembered. Called after every step that changed it. */
export async function remember({ keys, memory, passing }: Unlocked): Promise<void> {
  if (passing) return;
  const encrypter = new Encrypter();
  encrypter.addRecipient(keys.recipient);
  await store.write(`memory ${keys.kid}`, await encrypter.encrypt(JSON.stringify(memory)));
}

async function remembered(keys: Keys): Promise<Memory | undefined> {
  const sealed = await store.read<Uint8Array>(`memory ${keys.kid}`);
  if (sealed === undefined) return undefined;
  const decrypter = new Decrypter();
  decrypter.addIdentity(keys.ageIdentity);
  return JSON.parse(text(await decrypter.decrypt(sealed)));
}

export async function forget(kid: string): Promise<void> {
  await store.write(LIST, (await identities()).filter((kept) => kept.kid !== kid));
  await store.remove(`memory ${kid}`);
}

/** The keys of an identity file that is not to be kept as an identity: a unit's. */
export const keysInFile = async (file: string, passphrase: string): Promise<Keys> => (await open(file, passphrase)).keys;
