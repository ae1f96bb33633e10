// Messages inside signed statements: padded to 256 bytes, sealed to one recipient. Source: docs/protocol.md, "Messages".

import { Decrypter, Encrypter } from "age-encryption";
import { concatBytes, decode, encode, equal, text, u32be, utf8ToBytes } from "../protocol/bytes";

const MOST_BYTES = 16 * 1024;
const PADDED_TO = 256;

export async function sealMessage(recipient: string, message: string): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encode(await encrypter.encrypt(padded(message)));
}

/** Throws when it is for somebody else, or padded in another way. */
export async function openMessage(ageIdentity: string, sealed: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(ageIdentity);
  const plain = await decrypter.decrypt(decode(sealed));
  const length = new DataView(plain.buffer, plain.byteOffset).getUint32(0);
  const message = text(plain.subarray(4, 4 + length));
  if (!equal(padded(message), plain)) throw new Error("a message in another form");
  return message;
}

export const fits = (message: string): boolean => utf8ToBytes(message).length <= MOST_BYTES;

function padded(message: string): Uint8Array {
  const bytes = utf8ToBytes(message);
  if (bytes.length > MOST_BYTES) throw new Error("longer than a message may be");
  const framed = concatBytes(u32be(bytes.length), bytes);
  const whole = new Uint8Array(Math.ceil(framed.length / PADDED_TO) * PADDED_TO);
  whole.set(framed);
  return whole;
}
