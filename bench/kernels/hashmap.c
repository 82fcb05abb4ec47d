// SPDX-License-Identifier: Apache-2.0
// Memory: a hash table of strings, malloc and free, cache misses.
#include "kernel.h"

enum { kBuckets = 1 << 15, kOperations = 4000000 };
typedef struct Entry Entry;
struct Entry {
  Entry* next;
  uint32_t hash, count;
  char key[];
};
static Entry* buckets[kBuckets];

static uint32_t hash_of(const char* key) {
  uint32_t hash = 2166136261u;
  for (; *key; key++) hash = (hash ^ (uint8_t)*key) * 16777619u;
  return hash;
}

static Entry** find(const char* key, uint32_t hash) {
  Entry** at = &buckets[hash & (kBuckets - 1)];
  while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0)) at = &(*at)->next;
  return at;
}

static void insert(const char* key) {
  const uint32_t hash = hash_of(key);
  Entry** at = find(key, hash);
  if (!*at) {
    *at = malloc(sizeof(Entry) + strlen(key) + 1);
    **at = (Entry){.next = NULL, .hash = hash, .count = 0};
    strcpy((*at)->key, key);
  }
  (*at)->count++;
}

static uint32_t erase(const char* key) {
  Entry** at = find(key, hash_of(key));
  Entry* entry = *at;
  if (!entry) return 0;
  const uint32_t count = entry->count;
  *at = entry->next;
  free(entry);
  return count;
}

static void name(char* key, uint32_t random) {
  static const char kLetters[] = "abcdefghijklmnop";
  int n = 0;
  for (uint32_t rest = random % 60000 + 1; rest; rest >>= 3) key[n++] = kLetters[rest & 15];
  key[n] = 0;
}

int main(void) {
  uint32_t seed = 17;
  uint64_t sum = 0;
  char key[32];
  for (int i = 0; i < kOperations; i++) {
    const uint32_t random = next_random(&seed);
    name(key, random);
    if (random >> 30 == 0) {
      sum = mix(sum, erase(key));
    } else {
      insert(key);
    }
  }
  return finish(sum);
}
