// SPDX-License-Identifier: Apache-2.0
// Bytes, branches and small allocations: JSON is parsed into a tree and printed.
#include "kernel.h"

enum { kRecords = 400, kRounds = 1500, kText = 1 << 18, kArena = 1 << 22 };
enum Kind { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

typedef struct Value Value;
struct Value {
  enum Kind kind;
  double number;
  const char* string;
  size_t length;
  const char* key;
  size_t key_length;
  Value* child;
  Value* next;
};

static char text[kText], printed[kText];
static _Alignas(16) char arena[kArena];
static size_t arena_used;
static const char* in;
static char* out;

static Value* make(enum Kind kind) {
  Value* value = (Value*)(arena + arena_used);
  arena_used += sizeof(Value);
  if (arena_used > kArena) abort();
  memset(value, 0, sizeof *value);
  value->kind = kind;
  return value;
}

static void skip_space(void) {
  while (*in == ' ' || *in == '\n' || *in == '\t' || *in == '\r') in++;
}

static size_t scan_string(void) {
  const char* start = ++in;
  while (*in != '"') in += *in == '\\' ? 2 : 1;
  return (size_t)(in++ - start);
}

static double parse_number(void) {
  const int negative = *in == '-';
  in += negative;
  double number = 0, scale = 1;
  for (; *in >= '0' && *in <= '9'; in++) number = number * 10 + (*in - '0');
  if (*in == '.') {
    for (in++; *in >= '0' && *in <= '9'; in++) number = number * 10 + (*in - '0'), scale *= 10;
  }
  return (negative ? -number : number) / scale;
}

static Value* parse(void);

static Value* parse_members(enum Kind kind, char end) {
  Value* value = make(kind);
  Value** tail = &value->child;
  in++;
  for (skip_space(); *in != end; skip_space()) {
    const char* key = in + 1;
    size_t key_length = 0;
    if (kind == kObject) {
      key_length = scan_string();
      skip_space();
      in++;
    }
    *tail = parse();
    (*tail)->key = key, (*tail)->key_length = key_length;
    tail = &(*tail)->next;
    skip_space();
    if (*in == ',') in++;
  }
  in++;
  return value;
}

static Value* parse(void) {
  skip_space();
  switch (*in) {
    case '{': return parse_members(kObject, '}');
    case '[': return parse_members(kArray, ']');
    case 'n': in += 4; return make(kNull);
    case 't': in += 4; return make(kTrue);
    case 'f': in += 5; return make(kFalse);
    case '"': {
      Value* value = make(kString);
      value->string = in + 1;
      value->length = scan_string();
      return value;
    }
    default: {
      Value* value = make(kNumber);
      value->number = parse_number();
      return value;
    }
  }
}

static void put(const char* bytes, size_t length) {
  memcpy(out, bytes, length);
  out += length;
}

static void put_string(const char* bytes, size_t length) {
  *out++ = '"';
  put(bytes, length);
  *out++ = '"';
}

static void put_number(double number) {
  char digits[24];
  int n = 0;
  int64_t hundredths = (int64_t)(number * 100 + (number < 0 ? -0.5 : 0.5));
  if (hundredths < 0) *out++ = '-', hundredths = -hundredths;
  do digits[n++] = (char)('0' + hundredths % 10), hundredths /= 10;
  while (hundredths || n < 3);
  while (n > 2) *out++ = digits[--n];
  *out++ = '.', *out++ = digits[1], *out++ = digits[0];
}

static void print(const Value* value) {
  switch (value->kind) {
    case kNull: put("null", 4); break;
    case kTrue: put("true", 4); break;
    case kFalse: put("false", 5); break;
    case kNumber: put_number(value->number); break;
    case kString: put_string(value->string, value->length); break;
    case kArray:
    case kObject:
      *out++ = value->kind == kArray ? '[' : '{';
      for (const Value* v = value->child; v; v = v->next) {
        if (value->kind == kObject) put_string(v->key, v->key_length), *out++ = ':';
        print(v);
        if (v->next) *out++ = ',';
      }
      *out++ = value->kind == kArray ? ']' : '}';
  }
}

static void make_text(void) {
  uint32_t seed = 3;
  char* p = text;
  *p++ = '[';
  for (int i = 0; i < kRecords; i++) {
    p += sprintf(p, "%s\n  { \"id\": %d, \"name\": \"user %u\", \"score\": %d.%02u, \"active\": %s, \"tags\": [ \"a\\\"b\", null, -%u ],", i ? "," : "", i,
                 next_random(&seed) % 10000, (int)(next_random(&seed) % 1000) - 500, next_random(&seed) % 100, i & 1 ? "true" : "false",
                 next_random(&seed) % 100000);
    p += sprintf(p, " \"address\": { \"street\": \"%u some long street name\", \"zip\": \"%05u\" } }", next_random(&seed) % 300, next_random(&seed) % 100000);
  }
  strcpy(p, "\n]");
}

int main(void) {
  make_text();
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    arena_used = 0, in = text, out = printed;
    print(parse());
    sum = mix(sum, (uint64_t)(out - printed));
    for (const char* p = printed; p < out; p += 64) sum = mix(sum, (uint8_t)*p);
  }
  return finish(sum);
}
