/**
 * The check values of the .xz format: CRC-32 (IEEE 802.3) and CRC-64 (ECMA-182), both reflected. They prove that a
 * kernel payload was unpacked to what was packed.
 */

const CRC32_POLYNOMIAL = 0xedb88320;
const CRC64_POLYNOMIAL = 0xc96c5795d7870f42n;

const crc32Table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32_POLYNOMIAL : value >>> 1;
  return value >>> 0;
});

export function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ crc32Table[(crc ^ byte) & 0xff]!;
  return ~crc >>> 0;
}

/** Low and high halves of the table: 64-bit integers are too slow for a kernel's 16 million bytes. */
const [crc64Low, crc64High] = (() => {
  const low = new Uint32Array(256);
  const high = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ CRC64_POLYNOMIAL : value >> 1n;
    low[byte] = Number(value & 0xffffffffn);
    high[byte] = Number(value >> 32n);
  }
  return [low, high];
})();

export function crc64(data: Uint8Array): bigint {
  let low = 0xffffffff;
  let high = 0xffffffff;
  for (const byte of data) {
    const index = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ crc64Low[index]!;
    high = (high >>> 8) ^ crc64High[index]!;
  }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}
