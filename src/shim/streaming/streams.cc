// SPDX-License-Identifier: Apache-2.0
#include "shim/streaming/streams.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "shim/proto/streaming.pb.h"
#include "shim/proto/types.pb.h"

namespace wherry::shim {
namespace {

constexpr size_t kMaxEntries = 4096;
constexpr size_t kMaxId = 1024;
constexpr int32_t kChunk = 32 << 10;
constexpr int32_t kWindow = 2 * kChunk;
constexpr int64_t kMaxWindow = 16 << 20;  // more than a client grants is no use, and its sum must not overflow

constexpr std::string_view kInit = "containerd.services.streaming.v1.StreamInit";
constexpr std::string_view kData = "containerd.types.transfer.Data";
constexpr std::string_view kWindowUpdate = "containerd.types.transfer.WindowUpdate";

std::string any(std::string_view type, const google::protobuf::MessageLite& message) {
  pb::Any wrapped;
  wrapped.set_type_url(std::string(type));
  wrapped.set_value(message.SerializeAsString());
  return wrapped.SerializeAsString();
}

// The content of an Any of that type.
template <class Message>
bool unwrap(const std::string& bytes, std::string_view type, Message& message) {
  pb::Any wrapped;
  if (!wrapped.ParseFromString(bytes)) return false;
  const std::string_view url = wrapped.type_url();
  return url.substr(url.rfind('/') + 1) == type && message.ParseFromString(wrapped.value());
}

}  // namespace

struct Streams::Entry {
  explicit Entry(std::string id_) : id(std::move(id_)) {}

  enum class Side : uint8_t { unknown, output, input };
  const std::string id;
  std::shared_ptr<Stream> stream;  // the client's, while it is there
  Side side = Side::unknown;       // until a container names the id
  UniqueFd fd;                     // the container's side, until it ended
  bool watched = false;
  int64_t window = 0;              // output: what the client may still be sent
  std::string queue;               // input: what the process has not taken
  bool ending = false;             // input: close when the queue is empty
  std::function<void()> finished;
};

Streams::Streams(EventLoop& loop) : loop_(loop) {}

std::unique_ptr<Streams> Streams::create(EventLoop& loop) { return std::unique_ptr<Streams>(new Streams(loop)); }

Streams::~Streams() {
  for (auto& [id, entry] : entries_) unwatch(*entry);
}

std::string Streams::id_of(std::string_view uri) {
  constexpr std::string_view kScheme = "ttrpc+unix://";
  constexpr std::string_view kQuery = "?streaming_id=";
  const size_t query = uri.find(kQuery);
  if (!uri.starts_with(kScheme) || query == std::string_view::npos) return "";
  return std::string(uri.substr(query + kQuery.size()));
}

void Streams::handle(const Request& request, Call call) {
  if (request.method != "Stream") return call.refuse(Status::unimplemented, "no method /" + request.service + "/" + request.method);
  if (!request.opens_stream) return call.refuse(Status::invalid_argument, "Stream: expected a stream of messages");
  struct Opening {
    std::weak_ptr<Stream> stream;  // its connection owns it, and it owns this
    std::string id;
  };
  const auto opening = std::make_shared<Opening>();
  opening->stream = call.open({
      .message =
          [this, opening](std::string message) {
            const std::shared_ptr<Stream> stream = opening->stream.lock();
            if (!opening->id.empty()) return received(opening->id, stream.get(), std::move(message));
            pb::StreamInit init;
            const bool named = unwrap(message, kInit, init) && !init.id().empty() && init.id().size() <= kMaxId;
            if (!named || (entries_.size() >= kMaxEntries && !entries_.contains(init.id()))) return stream->end();
            opening->id = init.id();
            adopt(opening->id, stream);
          },
      .ended =
          [this, opening] {
            const std::shared_ptr<Stream> stream = opening->stream.lock();
            if (!opening->id.empty()) return left(opening->id, stream.get(), true);
            stream->end();
          },
      .lost =
          [this, opening] {
            if (!opening->id.empty()) left(opening->id, opening->stream.lock().get(), false);
          },
  });
}

// The newest client of an id is the one: the last may not be known to be gone yet.
void Streams::adopt(const std::string& id, std::shared_ptr<Stream> stream) {
  auto& entry = entries_[id];
  if (!entry) entry = std::make_unique<Entry>(id);
  if (entry->stream) entry->stream->end();
  entry->stream = std::move(stream);
  entry->window = 0;
  entry->stream->send(any("google.protobuf.Empty", pb::Empty()));
  if (entry->side == Entry::Side::output && !entry->fd) entry->stream->close_send();
  if (entry->side == Entry::Side::input) grant(*entry, kWindow - static_cast<int32_t>(entry->queue.size()));
  pump(*entry);
}

void Streams::received(const std::string& id, const Stream* from, std::string message) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->stream.get() != from) return;
  Entry& entry = *found->second;
  if (pb::WindowUpdate update; unwrap(message, kWindowUpdate, update)) {
    if (update.update() > 0) entry.window = std::min(entry.window + update.update(), kMaxWindow);
    return pump(entry);
  }
  pb::Data data;
  if (!unwrap(message, kData, data) || entry.side != Entry::Side::input || entry.ending) return;
  // A client that sends more than it was allowed loses its stream, and the process sees the end.
  if (entry.queue.size() + data.data().size() > kWindow) return left(id, from, true);
  entry.queue += data.data();
  pump(entry);
}

void Streams::left(const std::string& id, const Stream* from, bool ended) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->stream.get() != from) return;
  Entry& entry = *found->second;
  const std::shared_ptr<Stream> stream = std::exchange(entry.stream, nullptr);
  if (ended && entry.side == Entry::Side::input) {
    entry.ending = true;
    stream->end();
    return pump(entry);
  }
  // A reader that ends its side wants no more output, or has had its end; but one that is lost may come again.
  if (ended) stream->end();
  pump(entry);
  if (entry.finished || entry.side == Entry::Side::unknown) remove(id);
}

Result<Streams::Entry*> Streams::entry_for(const std::string& id) {
  if (id.empty() || id.size() > kMaxId) return error(ErrorKind::invalid, "a stream's id must have 1 to 1024 characters");
  auto& entry = entries_[id];
  if (!entry) entry = std::make_unique<Entry>(id);
  if (entry->side != Entry::Side::unknown) return error(ErrorKind::already_exists, "stream " + id + " belongs to another process");
  return entry.get();
}

Result<void> Streams::relay_output(const std::string& id, UniqueFd source) {
  Entry* const entry = TRY(entry_for(id));
  entry->side = Entry::Side::output;
  entry->fd = std::move(source);
  pump(*entry);
  return {};
}

Result<void> Streams::relay_input(const std::string& id, UniqueFd sink) {
  Entry* const entry = TRY(entry_for(id));
  entry->side = Entry::Side::input;
  entry->fd = std::move(sink);
  grant(*entry, kWindow);
  return {};
}

void Streams::end_input(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->side != Entry::Side::input) return;
  found->second->ending = true;
  pump(*found->second);
}

void Streams::finish(const std::string& id, std::function<void()> done) {
  const auto found = entries_.find(id);
  const bool wanted = found != entries_.end() && found->second->side == Entry::Side::output && found->second->stream;
  if (!wanted) {
    forget(id);
    return done();
  }
  found->second->finished = std::move(done);
}

bool Streams::unread(const std::string& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->side != Entry::Side::output || !found->second->stream) return false;
  const UniqueFd& fd = found->second->fd;
  if (!fd) return true;
  // Others than the process may hold the writing end: they are not waited for.
  int bytes = 0;
  pollfd seen{fd.get(), POLLIN, 0};
  return (::ioctl(fd.get(), FIONREAD, &bytes) == 0 && bytes > 0) || (::poll(&seen, 1, 0) > 0 && (seen.revents & POLLHUP));
}

void Streams::forget(const std::string& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  if (found->second->stream) std::exchange(found->second->stream, nullptr)->end();
  remove(id);
}

void Streams::remove(const std::string& id) {
  const auto found = entries_.find(id);
  const std::unique_ptr<Entry> entry = std::move(found->second);
  entries_.erase(found);
  unwatch(*entry);
  if (entry->finished) entry->finished();
}

// The client may send so much more.
void Streams::grant(Entry& entry, int32_t bytes) {
  if (!entry.stream) return;
  pb::WindowUpdate update;
  update.set_update(bytes);
  entry.stream->send(any(kWindowUpdate, update));
}

// Does what can be done now, and waits for what can not.
void Streams::pump(Entry& entry) {
  if (!entry.fd) return;
  if (entry.side == Entry::Side::output && entry.stream && entry.window > 0) return watch(entry, EPOLLIN);
  if (entry.side == Entry::Side::input && !entry.queue.empty()) return watch(entry, EPOLLOUT);
  unwatch(entry);
  close_input_if_drained(entry);
}

void Streams::read_output(Entry& entry) {
  char buffer[kChunk];
  const ssize_t n = ::read(entry.fd.get(), buffer, static_cast<size_t>(std::min<int64_t>(entry.window, kChunk)));
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) {  // a terminal ends with EIO
    unwatch(entry);
    entry.fd.reset();
    entry.stream->close_send();
    return;
  }
  pb::Data data;
  data.set_data(buffer, static_cast<size_t>(n));
  entry.stream->send(any(kData, data));
  entry.window -= n;
  pump(entry);
}

void Streams::write_input(Entry& entry) {
  const ssize_t n = ::write(entry.fd.get(), entry.queue.data(), entry.queue.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) {
    // The process does not read any more.
    entry.queue.clear();
    entry.ending = true;
  } else {
    entry.queue.erase(0, static_cast<size_t>(n));
    grant(entry, static_cast<int32_t>(n));
  }
  pump(entry);
}

void Streams::close_input_if_drained(Entry& entry) {
  if (entry.side == Entry::Side::input && entry.ending && entry.queue.empty()) entry.fd.reset();
}

void Streams::watch(Entry& entry, uint32_t events) {
  if (entry.watched) return;
  const auto watched = loop_.watch(entry.fd.get(), events, [this, raw = &entry](uint32_t) {
    raw->side == Entry::Side::output ? read_output(*raw) : write_input(*raw);
  });
  entry.watched = watched.has_value();
}

void Streams::unwatch(Entry& entry) {
  if (std::exchange(entry.watched, false)) loop_.forget(entry.fd.get());
}

}  // namespace wherry::shim
