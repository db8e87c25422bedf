/* SSE2 integers: additions, rotations, byte comparisons, shuffles and products over 64 KB. */
#include "bench.h"
#include <emmintrin.h>

#define ROTATE(x, n) _mm_or_si128(_mm_slli_epi32(x, n), _mm_srli_epi32(x, 32 - n))

uint32_t simd(uint32_t rounds) {
  enum { COUNT = 4096 };
  static __m128i block[COUNT];
  for (int n = 0; n < COUNT; n++) block[n] = _mm_set_epi32(n * 11, n ^ 0xaa, n * 5, (int)(n * 0x9e3779b1u));
  __m128i a = _mm_set1_epi32(1), b = _mm_set1_epi32(2), c = _mm_set1_epi32(3), d = _mm_set1_epi32(4), sum = _mm_setzero_si128();
  while (rounds-- > 0) {
    for (int n = 0; n < COUNT; n++) {
      const __m128i v = block[n];
      a = _mm_add_epi32(a, _mm_xor_si128(b, v));
      d = ROTATE(_mm_xor_si128(d, a), 16);
      c = _mm_add_epi32(c, d);
      b = ROTATE(_mm_xor_si128(b, c), 12);
      a = _mm_add_epi32(a, b);
      d = _mm_shuffle_epi32(ROTATE(_mm_xor_si128(d, a), 8), 0x93);
      c = _mm_add_epi32(c, d);
      b = ROTATE(_mm_xor_si128(b, c), 7);
      const __m128i same = _mm_cmpeq_epi8(v, a), most = _mm_max_epu8(v, d);
      const __m128i low = _mm_unpacklo_epi8(v, c), high = _mm_unpackhi_epi8(v, same);
      sum = _mm_add_epi32(sum, _mm_sad_epu8(most, same));
      block[n] = _mm_add_epi16(_mm_mullo_epi16(low, high), _mm_andnot_si128(same, b));
    }
  }
  union {
    __m128i all;
    uint32_t word[4];
  } end = {_mm_xor_si128(_mm_add_epi32(sum, a), _mm_xor_si128(b, _mm_xor_si128(c, d)))};
  return end.word[0] ^ end.word[1] ^ end.word[2] ^ end.word[3];
}
