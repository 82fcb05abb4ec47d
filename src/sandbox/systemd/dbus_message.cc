// SPDX-License-Identifier: Apache-2.0
#include "sandbox/systemd/dbus_message.h"

namespace wherry::sandbox::dbus {
namespace {

enum Field : uint8_t {
  kPath = 1,
  kInterface = 2,
  kMember = 3,
  kErrorName = 4,
  kReplySerial = 5,
  kDestination = 6,
  kSender = 7,
  kSignature = 8,
};

constexpr uint8_t kVersion = 1;

Error malformed(std::string_view what) { return error(ErrorKind::malformed, "D-Bus: " + std::string(what)); }

uint32_t get_uint32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; i++) value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  return value;
}

size_t rounded(size_t size) { return (size + 7) / 8 * 8; }

void put_field(Writer& out, Field field, char type, std::string_view value) {
  if (value.empty()) return;
  out.align(8);
  out.byte(field);
  out.signature({&type, 1});
  if (type == 'g') return out.signature(value);
  out.string(value);
}

Result<void> read_field(Reader& in, Message& message) {
  TRY(in.align(8));
  const uint8_t field = TRY(in.byte());
  const std::string_view type = TRY(in.signature());
  if (type == "u") {
    const uint32_t value = TRY(in.uint32());
    if (field == kReplySerial) message.reply_serial = value;
    return {};
  }
  if (type != "s" && type != "o" && type != "g") return malformed("a header field of type `" + std::string(type) + "`");
  const std::string value(type == "g" ? TRY(in.signature()) : TRY(in.string()));
  switch (field) {
    case kInterface:
      message.interface = value;
      break;
    case kMember:
      message.member = value;
      break;
    case kErrorName:
      message.error_name = value;
      break;
    case kSignature:
      message.signature = value;
      break;
    default:
      break;
  }
  return {};
}

}  // namespace

void Writer::number(uint64_t value, size_t size) {
  align(size);
  for (size_t i = 0; i < size; i++) byte(static_cast<uint8_t>(value >> (8 * i)));
}

void Writer::string(std::string_view text) {
  uint32(static_cast<uint32_t>(text.size()));
  out_.append(text).push_back('\0');
}

void Writer::signature(std::string_view text) {
  byte(static_cast<uint8_t>(text.size()));
  out_.append(text).push_back('\0');
}

Writer::Array Writer::begin_array(size_t alignment) {
  uint32(0);
  const size_t length_at = out_.size() - 4;
  align(alignment);
  return {length_at, out_.size()};
}

void Writer::end_array(Array array) {
  const size_t length = out_.size() - array.begin;
  for (size_t i = 0; i < 4; i++) out_[array.length_at + i] = static_cast<char>(length >> (8 * i));
}

Result<std::string_view> Reader::take(size_t size) {
  if (size > bytes_.size() - at_) return malformed("a message ends too early");
  const std::string_view taken = bytes_.substr(at_, size);
  at_ += size;
  return taken;
}

Result<void> Reader::align(size_t alignment) {
  TRY(take((alignment - at_ % alignment) % alignment));
  return {};
}

Result<uint8_t> Reader::byte() { return static_cast<uint8_t>(TRY(take(1))[0]); }

Result<uint32_t> Reader::uint32() {
  TRY(align(4));
  return get_uint32(TRY(take(4)), 0);
}

Result<std::string_view> Reader::string() {
  const uint32_t size = TRY(uint32());
  const std::string_view text = TRY(take(size));
  if (TRY(byte()) != 0) return malformed("a string without its end");
  return text;
}

Result<std::string_view> Reader::signature() {
  const uint8_t size = TRY(byte());
  const std::string_view text = TRY(take(size));
  if (TRY(byte()) != 0) return malformed("a signature without its end");
  return text;
}

std::string marshal(const MethodCall& call, uint32_t serial) {
  Writer out;
  out.byte('l');
  out.byte(static_cast<uint8_t>(Type::method_call));
  out.byte(0);  // no flags
  out.byte(kVersion);
  out.uint32(static_cast<uint32_t>(call.body.size()));
  out.uint32(serial);
  const Writer::Array fields = out.begin_array(8);
  put_field(out, kPath, 'o', call.path);
  put_field(out, kDestination, 's', call.destination);
  put_field(out, kInterface, 's', call.interface);
  put_field(out, kMember, 's', call.member);
  put_field(out, kSignature, 'g', call.signature);
  out.end_array(fields);
  out.align(8);
  return out.bytes() + call.body;
}

Result<size_t> message_size(std::string_view header) {
  CHECK(header.size() >= kFixedHeader, "a whole fixed header");
  if (header[0] != 'l') return malformed("a message that is not in little endian");
  if (header[3] != kVersion) return malformed("protocol version " + std::to_string(header[3]));
  const size_t body = get_uint32(header, 4);
  const size_t fields = get_uint32(header, 12);
  if (body > kMaxMessage || fields > kMaxMessage) return malformed("a message of more than 1 MiB");
  return kFixedHeader + rounded(fields) + body;
}

Result<Message> parse(std::string_view bytes) {
  if (bytes.size() < kFixedHeader || TRY(message_size(bytes)) != bytes.size()) return malformed("a message of another size");
  const size_t end = kFixedHeader + get_uint32(bytes, 12);
  Message message;
  message.type = static_cast<Type>(bytes[1]);
  Reader in(bytes.substr(0, end));
  for (size_t i = 0; i < kFixedHeader; i++) TRY(in.byte());
  while (!in.at_end()) TRY(read_field(in, message));
  message.body = bytes.substr(rounded(end));
  return message;
}

}  // namespace wherry::sandbox::dbus
