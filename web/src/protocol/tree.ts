// RFC 6962 Merkle trees over SHA-256: roots, inclusion proofs and consistency proofs.
// Source: RFC 6962, section 2.1; the checks are those of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

import { concatBytes, equal, sha256 } from "./bytes";

export type Hash = Uint8Array;

export const leafHash = (data: Uint8Array): Hash => sha256(concatBytes(Uint8Array.of(0), data));
const HASH_BYTES = 32;

/** Of two hashes and of nothing else: pieces of other lengths could be put together to the bytes of another node. */
export function nodeHash(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new Error("a proof holds something that is not a hash");
  return sha256(concatBytes(Uint8Array.of(1), left, right));
}

export const emptyRoot = (): Hash => sha256(new Uint8Array());

/** A tree that only grows, kept as the roots of its whole subtrees; it remembers its root at every size. */
export class Tree {
  readonly #whole: Hash[] = [];
  readonly #roots: Hash[] = [emptyRoot()];

  append(leaf: Hash): void {
    let hash = leaf;
    // As many whole subtrees merge as the old size has ones at its end.
    for (let size = this.size; size % 2 === 1; size = (size - 1) / 2) {
      const left = this.#whole.pop();
      if (left) hash = nodeHash(left, hash);
    }
    this.#whole.push(hash);
    this.#roots.push(this.#whole.toReversed().reduce((right, left) => nodeHash(left, right)));
  }

  get size(): number {
    return this.#roots.length - 1;
  }

  get root(): Hash {
    return this.#roots[this.size] ?? emptyRoot();
  }

  rootAt(size: number): Hash | undefined {
    return this.#roots[size];
  }
}

/** Throws unless `leaf` stands at `index` of the tree. */
export function verifyInclusion(leaf: Hash, index: number, size: number, root: Hash, proof: readonly Hash[]): void {
  if (!(index < size)) throw new Error("the index is not in the tree");
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw new Error("the proof is too long");
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  if (last !== 0 || !equal(hash, root)) throw new Error("the inclusion proof does not hold");
}

/** Throws unless the tree of `newSize` begins with the tree of `oldSize`. */
export function verifyConsistency(oldSize: number, oldRoot: Hash, newSize: number, newRoot: Hash, proof: readonly Hash[]): void {
  const fails = () => new Error("the consistency proof does not hold");
  if (oldSize > newSize) throw fails();
  if (oldSize === 0 || oldSize === newSize) {
    const known = oldSize === 0 ? equal(oldRoot, emptyRoot()) : equal(oldRoot, newRoot);
    if (proof.length > 0 || !known) throw fails();
    return;
  }
  let [at, last] = [oldSize - 1, newSize - 1];
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  const rest = [...proof];
  let old = at === 0 ? oldRoot : rest.shift();
  if (!old) throw fails();
  let grown = old;
  for (const sibling of rest) {
    if (last === 0) throw fails();
    if (at % 2 === 1 || at === last) {
      [old, grown] = [nodeHash(sibling, old), nodeHash(sibling, grown)];
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      grown = nodeHash(grown, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  if (last !== 0 || !equal(old, oldRoot) || !equal(grown, newRoot)) throw fails();
}
