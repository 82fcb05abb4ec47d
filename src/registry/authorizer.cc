// SPDX-License-Identifier: Apache-2.0
#include "registry/authorizer.h"

#include <nettle/base64.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace wherry::registry {
namespace {

constexpr int kOk = 200;

// A header's value as it may be sent: a token with a line break in it would be two headers.
bool is_sendable(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

std::string encode_base64(const std::string& text) {
  std::string out(BASE64_ENCODE_RAW_LENGTH(text.size()), '\0');
  base64_encode_raw(out.data(), text.size(), reinterpret_cast<const uint8_t*>(text.data()));
  return out;
}

std::string form_value(std::string_view text) {
  const std::string query = with_query("", "", text);  // "?=escaped"
  return query.substr(2);
}

}  // namespace

std::string Authorizer::header(const std::string& scope) const {
  const auto found = headers_.find(scope);
  return found == headers_.end() ? "" : found->second;
}

std::string Authorizer::basic() const { return "Basic " + encode_base64(credentials_.user + ":" + credentials_.password); }

Result<void> Authorizer::answer(const HttpResponse& response, const std::string& scope) {
  const std::string before = header(scope);
  for (const std::string& text : response.challenges) {
    const auto challenge = parse_challenge(text);
    if (!challenge) continue;
    std::string next;
    if (!credentials_.registry_token.empty()) {
      next = is_sendable(credentials_.registry_token) ? "Bearer " + credentials_.registry_token : "";
    } else if (challenge->scheme == Challenge::Scheme::basic) {
      if (!credentials_.user.empty()) next = basic();
    } else {
      next = "Bearer " + TRY(fetch_token(*challenge, scope));
    }
    if (next.empty() || next == before) break;
    headers_[scope] = next;
    return {};
  }
  return error(ErrorKind::denied, credentials_.empty() ? "it asks who you are: log in with `docker login` or `podman login` first"
                                                       : "it does not accept the credentials that `docker login` or `podman login` left");
}

// The token services of the world take GET; refresh tokens need POST.
Result<std::string> Authorizer::fetch_token(const Challenge& challenge, const std::string& scope) {
  const std::string realm = TRY(resolve_url(base_, challenge.realm));
  if (realm.starts_with("http:") && origin_of(realm) != origin_of(base_) && !is_loopback(realm)) {
    return error(ErrorKind::denied, "its token service is asked without TLS, and elsewhere");
  }
  const std::string wanted = scope.empty() ? challenge.scope : scope;
  HttpRequest request;
  if (!credentials_.identity_token.empty()) {
    request.method = "POST";
    request.url = realm;
    request.headers = {"Content-Type: application/x-www-form-urlencoded"};
    request.body = "grant_type=refresh_token&client_id=wherry&service=" + form_value(challenge.service) + "&scope=" + form_value(wanted) +
                   "&refresh_token=" + form_value(credentials_.identity_token);
  } else {
    request.url = realm;
    if (!challenge.service.empty()) request.url = with_query(request.url, "service", challenge.service);
    for (size_t start = 0; start < wanted.size();) {  // a query has one parameter for each
      const size_t end = std::min(wanted.find(' ', start), wanted.size());
      request.url = with_query(request.url, "scope", wanted.substr(start, end - start));
      start = end + 1;
    }
    if (!credentials_.user.empty()) request.headers = {"Authorization: " + basic()};
  }
  const HttpResponse response = TRY(http_.send(request));
  if (response.status != kOk) {
    return error(ErrorKind::denied, "its token service answers " + std::to_string(response.status) +
                                        (credentials_.empty() ? ": log in with `docker login` or `podman login` first" : ": the credentials may be wrong"));
  }
  const auto json = nlohmann::json::parse(response.body, nullptr, false);
  for (const char* key : {"token", "access_token"}) {
    if (!json.is_object() || !json.contains(key) || !json[key].is_string()) continue;
    const std::string token = json[key].get<std::string>();
    if (is_sendable(token)) return token;
  }
  return error(ErrorKind::malformed, "its token service gave no token");
}

}  // namespace wherry::registry
