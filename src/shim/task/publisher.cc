// SPDX-License-Identifier: Apache-2.0
#include "shim/task/publisher.h"

#include <algorithm>

#include "shim/task/timestamp.h"

namespace wherry::shim {
namespace {
constexpr std::chrono::milliseconds kCallTime{5000};
constexpr std::chrono::milliseconds kFirstDelay{50};
constexpr std::chrono::milliseconds kLastDelay{1000};
}  // namespace

std::unique_ptr<Publisher> Publisher::create(std::string address, std::string ns, const Log& log) {
  return std::unique_ptr<Publisher>(new Publisher(std::move(address), std::move(ns), log));
}

Publisher::Publisher(std::string address, std::string ns, const Log& log)
    : address_(std::move(address)), namespace_(std::move(ns)), log_(log) {
  if (!address_.empty()) thread_ = std::thread([this] { run(); });
}

Publisher::~Publisher() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Publisher::enqueue(const char* topic, const char* type, const google::protobuf::MessageLite& event) {
  if (address_.empty()) return;
  pb::ForwardRequest request;
  pb::Envelope& envelope = *request.mutable_envelope();
  *envelope.mutable_timestamp() = now();
  envelope.set_namespace_(namespace_);
  envelope.set_topic(topic);
  envelope.mutable_event()->set_type_url(type);
  envelope.mutable_event()->set_value(event.SerializeAsString());
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kLimit) {
      queue_.erase(queue_.begin() + 1);
      lost_++;
    }
    queue_.push_back(request.SerializeAsString());
  }
  changed_.notify_all();
}

bool Publisher::flush(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return queue_.empty(); });
}

void Publisher::run() {
  std::unique_lock lock(mutex_);
  auto delay = kFirstDelay;
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (closing_) return;
    const std::string event = queue_.front();
    lock.unlock();
    const bool done = send(event);
    lock.lock();
    if (!done) {
      changed_.wait_for(lock, delay, [this] { return closing_; });
      delay = std::min(delay * 2, kLastDelay);
      continue;
    }
    delay = kFirstDelay;
    queue_.pop_front();
    if (lost_ > 0) log_.write(Level::warning, std::to_string(std::exchange(lost_, 0)) + " events were lost while containerd was away");
    if (queue_.empty()) changed_.notify_all();
  }
}

bool Publisher::send(const std::string& payload) {
  // A connection that containerd closed meanwhile is noticed only by using it: once more on a new one.
  for (int attempt = 0; attempt < 2; attempt++) {
    const bool fresh = !client_;
    if (fresh) {
      auto connected = Client::connect(address_);
      if (!connected) return false;
      client_ = std::move(*connected);
    }
    const auto answer = client_->call("containerd.services.events.ttrpc.v1.Events", "Forward", payload, kCallTime);
    if (answer && answer->status != Status::unavailable) {
      if (answer->status != Status::ok) log_.write(Level::warning, "containerd refused an event: " + answer->message);
      return true;
    }
    client_ = nullptr;
    if (fresh) return false;
  }
  return false;
}

}  // namespace wherry::shim
