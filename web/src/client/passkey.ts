// A passkey as a second way into an identity on this device: the identity file once more, locked for the secret that the
// passkey gives this page (WebAuthn PRF). It is age with `fido2prf` stanzas; the passphrase stays valid.

import { Decrypter, Encrypter, webauthn } from "age-encryption";
import { identityFile, readIdentityFile } from "../protocol/keys";
import { type KeptIdentity, recall, rewrite, type Unlocked } from "./vault";

/** The passkey was not used: declined, taken away, or without a secret for pages. */
export class PasskeyUnused extends Error {}

/** Whether this browser knows passkeys here; whether one gives a secret shows when it is made. */
export const isPossible = (): boolean => "PublicKeyCredential" in globalThis;

/** Makes a passkey and locks the identity for it. */
export async function add({ kept, keys }: Unlocked): Promise<KeptIdentity> {
  const file = await used(async () => {
    const identity = await webauthn.createCredential({ keyName: `Amana ${kept.label}`.trim() });
    const encrypter = new Encrypter();
    encrypter.addRecipient(new webauthn.WebAuthnRecipient({ identity }));
    return { identity, locked: await encrypter.encrypt(identityFile(keys, kept.label)) };
  });
  return rewrite({ ...kept, passkey: file });
}

export function remove({ kept }: Unlocked): Promise<KeptIdentity> {
  const { passkey: _, ...without } = kept;
  return rewrite(without);
}

export async function unlock(kept: KeptIdentity): Promise<Unlocked> {
  const { passkey } = kept;
  if (!passkey) throw new PasskeyUnused("no passkey was added");
  const plain = await used(() => {
    const decrypter = new Decrypter();
    decrypter.addIdentity(new webauthn.WebAuthnIdentity({ identity: passkey.identity }));
    return decrypter.decrypt(passkey.locked, "text");
  });
  return recall(kept, (await readIdentityFile(plain)).keys);
}

async function used<Answer>(act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act();
  } catch (error) {
    throw new PasskeyUnused(error instanceof Error ? error.message : String(error));
  }
}
