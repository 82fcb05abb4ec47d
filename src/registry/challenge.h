// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wherry::registry {

// What a server wants to see first: `Bearer realm="https://...",service="...",scope="..."`.
struct Challenge {
  enum class Scheme { basic, bearer };
  Scheme scheme = Scheme::basic;
  std::string realm, service, scope;
};

// The header of one challenge; nullopt for other schemes and what is none.
// spec: RFC 9110 11.6.1, the distribution project's token authentication
std::optional<Challenge> parse_challenge(std::string_view header);

}  // namespace wherry::registry
