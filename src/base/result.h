// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace wherry {

// What kind of bad thing the outside world did. The first three are the test
// suite's assert_malformed, assert_invalid and assert_unlinkable; each maps to
// one gRPC status in shim/ and one exit code in cli/.
enum class ErrorKind : uint8_t {
  malformed,
  invalid,
  unlinkable,
  unsupported,
  not_found,
  already_exists,
  denied,
  unavailable,
  exhausted,
  failed_precondition,
  io,
};

// Bad input or a bad environment, in words for the user: lower case, no full
// stop, what was expected and what was found.
struct Error {
  static constexpr uint64_t kNoOffset = ~uint64_t{0};

  ErrorKind kind = ErrorKind::io;
  std::string message;
  uint64_t offset = kNoOffset;  // in the input's bytes, where there is one

  // "0x1f2: malformed limits flags 0x08", or the message alone.
  std::string to_string() const;
};

inline Error error(ErrorKind kind, std::string message, uint64_t offset = Error::kNoOffset) {
  return Error{kind, std::move(message), offset};
}

// An ErrorKind::io (or denied, not_found, already_exists, exhausted by errno)
// that says "<what>: <strerror>".
Error os_error(int saved_errno, std::string_view what);

// A value, or the reason why there is none. The names are std::expected's, so
// that it can take this class's place. E is Error for bad input and Trap for a
// guest's fault; the two never mix.
template <class T, class E = Error>
class [[nodiscard]] Result {
  using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  using value_type = T;
  using error_type = E;

  Result()
    requires std::is_void_v<T>
      : state_(std::in_place_index<0>) {}
  template <class U = Stored>
    requires(!std::is_void_v<T> && std::constructible_from<Stored, U &&> &&
             !std::same_as<std::remove_cvref_t<U>, Result> && !std::same_as<std::remove_cvref_t<U>, E>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool has_value() const { return state_.index() == 0; }

  // Only after has_value() was tested.
  template <class Self = Stored>
    requires(!std::is_void_v<T>)
  Self& value() & {
    return *std::get_if<0>(&state_);
  }
  template <class Self = Stored>
    requires(!std::is_void_v<T>)
  const Self& value() const& {
    return *std::get_if<0>(&state_);
  }
  Stored&& value() && { return std::move(*std::get_if<0>(&state_)); }

  Stored& operator*() & { return *std::get_if<0>(&state_); }
  const Stored& operator*() const& { return *std::get_if<0>(&state_); }
  Stored&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  Stored* operator->() { return std::get_if<0>(&state_); }
  const Stored* operator->() const { return std::get_if<0>(&state_); }

  E& error() & { return *std::get_if<1>(&state_); }
  const E& error() const& { return *std::get_if<1>(&state_); }
  E&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<Stored, E> state_;
};

namespace detail {
template <class T, class E>
decltype(auto) take(Result<T, E>& result) {
  if constexpr (std::is_void_v<T>) {
    return;
  } else {
    return std::move(*result);
  }
}
}  // namespace detail

// The value of an expression of type Result, or a return of its error from the
// enclosing function. An expression: `const int n = TRY(parse(text));`
#define TRY(...)                                                                \
  __extension__({                                                               \
    auto&& try_result_ = (__VA_ARGS__);                                         \
    if (!try_result_) [[unlikely]]                                              \
      return std::move(try_result_).error();                                    \
    ::wherry::detail::take(try_result_);                                        \
  })

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const char* what);

// For our own bugs only, never for anything derived from input: prints the
// place and aborts.
#define CHECK(condition, what)                                                  \
  do {                                                                          \
    if (!(condition)) [[unlikely]]                                              \
      ::wherry::check_failed(__FILE__, __LINE__, #condition, what);             \
  } while (false)

}  // namespace wherry
