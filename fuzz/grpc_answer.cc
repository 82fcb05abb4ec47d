// SPDX-License-Identifier: Apache-2.0
// Does a gRPC call end in an answer or in one line, whatever the peer sends, and hold no more than it may?
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "shim/grpc/connection.h"

namespace {

using namespace wherry;
using namespace wherry::shim;

// A Unix socket for the life of the process.
class Peer {
 public:
  Peer() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fuzz.XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    listener_ = std::move(*listen_unix(path()));
  }
  ~Peer() { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_ + "/s"; }
  UniqueFd accept() { return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

 private:
  std::string directory_;
  UniqueFd listener_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Peer peer;
  const auto connection = grpc::Connection::connect(peer.path(), {{"name", "value"}});
  if (!connection) std::abort();
  const UniqueFd socket = peer.accept();
  // All at once and before the question, which HTTP/2 does not mind; the rest of the time nothing comes.
  if (::send(socket.get(), data, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) return 0;
  ::shutdown(socket.get(), SHUT_WR);
  const auto answer = (*connection)->call("/s/M", "question", std::chrono::steady_clock::now() + std::chrono::seconds(5));
  if (answer && answer->size() > grpc::kMaxMessage) std::abort();
  if (!answer && (answer.error().message.empty() || answer.error().message.find('\n') != std::string::npos)) std::abort();
  if (!answer && answer.error().message == "no answer in time") std::abort();
  return 0;
}
