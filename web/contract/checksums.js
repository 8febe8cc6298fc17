/**
 * CRC-32 of ISO 3309 and SHA-256 of FIPS 180-4. The browser's own SHA-256 is not there on pages of plain http, which a static
 * host in a workshop may be.
 */

const CRC = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {Uint8Array} data @returns {number} unsigned, 32 bits. */
export function crc32(data) {
  let value = 0xffffffff;
  for (let index = 0; index < data.length; index++) value = (value >>> 8) ^ CRC[(value ^ data[index]) & 0xff];
  return (value ^ 0xffffffff) >>> 0;
}

/** The first 64 primes, of whose roots the constants are the first fractional bits. */
const PRIMES = Array.from({ length: 312 }, (_, index) => index).filter((n) => n > 1 && !Array.from({ length: n }, (_, d) => d).some((d) => d > 1 && n % d === 0));
const fraction = (/** @type {number} */ root) => Math.floor((root % 1) * 2 ** 32) >>> 0;
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));

/** @param {Uint8Array} data @returns {string} 64 hexadecimal digits. */
export function sha256(data) {
  const state = Uint32Array.from(START);
  const words = new Uint32Array(64);
  const whole = data.length - (data.length % 64);
  for (let at = 0; at < whole; at += 64) block(state, words, data, at);
  const rest = data.length - whole;
  const tail = new Uint8Array(rest < 56 ? 64 : 128);
  tail.set(data.subarray(whole));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(tail.length - 4, (data.length << 3) >>> 0);
  for (let at = 0; at < tail.length; at += 64) block(state, words, tail, at);
  return Array.from(state, (part) => part.toString(16).padStart(8, '0')).join('');
}

/** @param {Uint32Array} state @param {Uint32Array} words @param {Uint8Array} data @param {number} at */
function block(state, words, data, at) {
  for (let t = 0; t < 16; t++, at += 4) words[t] = (data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3];
  for (let t = 16; t < 64; t++) {
    const x = words[t - 15];
    const y = words[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[t] = words[t - 16] + s0 + words[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t] + words[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  const sums = [a, b, c, d, e, f, g, h];
  for (let index = 0; index < 8; index++) state[index] += sums[index];
}
