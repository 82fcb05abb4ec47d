// SPDX-License-Identifier: Apache-2.0
#include "ociruntime/events.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "ociruntime/event_json.h"
#include "ociruntime/store.h"
#include "sandbox/guest_stats.h"
#include "sandbox/mapped_files.h"

namespace wherry::ociruntime {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Guests whose memory ran out tell of it in their page alone, which nobody wakes us for.
constexpr milliseconds kLook{200};

Result<void> print(const std::string& line) { return write_all(STDOUT_FILENO, line, "standard output"); }

// A running container, from now to its end.
class Watch {
 public:
  static Result<std::unique_ptr<Watch>> create(const GlobalOptions& global, const std::string& id) {
    const std::unique_ptr<Entry> entry = TRY(Entry::open(global.root, id));
    auto process = process_of(entry->record());
    if (!process || status_of(*entry) == Status::stopped) return error(ErrorKind::failed_precondition, "container with id " + id + " is not running");
    std::unique_ptr<Watch> self(new Watch(id, std::move(*process)));
    self->cgroup_ = TRY(cgroup_of(entry->record()));
    if (const auto pages = sandbox::MappedFiles::of(entry->record().pid)) {
      if (auto page = pages->open(sandbox::GuestStats::kFileName, O_RDONLY)) self->page_ = std::move(*page);
    }
    self->told_ = self->out_of_memory();
    return self;
  }

  Result<void> print_stats() const { return print(stats_event(id_, TRY(cgroup_->stats()))); }

  Result<void> print_news() {
    const uint64_t now = out_of_memory();
    if (now <= told_) return {};
    told_ = now;
    return print(oom_event(id_));
  }

  // Whether it has ended by that time.
  bool ends_within(milliseconds time) const {
    pollfd wait{process_.get(), POLLIN, 0};
    return ::poll(&wait, 1, static_cast<int>(time.count())) > 0;
  }

 private:
  Watch(std::string id, UniqueFd process) : id_(std::move(id)), process_(std::move(process)) {}

  // Of processes that the kernel killed, and guests that ended for it.
  uint64_t out_of_memory() const {
    uint64_t guests = 0;
    const off_t place = offsetof(sandbox::GuestStatsPage, out_of_memory);
    if (page_ && ::pread(page_.get(), &guests, sizeof guests, place) != sizeof guests) guests = 0;
    return cgroup_->oom_kills() + guests;
  }

  const std::string id_;
  const UniqueFd process_;
  std::unique_ptr<sandbox::Cgroup> cgroup_;
  UniqueFd page_;
  uint64_t told_ = 0;
};

Result<void> follow(Watch& watch, milliseconds interval) {
  for (auto next = Clock::now();;) {
    TRY(watch.print_news());
    const auto now = Clock::now();
    if (now >= next) {
      auto printed = watch.print_stats();
      if (!printed && watch.ends_within(milliseconds(0))) return {};  // and was deleted
      TRY(std::move(printed));
      next = now + interval;
    }
    const auto left = std::chrono::ceil<milliseconds>(next - now);
    if (watch.ends_within(std::min(left, kLook))) return watch.print_news();
  }
}

}  // namespace

Result<milliseconds> parse_interval(const std::string& text) {
  struct Unit {
    std::string_view name;
    uint64_t milliseconds;
  };
  constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  constexpr uint64_t kMost = 1'000'000;
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const std::string_view unit(parsed.ptr, static_cast<size_t>(end - parsed.ptr));
  for (const Unit& one : kUnits) {
    if (parsed.ec == std::errc() && number > 0 && number <= kMost && one.name == unit) return milliseconds(number * one.milliseconds);
  }
  return error(ErrorKind::invalid, "--interval: expected a time such as 5s, found `" + text + "`");
}

Result<void> events(const GlobalOptions& global, const CommandOptions& options, const std::string& id) {
  const milliseconds interval = TRY(parse_interval(options.interval));
  const auto watch = TRY(Watch::create(global, id));
  return options.stats ? watch->print_stats() : follow(*watch, interval);
}

}  // namespace wherry::ociruntime
