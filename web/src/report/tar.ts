// ustar framing: 512-byte headers, whole blocks, two zero blocks at the end. One member has one spelling.
// Source: POSIX.1-2017, pax, "ustar Interchange Format"; docs/protocol.md, "Sealed reports".

import { concatBytes, utf8ToBytes } from "../protocol/bytes";

export const BLOCK = 512;
export const END_BYTES = 2 * BLOCK;
export const MANIFEST = "manifest.json";
export const INDEX = "index.csv";
export const PADDING = ".padding";
const PAX_NAME = "PaxHeaders/size";
/** From this size on eleven octal digits do not suffice. */
const PAX_SIZE_BYTES = 2 ** 33;

export interface Member {
  readonly name: string;
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/** The blocks before a member's content. */
export function heading({ name, bytes, mtime }: Member): Uint8Array {
  if (bytes < PAX_SIZE_BYTES) return header(name, "0", bytes, mtime);
  const record = utf8ToBytes(paxRecord(bytes));
  const padded = new Uint8Array(BLOCK);
  padded.set(record);
  return concatBytes(header(PAX_NAME, "x", record.length, mtime), padded, header(name, "0", 0, mtime));
}

/** Zeros after a content, up to a whole block. */
export const fill = (bytes: number): number => (BLOCK - (bytes % BLOCK)) % BLOCK;

/** Length of an archive with these contents and an empty `.padding`. */
export function unpaddedBytes(contents: readonly number[]): number {
  const member = (bytes: number) => (bytes < PAX_SIZE_BYTES ? BLOCK : 3 * BLOCK) + Math.ceil(bytes / BLOCK) * BLOCK;
  return 3 * BLOCK + contents.reduce((sum, bytes) => sum + member(bytes), 0);
}

export type Heading = { readonly file: Member } | { readonly pax: number } | "end";

/** Reads a header block, which has to say in every field what `heading` would have written. */
export function parse(block: Uint8Array): Heading {
  if (block.every((byte) => byte === 0)) return "end";
  const name = textOf(block, 0, 100);
  const type = String.fromCharCode(block[156] ?? 0);
  const [bytes, mtime] = [octalOf(block, 124, 12), octalOf(block, 136, 12)];
  const isPax = type === "x" && name === PAX_NAME && bytes <= 64;
  // Compared byte for byte with what would have been written: links, owners, prefixes and all else are refused at once.
  const written = header(name, isPax ? "x" : "0", bytes, mtime);
  if (!block.every((byte, at) => byte === written[at])) throw new Error("an archive member in another form");
  return isPax ? { pax: bytes } : { file: { name, bytes, mtime } };
}

/** The size an extended header gives. */
export function parsePax(content: Uint8Array): number {
  const record = new TextDecoder().decode(content);
  const size = Number(/^\d+ size=(\d+)\n$/u.exec(record)?.[1]);
  if (!(size >= PAX_SIZE_BYTES) || paxRecord(size) !== record) throw new Error("an extended header in another form");
  return size;
}

function header(name: string, type: string, bytes: number, mtime: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, value: string) => block.set(utf8ToBytes(value), at);
  const octal = (at: number, digits: number, value: number) => put(at, value.toString(8).padStart(digits, "0"));
  put(0, name);
  octal(100, 7, 0o600);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, bytes);
  octal(136, 11, mtime);
  put(156, type);
  put(257, "ustar\0" + "00");
  octal(329, 7, 0);
  octal(337, 7, 0);
  put(148, "        ");
  const sum = block.reduce((total, byte) => total + byte, 0);
  octal(148, 7, sum);
  block[155] = 0;
  return block;
}

/** `LENGTH size=N\n`, the length counting itself. */
function paxRecord(bytes: number): string {
  const tail = ` size=${bytes}\n`;
  let length = tail.length + 1;
  while (length !== String(length).length + tail.length) length = String(length).length + tail.length;
  return `${length}${tail}`;
}

function textOf(block: Uint8Array, at: number, most: number): string {
  const field = block.subarray(at, at + most);
  const end = field.indexOf(0);
  const name = new TextDecoder("latin1").decode(end < 0 ? field : field.subarray(0, end));
  if (!/^[\x21-\x7e]+$/u.test(name)) throw new Error("an archive member without a plain name");
  return name;
}

function octalOf(block: Uint8Array, at: number, length: number): number {
  const digits = new TextDecoder("latin1").decode(block.subarray(at, at + length - 1));
  if (!/^[0-7]+$/u.test(digits) || block[at + length - 1] !== 0) throw new Error("an archive member with a broken number");
  return Number.parseInt(digits, 8);
}
