// Padmé: sizes rounded up so that at most a few bits of a length are told. Source: Nikitin et al., PoPETs 2019, section 4.

const FLOOR_BYTES = 16 * 1024;

/** The bucket of a length: never shorter, at least 16 KiB. Exact below 2⁵³. */
export function bucket(bytes: number): number {
  const least = Math.max(bytes, FLOOR_BYTES);
  const exponent = Math.floor(Math.log2(least));
  const keptBits = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - keptBits);
  return Math.ceil(least / step) * step;
}
