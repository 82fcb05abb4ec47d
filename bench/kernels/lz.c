// SPDX-License-Identifier: Apache-2.0
// Compression: LZ77 with a hash table in LZ4's manner, there and back.
#include "kernel.h"

enum { kInput = 1 << 20, kHashBits = 14, kRounds = 30, kMinMatch = 4 };
static uint8_t input[kInput], packed[kInput + kInput / 128 + 64], output[kInput];
static uint32_t table[1 << kHashBits];

static uint32_t read32(const uint8_t* p) {
  uint32_t value;
  memcpy(&value, p, 4);
  return value;
}

static uint8_t* put_length(uint8_t* out, size_t length) {
  for (; length >= 255; length -= 255) *out++ = 255;
  *out++ = (uint8_t)length;
  return out;
}

static uint8_t* put_sequence(uint8_t* out, const uint8_t* literals, size_t count, size_t distance, size_t match) {
  uint8_t* token = out++;
  *token = (uint8_t)((count < 15 ? count : 15) << 4 | (match < 15 ? match : 15));
  if (count >= 15) out = put_length(out, count - 15);
  memcpy(out, literals, count);
  out += count;
  if (distance == 0) return out;
  *out++ = (uint8_t)distance, *out++ = (uint8_t)(distance >> 8);
  return match >= 15 ? put_length(out, match - 15) : out;
}

static size_t compress(void) {
  memset(table, 0xff, sizeof table);
  uint8_t* out = packed;
  size_t anchor = 0;
  for (size_t i = 0; i + 12 < kInput;) {
    const uint32_t hash = (read32(input + i) * 2654435761u) >> (32 - kHashBits);
    const size_t candidate = table[hash];
    table[hash] = (uint32_t)i;
    if (candidate >= i || i - candidate > 65535 || read32(input + candidate) != read32(input + i)) {
      i++;
      continue;
    }
    size_t length = kMinMatch;
    while (i + length < kInput - 5 && input[candidate + length] == input[i + length]) length++;
    out = put_sequence(out, input + anchor, i - anchor, i - candidate, length - kMinMatch);
    i += length;
    anchor = i;
  }
  out = put_sequence(out, input + anchor, kInput - anchor, 0, 0);
  return (size_t)(out - packed);
}

static size_t take_length(const uint8_t** in, size_t length) {
  if (length != 15) return length;
  uint8_t byte;
  do length += byte = *(*in)++;
  while (byte == 255);
  return length;
}

static size_t expand(size_t size) {
  const uint8_t* in = packed;
  uint8_t* out = output;
  for (;;) {
    const uint8_t token = *in++;
    const size_t count = take_length(&in, token >> 4);
    memcpy(out, in, count);
    out += count, in += count;
    if (in >= packed + size) return (size_t)(out - output);
    const size_t distance = in[0] | in[1] << 8;
    in += 2;
    size_t length = take_length(&in, token & 15) + kMinMatch;
    for (const uint8_t* from = out - distance; length > 0; length--) *out++ = *from++;
  }
}

int main(void) {
  static const char* const kWords[] = {"container ", "image ", "the ", "of ", "module ", "memory ", "runs ", "and ", "1024 ", "trap\n"};
  uint32_t seed = 11;
  for (size_t i = 0; i < kInput;) {
    const uint32_t random = next_random(&seed);
    const char* word = kWords[random % 10];
    if (random >> 29 == 0) input[i++] = (uint8_t)(random >> 8);
    for (; *word && i < kInput; word++) input[i++] = (uint8_t)*word;
  }
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    const size_t size = compress();
    if (expand(size) != kInput || memcmp(input, output, kInput) != 0) abort();
    sum = mix(sum, size);
    input[round * 1000] ^= 1;
  }
  return finish(sum);
}
