// SPDX-License-Identifier: Apache-2.0
#include "label/node_labels.h"

#include <algorithm>
#include <memory>

#include "base/fd.h"
#include "label/http_answer.h"

namespace wherry::label {
namespace {

constexpr size_t kMaxToken = 64 << 10;
constexpr int kOk = 200;

Result<std::string> read_token(const std::string& path) {
  std::string token = TRY(read_file(path, kMaxToken));
  while (token.ends_with('\n')) token.pop_back();
  // It becomes a line of the request.
  const bool is_word = !token.empty() && std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!is_word) return error(ErrorKind::malformed, path + ": not a token");
  return token;
}

std::string authority_of(const TlsPeer& server) {
  const bool v6 = server.address.find(':') != std::string::npos;
  return (v6 ? "[" + server.address + "]" : server.address) + ":" + std::to_string(server.port);
}

std::string request_for(const Node& node, const std::string& token, const std::string& patch) {
  return "PATCH /api/v1/nodes/" + node.name + "?fieldManager=wherry-label HTTP/1.1\r\n"
         "Host: " + authority_of(node.server) + "\r\n"
         "Authorization: Bearer " + token + "\r\n"
         "User-Agent: wherry-label/" WHERRY_VERSION "\r\n"
         "Accept: application/json\r\n"
         "Content-Type: application/merge-patch+json\r\n"
         "Content-Length: " + std::to_string(patch.size()) + "\r\n"
         "Connection: close\r\n"
         "\r\n" + patch;
}

}  // namespace

Result<void> patch_labels(const Node& node, const Labels& labels) {
  const std::string request = request_for(node, TRY(read_token(node.token_file)), merge_patch(labels));
  const auto stream = TRY(TlsStream::connect(node.server, TlsStream::Clock::now() + node.limit));
  TRY(stream->write(request));
  const HttpAnswer answer = TRY(parse_answer(TRY(stream->read_to_end(kMaxAnswer))));
  if (answer.status == kOk) return {};
  const ErrorKind kind = answer.status == 401 || answer.status == 403 ? ErrorKind::denied : ErrorKind::unavailable;
  return error(kind, "the API server answers " + std::to_string(answer.status) + ": " + message_of(answer));
}

}  // namespace wherry::label
