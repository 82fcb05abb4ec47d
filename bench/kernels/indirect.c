// SPDX-License-Identifier: Apache-2.0
// Calls through pointers: a tree of objects with virtual functions, and a sort
// with a comparison function.
#include "kernel.h"

enum { kNodes = 4096, kRounds = 10000, kKeys = 20000, kSorts = 60 };

typedef struct Node Node;
struct Node {
  int32_t (*evaluate)(const Node* node, int32_t x);
  const Node* left;
  const Node* right;
  int32_t value;
};

static int32_t constant(const Node* n, int32_t x) { return n->value + x; }
static int32_t add(const Node* n, int32_t x) { return n->left->evaluate(n->left, x) + n->right->evaluate(n->right, x + 1); }
static int32_t subtract(const Node* n, int32_t x) { return n->left->evaluate(n->left, x) - n->right->evaluate(n->right, x ^ 3); }
static int32_t choose(const Node* n, int32_t x) { return x & 1 ? n->left->evaluate(n->left, x >> 1) : n->right->evaluate(n->right, x + n->value); }

static int32_t (*const kKinds[])(const Node*, int32_t) = {add, subtract, add, choose};
static Node nodes[kNodes];
static uint32_t keys[kKeys];

static int ascending(const void* a, const void* b) {
  const uint32_t x = *(const uint32_t*)a, y = *(const uint32_t*)b;
  return (x > y) - (x < y);
}
static int by_low_bits(const void* a, const void* b) {
  const uint32_t x = *(const uint32_t*)a & 0xffff, y = *(const uint32_t*)b & 0xffff;
  return x == y ? ascending(a, b) : x < y ? -1 : 1;
}

// Shell's sort, so that both builds run the same algorithm.
static void sort(uint32_t* values, int count, int (*compare)(const void*, const void*)) {
  for (int gap = count / 2; gap > 0; gap /= 2) {
    for (int i = gap; i < count; i++) {
      const uint32_t value = values[i];
      int j = i;
      for (; j >= gap && compare(&values[j - gap], &value) > 0; j -= gap) values[j] = values[j - gap];
      values[j] = value;
    }
  }
}

int main(void) {
  uint32_t seed = 7;
  for (int i = 0; i < kNodes; i++) {
    const int leaf = 2 * i + 2 >= kNodes;
    nodes[i].evaluate = leaf ? constant : kKinds[next_random(&seed) & 3];
    nodes[i].left = &nodes[leaf ? 0 : 2 * i + 1];
    nodes[i].right = &nodes[leaf ? 0 : 2 * i + 2];
    nodes[i].value = (int32_t)(next_random(&seed) & 1023);
  }
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) sum = mix(sum, (uint32_t)nodes[round & 7].evaluate(&nodes[round & 7], round));
  for (int round = 0; round < kSorts; round++) {
    for (int i = 0; i < kKeys; i++) keys[i] = next_random(&seed);
    sort(keys, kKeys, round & 1 ? ascending : by_low_bits);
    sum = mix(sum, keys[kKeys / 3]);
  }
  return finish(sum);
}
