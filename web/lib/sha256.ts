/**
 * SHA-256 (FIPS 180-4), in pure TypeScript: pages served over plain http have no `crypto.subtle`. `sha256` takes the
 * host's implementation where there is one; `Sha256` works everywhere and in steps.
 */

/** First 32 bits of the fractional parts of the square and cube roots of the first primes (FIPS 180-4, 4.2.2, 5.3.3). */
function constants(): { initial: Uint32Array; round: Uint32Array } {
  const initial = new Uint32Array(8);
  const round = new Uint32Array(64);
  const isPrime = (n: number): boolean => {
    for (let d = 2; d * d <= n; d++) if (n % d === 0) return false;
    return true;
  };
  for (let n = 2, found = 0; found < 64; n++) {
    if (!isPrime(n)) continue;
    round[found] = fraction(n, 3);
    if (found < 8) initial[found] = fraction(n, 2);
    found++;
  }
  return { initial, round };
}

/** floor(2^32 * frac(n^(1/root))), exactly: the integer root of n * 2^(32 * root), by bisection. */
function fraction(n: number, root: number): number {
  const target = BigInt(n) << BigInt(32 * root);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** BigInt(root) <= target) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}

const { initial: INITIAL, round: ROUND } = constants();
const BLOCK_BYTES = 64;

/** Incremental hash: any number of `update` calls, then one `digest`. */
export class Sha256 {
  readonly #state = INITIAL.slice();
  readonly #schedule = new Int32Array(64);
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  #bytes = 0;

  update(data: Uint8Array): this {
    this.#bytes += data.length;
    let at = 0;
    if (this.#filled > 0) {
      at = Math.min(BLOCK_BYTES - this.#filled, data.length);
      this.#block.set(data.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < BLOCK_BYTES) return this;
      this.#compress(this.#block, 0);
      this.#filled = 0;
    }
    for (; at + BLOCK_BYTES <= data.length; at += BLOCK_BYTES) this.#compress(data, at);
    this.#block.set(data.subarray(at));
    this.#filled = data.length - at;
    return this;
  }

  /** 32 bytes. The object is used up. */
  digest(): Uint8Array<ArrayBuffer> {
    const bits = BigInt(this.#bytes) * 8n;
    const padding = new Uint8Array((this.#filled < 56 ? 64 : 128) - this.#filled);
    padding[0] = 0x80;
    new DataView(padding.buffer).setBigUint64(padding.length - 8, bits);
    this.update(padding);
    const result = new Uint8Array(32);
    const view = new DataView(result.buffer);
    for (const [i, word] of this.#state.entries()) view.setUint32(i * 4, word);
    return result;
  }

  #compress(data: Uint8Array, at: number): void {
    const w = this.#schedule;
    for (let i = 0; i < 16; i++, at += 4) w[i] = (data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!;
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]!;
      const y = w[i - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
    }
    const state = this.#state;
    let a = state[0]! | 0;
    let b = state[1]! | 0;
    let c = state[2]! | 0;
    let d = state[3]! | 0;
    let e = state[4]! | 0;
    let f = state[5]! | 0;
    let g = state[6]! | 0;
    let h = state[7]! | 0;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0]! += a;
    state[1]! += b;
    state[2]! += c;
    state[3]! += d;
    state[4]! += e;
    state[5]! += f;
    state[6]! += g;
    state[7]! += h;
  }
}

interface SubtleDigest {
  digest(algorithm: string, data: Uint8Array): Promise<ArrayBuffer>;
}

/** The host's SHA-256 where the context has one (secure contexts, Node), else ours. 32 bytes. */
export async function sha256(data: Uint8Array): Promise<Uint8Array> {
  const subtle = (globalThis as { crypto?: { subtle?: SubtleDigest } }).crypto?.subtle;
  return subtle ? new Uint8Array(await subtle.digest("SHA-256", data)) : new Sha256().update(data).digest();
}

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
