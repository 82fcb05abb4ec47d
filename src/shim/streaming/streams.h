// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "shim/ttrpc/event_loop.h"
#include "shim/ttrpc/server.h"

namespace wherry::shim {

// Standard streams over ttrpc instead of fifos: containerd.services.streaming.v1 of
// containerd 2.x (`io_type = "streaming"`). A client opens a stream by its id, on a
// connection of its own, before or after the container that has the id in its
// stdio; bytes are copied between the two as the receiver's window allows. A client
// that is gone, because containerd restarts, comes back with the same id.
// All calls are for the loop's thread.
class Streams {
 public:
  static constexpr std::string_view kService = "containerd.services.streaming.v1.Streaming";

  static std::unique_ptr<Streams> create(EventLoop& loop);
  ~Streams();
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  // A request of kService.
  void handle(const Request& request, Call call);

  // Copies from `source`, in non-blocking mode, until its end; that is the end of
  // the stream. already_exists if the id is taken.
  Result<void> relay_output(const std::string& id, UniqueFd source);
  // Copies to `sink`, in non-blocking mode, until the client ends its side.
  Result<void> relay_input(const std::string& id, UniqueFd sink);

  // The process must see the end of its input once it has what came so far.
  void end_input(const std::string& id);
  // The process is gone: `done` is called when the client has read all of its
  // output, or is not there to take it. Then the id is forgotten. Only a client that
  // ends its side after ours has read what was under way: containerd drops the rest
  // when it hears of the process's exit.
  void finish(const std::string& id, std::function<void()> done);
  // Whether a client is there that has yet to read output of a process that is gone.
  bool unread(const std::string& id) const;
  // Drops what is not copied yet.
  void forget(const std::string& id);

  // The id in ttrpc+unix://PATH?streaming_id=ID; "" if it is no such URI.
  static std::string id_of(std::string_view uri);

 private:
  struct Entry;
  explicit Streams(EventLoop& loop);
  void adopt(const std::string& id, std::shared_ptr<Stream> stream);
  void received(const std::string& id, const Stream* from, std::string message);
  void left(const std::string& id, const Stream* from, bool ended);
  Result<Entry*> entry_for(const std::string& id);
  static void grant(Entry& entry, int32_t bytes);
  void pump(Entry& entry);
  void read_output(Entry& entry);
  void write_input(Entry& entry);
  void watch(Entry& entry, uint32_t events);
  void unwatch(Entry& entry);
  void close_input_if_drained(Entry& entry);
  void remove(const std::string& id);

  EventLoop& loop_;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
};

}  // namespace wherry::shim
