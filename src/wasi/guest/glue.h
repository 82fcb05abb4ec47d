// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>

#include "abi/context.h"
#include "wasi/guest/import.h"
#include "wasi/guest/memory.h"
#include "wasi/host/types.h"

// Makes a host function that the runtime can call of a method with typed
// arguments: the Wasm type and the conversions follow from the parameters.
namespace wherry::wasi {

// Flags of which only the bits in kAll may be set, and an enumeration below
// kCount; other values are inval.
template <class T, T kAll>
struct Flags {
  T bits;
};
template <class T, uint32_t kCount>
struct OneOf {
  T value;
};

namespace glue {

// Takes one parameter from the Wasm values and moves past it; false if the value
// is none of the type's.
template <class T>
struct Argument;

template <>
struct Argument<uint32_t> {
  static constexpr std::string_view kType = "i";
  static bool take(const abi::Value*& values, uint32_t& out) { return out = values++->i32, true; }
};
template <>
struct Argument<uint64_t> {
  static constexpr std::string_view kType = "I";
  static bool take(const abi::Value*& values, uint64_t& out) { return out = values++->i64, true; }
};
template <>
struct Argument<int64_t> {
  static constexpr std::string_view kType = "I";
  static bool take(const abi::Value*& values, int64_t& out) { return out = static_cast<int64_t>(values++->i64), true; }
};
template <class T>
struct Argument<Ptr<T>> {
  static constexpr std::string_view kType = "i";
  static bool take(const abi::Value*& values, Ptr<T>& out) { return out.address = values++->i32, true; }
};
template <class T>
struct Argument<Array<T>> {
  static constexpr std::string_view kType = "ii";
  static bool take(const abi::Value*& values, Array<T>& out) {
    out.address = values++->i32;
    out.count = values++->i32;
    return true;
  }
};
template <class T, T kAll>
struct Argument<Flags<T, kAll>> {
  static constexpr std::string_view kType = "i";
  static bool take(const abi::Value*& values, Flags<T, kAll>& out) {
    const uint32_t raw = values++->i32;
    out.bits = static_cast<T>(raw);
    return (raw & ~uint32_t{kAll}) == 0;
  }
};
template <class T, uint32_t kCount>
struct Argument<OneOf<T, kCount>> {
  static constexpr std::string_view kType = "i";
  static bool take(const abi::Value*& values, OneOf<T, kCount>& out) {
    const uint32_t raw = values++->i32;
    out.value = static_cast<T>(raw);
    return raw < kCount;
  }
};

inline Result<void, Trap> finish(const Outcome& outcome, Guest& guest, abi::Value* result) {
  switch (outcome.kind()) {
    case Outcome::Kind::returned:
      if (result != nullptr) result->i64 = static_cast<uint32_t>(outcome.errno_value());
      return {};
    case Outcome::Kind::trapped:
      return outcome.trap();
    case Outcome::Kind::ended:
      guest.ending = outcome.ending();
      return Trap::host_error;
  }
  return Trap::host_error;
}

template <auto kMethod>
struct Bound;

template <class Self, class Returned, class... Params, Returned (Self::*kMethod)(Params...)>
struct Bound<kMethod> {
  static constexpr bool kHasResult = !std::is_same_v<Returned, NoResult>;
  static constexpr size_t kTypeSize = (Argument<Params>::kType.size() + ... + 0) + 1 + (kHasResult ? 1 : 0);
  static constexpr auto kType = [] {
    std::array<char, kTypeSize> text{};
    size_t at = 0;
    ((void)[&] {
      for (const char c : Argument<Params>::kType) text[at++] = c;
    }(), ...);
    text[at++] = ':';
    if (kHasResult) text[at++] = 'i';
    return text;
  }();

  static Result<void, Trap> call(void* data, runtime::HostCall& call) {
    Guest& guest = *static_cast<Guest*>(data);
    [[maybe_unused]] const abi::Value* values = call.args.data();
    std::tuple<Params...> arguments;
    const bool valid = [&]<size_t... kIndex>(std::index_sequence<kIndex...>) {
      return (Argument<Params>::take(values, std::get<kIndex>(arguments)) & ... & true);
    }(std::index_sequence_for<Params...>());
    abi::Value* const result = kHasResult ? call.results.data() : nullptr;
    if (!valid) return finish(Errno::inval, guest, result);
    Self self{guest.host, GuestMemory(call.memory())};
    return finish(std::apply([&](Params... each) { return (self.*kMethod)(each...); }, arguments), guest, result);
  }
};

}  // namespace glue

template <auto kMethod>
constexpr Import import_of(std::string_view name) {
  using Bound = glue::Bound<kMethod>;
  return {name, std::string_view(Bound::kType.data(), Bound::kType.size()), &Bound::call};
}

}  // namespace wherry::wasi
