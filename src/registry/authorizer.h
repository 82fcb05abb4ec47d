// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/http.h"

namespace wherry::registry {

// Makes the Authorization header that a registry asks for, from the user's
// credentials. They go to the registry and to the token service that it names, over
// TLS, unless the registry itself is asked in plain text.
class Authorizer {
 public:
  // `base` is the registry's URL.
  Authorizer(HttpClient& http, Credentials credentials, std::string base) : http_(http), credentials_(std::move(credentials)), base_(std::move(base)) {}

  // "Bearer ..." or "Basic ..."; "" before there was a challenge for that scope.
  std::string header(const std::string& scope) const;
  // Answers a challenge: afterwards header(scope) is another. denied if there is
  // nothing to answer it with, or it was answered before.
  Result<void> answer(const HttpResponse& response, const std::string& scope);

 private:
  Result<std::string> fetch_token(const Challenge& challenge, const std::string& scope);
  std::string basic() const;

  HttpClient& http_;
  const Credentials credentials_;
  const std::string base_;
  std::map<std::string, std::string> headers_;  // by scope
};

}  // namespace wherry::registry
