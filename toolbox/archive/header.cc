// SPDX-License-Identifier: Apache-2.0
#include "archive/header.h"

#include <algorithm>
#include <cstring>

#include "core/numbers.h"

namespace toolbox {
namespace {

constexpr uint64_t kMaxText = 1 << 20;  // of a long name and of pax records

struct Field {
  size_t at, size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kModified{136, 12}, kChecksum{148, 8}, kType{156, 1},
    kTarget{157, 100}, kMagic{257, 8}, kPrefix{345, 155};

std::string text_of(const char* block, Field field) {
  const char* const start = block + field.at;
  return std::string(start, ::strnlen(start, field.size));
}

// Octal, or GNU's big-endian number after a byte with the highest bit.
std::optional<uint64_t> number_of(const char* block, Field field) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(block + field.at);
  uint64_t value = 0;
  if (bytes[0] & 0x80) {
    if (bytes[0] == 0xff) return 0;  // negative: a time before 1970
    for (size_t i = 1; i < field.size; i++) {
      if (value >> 55) return std::nullopt;
      value = value << 8 | bytes[i];
    }
    return value;
  }
  bool any = false;
  for (size_t i = 0; i < field.size; i++) {
    const char c = static_cast<char>(bytes[i]);
    if (c == ' ' && !any) continue;
    if (c == ' ' || c == '\0') break;
    if (c < '0' || c > '7' || value >> 60) return std::nullopt;
    value = value << 3 | static_cast<uint64_t>(c - '0');
    any = true;
  }
  return value;
}

uint32_t checksum(const char* block) {
  uint32_t sum = 0;
  for (size_t i = 0; i < kTarBlock; i++) {
    const bool own = i >= kChecksum.at && i < kChecksum.at + kChecksum.size;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

uint64_t padding_of(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

void put_text(std::string& block, Field field, const std::string& text) { block.replace(field.at, std::min(field.size, text.size()), text, 0, field.size); }

void put_number(std::string& block, Field field, uint64_t value) {
  std::string digits = format_number(value, 8);
  if (digits.size() < field.size) {
    digits.insert(0, field.size - 1 - digits.size(), '0');
    return put_text(block, field, digits);
  }
  for (size_t i = field.size; i-- > 1; value >>= 8) block[field.at + i] = static_cast<char>(value);
  block[field.at] = static_cast<char>(0x80);
}

// One block, with as much of name and target as it has room for.
std::string plain_header(const Member& member) {
  std::string block(kTarBlock, '\0');
  std::string name = member.name, prefix;
  if (name.size() > kName.size) {
    const size_t slash = name.find('/', name.size() - kName.size - 1);
    if (slash != name.npos && slash > 0 && slash <= kPrefix.size && slash + 1 < name.size()) {
      prefix = name.substr(0, slash);
      name.erase(0, slash + 1);
    }
  }
  put_text(block, kName, name);
  put_text(block, kPrefix, prefix);
  put_number(block, kMode, member.mode & 07777);
  put_number(block, kUid, member.uid);
  put_number(block, kGid, member.gid);
  put_number(block, kSize, member.size);
  put_number(block, kModified, static_cast<uint64_t>(std::max(member.modified, int64_t{0})));
  block[kType.at] = member.type;
  put_text(block, kTarget, member.target);
  put_text(block, kMagic, std::string("ustar\00000", 8));
  std::string sum = format_number(checksum(block.data()), 8);
  sum.insert(0, 6 - sum.size(), '0');
  put_text(block, kChecksum, sum + std::string("\0 ", 2));
  return block;
}

bool fits(const Member& member) {
  const std::string block = plain_header(member);
  const std::string prefix = text_of(block.data(), kPrefix);
  return (prefix.empty() ? "" : prefix + "/") + text_of(block.data(), kName) == member.name;
}

// GNU's way to say a long name: a member of that type, with the name as its content.
std::string long_text(char type, const std::string& text) {
  Member member;
  member.name = "././@LongLink";
  member.type = type;
  member.size = text.size() + 1;
  return plain_header(member) + text + std::string(1 + padding_of(member.size), '\0');
}

}  // namespace

std::string tar_header(const Member& member) {
  std::string headers;
  if (member.target.size() > kTarget.size) headers += long_text('K', member.target);
  if (!fits(member)) headers += long_text('L', member.name);
  return headers + plain_header(member);
}

std::nullopt_t TarReader::fail(const char* why) {
  problem_ = why;
  return std::nullopt;
}

bool TarReader::read_block(char* block) {
  for (size_t at = 0; at < kTarBlock;) {
    const size_t n = in_.read(block + at, kTarBlock - at);
    if (n == 0) {
      if (at != 0 || in_.failed()) problem_ = "short read";
      return false;
    }
    at += n;
  }
  return true;
}

size_t TarReader::read(char* into, size_t size) {
  const size_t n = left_ == 0 ? 0 : in_.read(into, static_cast<size_t>(std::min<uint64_t>(size, left_)));
  if (n == 0 && left_ != 0) {
    problem_ = "short read";
    left_ = padding_ = 0;
  }
  left_ -= n;
  return n;
}

void TarReader::skip() {
  char buffer[4096];
  while (read(buffer, sizeof buffer) != 0) {
  }
  left_ = padding_;
  padding_ = 0;
  while (read(buffer, sizeof buffer) != 0) {
  }
}

std::optional<std::string> TarReader::read_text(uint64_t size) {
  if (size > kMaxText) return fail("a name that is too long");
  std::string text(static_cast<size_t>(size), '\0');
  for (size_t at = 0; at < text.size();) {
    const size_t n = read(text.data() + at, text.size() - at);
    if (n == 0) return std::nullopt;
    at += n;
  }
  skip();
  return text;
}

// Records "LENGTH KEY=VALUE\n".
bool TarReader::take_pax(const std::string& records) {
  for (size_t at = 0; at < records.size();) {
    const size_t space = records.find(' ', at);
    const auto length = space == records.npos ? std::nullopt : parse_number(std::string_view(records).substr(at, space - at));
    if (!length || *length < 3 || static_cast<uint64_t>(*length) > records.size() - at || space + 1 > at + static_cast<size_t>(*length)) return false;
    const std::string record = records.substr(space + 1, at + static_cast<size_t>(*length) - space - 2);
    at += static_cast<size_t>(*length);
    const size_t equals = record.find('=');
    if (equals == record.npos) return false;
    const std::string key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") long_name_ = value;
    if (key == "linkpath") long_target_ = value;
    if (key == "size") pax_size_ = parse_number(value);
    if (key == "mtime") pax_modified_ = parse_number(value.substr(0, value.find('.')));
  }
  return true;
}

void TarReader::override_from_pax(Member& member) {
  if (!long_name_.empty()) member.name = long_name_;
  if (!long_target_.empty()) member.target = long_target_;
  if (pax_size_) member.size = *pax_size_;
  if (pax_modified_) member.modified = *pax_modified_;
  long_name_.clear();
  long_target_.clear();
  pax_size_.reset();
  pax_modified_.reset();
}

std::optional<Member> TarReader::next() {
  for (;;) {
    skip();
    char block[kTarBlock];
    if (!problem_.empty() || !read_block(block)) return std::nullopt;
    if (std::all_of(block, block + kTarBlock, [](char c) { return c == '\0'; })) return std::nullopt;
    if (number_of(block, kChecksum) != checksum(block)) return fail("invalid tar header checksum");
    const auto mode = number_of(block, kMode), uid = number_of(block, kUid), gid = number_of(block, kGid), size = number_of(block, kSize),
               modified = number_of(block, kModified);
    if (!mode || !uid || !gid || !size || !modified) return fail("invalid tar header");
    Member member{text_of(block, kName), text_of(block, kTarget), block[kType.at], static_cast<uint32_t>(*mode) & 07777, static_cast<uint32_t>(*uid),
                  static_cast<uint32_t>(*gid), *size, static_cast<int64_t>(*modified)};
    const bool is_ustar = std::memcmp(block + kMagic.at, "ustar\0", 6) == 0;
    if (is_ustar && block[kPrefix.at] != '\0') member.name = text_of(block, kPrefix) + "/" + member.name;
    left_ = member.size;
    padding_ = padding_of(member.size);
    if (member.type == 'L' || member.type == 'K' || member.type == 'x' || member.type == 'g') {
      const auto text = read_text(member.size);
      if (!text) return std::nullopt;
      if (member.type == 'L') long_name_ = text->c_str();
      if (member.type == 'K') long_target_ = text->c_str();
      if (member.type == 'x' && !take_pax(*text)) return fail("invalid pax header");
      continue;
    }
    override_from_pax(member);
    if (member.type == '\0' || member.type == '7') member.type = '0';
    if (member.type == '0' && !member.name.empty() && member.name.back() == '/') member.type = '5';
    left_ = member.type == '0' ? member.size : 0;
    padding_ = member.type == '0' ? padding_of(member.size) : 0;
    return member;
  }
}

}  // namespace toolbox
