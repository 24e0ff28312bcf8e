// Finds the number with SHA-256(salt + number) = challenge. A loop of our own: crypto.subtle is missing on plain
// http, and a promise for every number would take ten times as long. FIPS 180-4.
"use strict";

const root = (n, power) => Math.floor((n ** (1 / power) % 1) * 2 ** 32);
const PRIMES = [...Array(312).keys()].filter((n) => n > 1 && ![...Array(n).keys()].some((d) => d > 1 && n % d === 0));
const START = PRIMES.slice(0, 8).map((prime) => root(prime, 2) | 0);
const K = Int32Array.from(PRIMES.slice(0, 64), (prime) => root(prime, 3));
const W = new Int32Array(64);
const turned = (x, by) => (x >>> by) | (x << (32 - by));

function sha256(bytes) {
  const padded = new Uint8Array(((bytes.length + 72) >> 6) << 6);
  padded.set(bytes);
  padded[bytes.length] = 128;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const hash = Int32Array.from(START);
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) W[i] = view.getInt32(block + 4 * i);
      else {
        const [x, y] = [W[i - 15], W[i - 2]];
        const [one, two] = [turned(x, 7) ^ turned(x, 18) ^ (x >>> 3), turned(y, 17) ^ turned(y, 19) ^ (y >>> 10)];
        W[i] = W[i - 16] + one + W[i - 7] + two;
      }
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let i = 0; i < 64; i++) {
      const one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i];
      const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((part, i) => (hash[i] += part));
  }
  return hash;
}

onmessage = ({ data: { challenge, salt, maxnumber = 1e6 } }) => {
  const wanted = Int32Array.from(challenge.match(/.{8}/g), (part) => parseInt(part, 16));
  const encoder = new TextEncoder();
  for (let number = 0; number <= maxnumber; number++) {
    const hash = sha256(encoder.encode(salt + number));
    if (hash[0] === wanted[0] && hash.every((part, i) => part === wanted[i])) return postMessage(number);
  }
  postMessage(null);
};
