// An identity file's lock: age under a passphrase, made to take about a second. Runs in the worker.

import { armor, Decrypter, Encrypter } from "age-encryption";
import { text } from "../protocol/bytes";

const WORK_FACTOR = 18;

export class WrongPassphrase extends Error {}

export async function lock({ plain, passphrase }: { plain: string; passphrase: string }): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(WORK_FACTOR);
  return armor.encode(await encrypter.encrypt(plain));
}

export async function unlock({ file, passphrase }: { file: string; passphrase: string }): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    return text(await decrypter.decrypt(armor.decode(file.trim())));
  } catch {
    throw new WrongPassphrase("not the passphrase of this identity, or not an identity file");
  }
}
