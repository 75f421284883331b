/** Values by their rank, without sorting millions of numbers. */

/** @typedef {import("./fourier.js").Values} Values */

/**
 * The k-th smallest of numbers in single precision, for several k at once.
 * @param {Float32Array} values @param {number[]} ranks each from 1 to the number of values @returns {number[]}
 */
export function ranked(values, ranks) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const highs = new Uint32Array(65536);
  for (let at = 0; at < bits.length; at += 1) highs[ordered(bits[at]) >>> 16] += 1;
  return ranks.map((rank) => {
    const [high, before] = placeOf(highs, rank);
    const lows = new Uint32Array(65536);
    for (let at = 0; at < bits.length; at += 1) {
      const key = ordered(bits[at]);
      if (key >>> 16 === high) lows[key & 65535] += 1;
    }
    const key = ((high << 16) | placeOf(lows, rank - before)[0]) >>> 0;
    return new Float32Array(Uint32Array.of(key & 0x80000000 ? key ^ 0x80000000 : ~key).buffer)[0];
  });
}

/** Bits of a number as a whole number that is larger for the larger number. @param {number} bits */
function ordered(bits) {
  return (bits & 0x80000000 ? ~bits : bits | 0x80000000) >>> 0;
}

/** The class in which that rank lies, and how many lie before it. @param {Uint32Array} counts @param {number} rank @returns {[number, number]} */
function placeOf(counts, rank) {
  let before = 0;
  for (let at = 0; at < counts.length; at += 1) {
    if (before + counts[at] >= rank) return [at, before];
    before += counts[at];
  }
  throw new RangeError(`there is no number of rank ${rank}`);
}

/** @param {Values} values */
export function meanOf(values) {
  let sum = 0;
  for (let at = 0; at < values.length; at += 1) sum += values[at];
  return sum / values.length;
}
