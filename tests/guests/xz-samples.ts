/**
 * Small .xz files of our own making, for machines without the xz program. "branchy" is branchyBytes(1, 900), full of
 * bytes that the x86 branch filter looks at; "text" is XZ_TEXT.
 */

export const XZ_TEXT = "Vitrine shows what a hypervisor does. ".repeat(40);

/** Bytes with many E8, E9, 00 and FF: every case of the branch filter comes up. */
export function branchyBytes(seed: number, length: number): Uint8Array {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  return Uint8Array.from({ length }, () => {
    const roll = next();
    if (roll < 60) return 0xe8 | (roll & 1);
    if (roll < 120) return roll & 1 ? 0xff : 0;
    return next();
  });
}

const decode = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

export const XZ = {
  /** branchy; x86 filter, CRC-32, 32 MB dictionary: as the Linux build packs kernels. */
  x86Crc32: decode(
    "/Td6WFoAAAFpIt42AgEEACEBGgAByYCz4AODA0tdAABi0ES5BrVpg5QKxxCZglsw1o0AdGOhymm8WM5r2L7NNNj3t+a8nW99Zsk/YEuft+3YSw6jCqLkGSSf" +
      "7vzgEzOo/+Nk2qPzehoOZXmlfh2m/R1pNDVsH+uLrXcAcDahMtDAK/2gPATbhC4QG/EECe8IlzIqnvoqxX+eVB0ODql5pKvIw4XTbdDMKYtKKNPt2f+G0dW6" +
      "mQM/Hi+iR/pCV0WJ9c8Q5IJfNEZKQkMRPL0Z2nU8/atAys7aHeOqwfev2R6AI9job+kk4e++HGRFeAdRVMD4FTRocBy4vSUVeD47Zh8FqPrD/DoVOqeZvUqF" +
      "SK3Rfd9ju3LTdQgi3mPAgvICHhduH7waoMrL/moI4ZwBX3lMhnzAwnnDEN8fwIL+MJCQ1Ql9JhOlR0BrF7IJJ/8petOlfqR8yfMO5bOEoNrVV+IYhZ8EX/QC" +
      "SzF9Q8eKPBwVQiYkesaDLrpDM32iV3N2xhseImDZ0i2a8FztzE1e1KLzL1k6cxCdgUkYurJkCEzHfWc6NIHcxmr+LjJbaGObJAE8wKHJiGDlM8vTGi0NlIOv" +
      "s9pV3vSl30kG6WERlk67HFR+IkAbahAFI+/ggYBzBSTKB2rTIVDAtEt85YbGIsne8wXnDQQPF3NUuVR4kYOP0tBSLmP258RWDrV/8N463eblmQ97te+qoWzd" +
      "ixg9mzWo/vhvkMA/XAFF14kH4nFSvIP+YAl6YuXxsTE70Nk55FAf1eS6oSJHIKFF7kuxOFSg6ZCPqseUxFp6xMsyYxs7WbOMVfYeQ3P+fm8g0VwlrPNnQw9i" +
      "Gkp6UNMjXsQHMvzs3ifpGMYZRdQYMK+2c8vgE3L2H0HlIyal68N2Pqnu3CcH9BqWUQKgCC/4x6kmUNzZHBP8gQo2j28j46JJ3ibTMby/n7HqcLY3Yi8ekzi5" +
      "CT1KVYub0ZOGMKtaJlD7SS4RYGgvZO22URD/m7SG1MBlk/tMmBN2zkpWnU/NjKYCa5ETijxz2t2f8TDykP55Ve/pYyFEcFIqmpKcj3LBRCEMQ988jtEjmuix" +
      "cX0ggitvuvfXgybKbly/LLL0P344tHZjjN24buK7Ubp7Ob7dVIpPFCiXz579w3txm27wdka4SRkCRFHPHATSWAAAmXaZFAAB4waEBwAAuH+xuz4wDYsCAAAA" +
      "AAFZWg==",
  ),
  /** branchy; x86 filter, CRC-64. */
  x86Crc64: decode(
    "/Td6WFoAAATm1rRGAgEEACEBFgANhjUf4AODA0tdAABi0ES5BrVpg5QKxxCZglsw1o0AdGOhymm8WM5r2L7NNNj3t+a8nW99Zsk/YEuft+3YSw6jCqLkGSSf" +
      "7vzgEzOo/+Nk2qPzehoOZXmlfh2m/R1pNDVsH+uLrXcAcDahMtDAK/2gPATbhC4QG/EECe8IlzIqnvoqxX+eVB0ODql5pKvIw4XTbdDMKYtKKNPt2f+G0dW6" +
      "mQM/Hi+iR/pCV0WJ9c8Q5IJfNEZKQkMRPL0Z2nU8/atAys7aHeOqwfev2R6AI9job+kk4e++HGRFeAdRVMD4FTRocBy4vSUVeD47Zh8FqPrD/DoVOqeZvUqF" +
      "SK3Rfd9ju3LTdQgi3mPAgvICHhduH7waoMrL/moI4ZwBX3lMhnzAwnnDEN8fwIL+MJCQ1Ql9JhOlR0BrF7IJJ/8petOlfqR8yfMO5bOEoNrVV+IYhZ8EX/QC" +
      "SzF9Q8eKPBwVQiYkesaDLrpDM32iV3N2xhseImDZ0i2a8FztzE1e1KLzL1k6cxCdgUkYurJkCEzHfWc6NIHcxmr+LjJbaGObJAE8wKHJiGDlM8vTGi0NlIOv" +
      "s9pV3vSl30kG6WERlk67HFR+IkAbahAFI+/ggYBzBSTKB2rTIVDAtEt85YbGIsne8wXnDQQPF3NUuVR4kYOP0tBSLmP258RWDrV/8N463eblmQ97te+qoWzd" +
      "ixg9mzWo/vhvkMA/XAFF14kH4nFSvIP+YAl6YuXxsTE70Nk55FAf1eS6oSJHIKFF7kuxOFSg6ZCPqseUxFp6xMsyYxs7WbOMVfYeQ3P+fm8g0VwlrPNnQw9i" +
      "Gkp6UNMjXsQHMvzs3ifpGMYZRdQYMK+2c8vgE3L2H0HlIyal68N2Pqnu3CcH9BqWUQKgCC/4x6kmUNzZHBP8gQo2j28j46JJ3ibTMby/n7HqcLY3Yi8ekzi5" +
      "CT1KVYub0ZOGMKtaJlD7SS4RYGgvZO22URD/m7SG1MBlk/tMmBN2zkpWnU/NjKYCa5ETijxz2t2f8TDykP55Ve/pYyFEcFIqmpKcj3LBRCEMQ988jtEjmuix" +
      "cX0ggitvuvfXgybKbly/LLL0P344tHZjjN24buK7Ubp7Ob7dVIpPFCiXz579w3txm27wdka4SRkCRFHPHATSWAAAmEBTvE8HfvgAAecGhAcAAK49ICCxxGf7" +
      "AgAAAAAEWVo=",
  ),
  /** text; no filter, no check. */
  plainNone: decode(
    "/Td6WFoAAAD/EtlBAgAhARYAAAB0L+Wj4AXvADVdACsaSodGjEn55d56XTxLpxSe1B4cAmI/G9o5sSr+tDS/p8kcuoXnc739A6ydkejb4uMkcYAAAAAAAAAB" +
      "SfALAAAAJVg3dKgACvwCAAAAAABZWg==",
  ),
  /** text; no filter, CRC-64: the xz program without options. */
  plainCrc64: decode(
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AXvADVdACsaSodGjEn55d56XTxLpxSe1B4cAmI/G9o5sSr+tDS/p8kcuoXnc739A6ydkejb4uMkcYAAAAAAAHvD" +
      "5lwlp+JRAAFR8AsAAADT2LKbscRn+wIAAAAABFla",
  ),
  /** text; SHA-256. */
  sha256: decode(
    "/Td6WFoAAArh+wyhAgAhARYAAAB0L+Wj4AXvADVdACsaSodGjEn55d56XTxLpxSe1B4cAmI/G9o5sSr+tDS/p8kcuoXnc739A6ydkejb4uMkcYAAAAAAAFgM" +
      "rStBmHWiIMBATNITlBhsknrhOArCz8Rz+SNEgD4hAAFp8AsAAAATXZtztunfHAIAAAAAClla",
  ),
  /** text; ARM filter. */
  arm: decode(
    "/Td6WFoAAATm1rRGAgEHACEBFgCj9KGZ4AXvADVdACsaSodGjEn55d56XTxLpxSe1B4cAmI/G9o5sSr+tDS/p8kcuoXnc739A6ydkejb4uMkcYAAAAAAAHvD" +
      "5lwlp+JRAAFR8AsAAADT2LKbscRn+wIAAAAABFla",
  ),
  /** text; two blocks. */
  twoBlocks: decode(
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4APnADJdACsaSodGjEn55d56XTxLpxSe1B4cAmI/G9o5sSr+tDS/p8kcuoXnc739A6ydkb1zmqgAAAAAsfnT0W3o" +
      "qBoCACEBFgAAAHQv5aPgAgcALl0AOYgK5sOqKzTLyN2NtoaZsLlODfnxGWdrgxAj8wn/iYzzNHeVjoCh5AjrnkJoAAAAAEjM8KnRpATPAAJO6AdKiAS3z6bL" +
      "scRn+wIAAAAABFla",
  ),
};
