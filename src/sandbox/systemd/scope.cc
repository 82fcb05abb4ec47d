// SPDX-License-Identifier: Apache-2.0
#include "sandbox/systemd/scope.h"

#include <algorithm>

#include "sandbox/cgroup_v2.h"
#include "sandbox/systemd/manager.h"

namespace wherry::sandbox {
namespace {

constexpr std::string_view kSlice = ".slice";
constexpr std::chrono::seconds kPatience{10};
constexpr uint64_t kDefaultPeriod = 100000;  // microseconds

Error bad_path(std::string_view path, std::string_view why) {
  return error(ErrorKind::invalid, "cgroupsPath `" + std::string(path) + "`: " + std::string(why));
}

// What a unit's name may hold; in particular no slash.
bool is_unit_name(std::string_view text) {
  constexpr size_t kLongest = 255;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && std::string_view(":-_.\\@").find(c) != std::string_view::npos);
  };
  return !text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), fits);
}

// a-b.slice; no empty part between dashes, but "-.slice" is the root.
bool is_slice_name(std::string_view text) {
  if (text == "-.slice") return true;
  if (!is_unit_name(text) || !text.ends_with(kSlice) || text.size() == kSlice.size()) return false;
  const std::string_view stem = text.substr(0, text.size() - kSlice.size());
  return stem.front() != '-' && stem.back() != '-' && stem.find("--") == std::string_view::npos;
}

// The array of properties a(sv) that the two calls take.
class Properties {
 public:
  explicit Properties(dbus::Writer& out) : out_(out), array_(out.begin_array(8)) {}

  void text(std::string_view name, std::string_view value) {
    begin(name, "s");
    out_.string(value);
  }
  void flag(std::string_view name, bool value) {
    begin(name, "b");
    out_.boolean(value);
  }
  void number(std::string_view name, uint64_t value) {
    begin(name, "t");
    out_.uint64(value);
  }
  void pids(std::string_view name, uint32_t pid) {
    begin(name, "au");
    const dbus::Writer::Array array = out_.begin_array(4);
    out_.uint32(pid);
    out_.end_array(array);
  }
  void end() { out_.end_array(array_); }

 private:
  void begin(std::string_view name, std::string_view type) {
    out_.align(8);
    out_.string(name);
    out_.signature(type);
  }
  dbus::Writer& out_;
  dbus::Writer::Array array_;
};

uint64_t limit(int64_t value) { return value < 0 ? UINT64_MAX : static_cast<uint64_t>(value); }

void put_memory(Properties& out, const Resources::Memory& memory, bool unified) {
  const int64_t value = memory.limit.value_or(0);
  const int64_t swap = memory.swap.value_or(0);
  if (value != 0) out.number(unified ? "MemoryMax" : "MemoryLimit", limit(value));
  if (!unified) return;
  if (swap < 0) out.number("MemorySwapMax", UINT64_MAX);
  if (swap > 0 && value > 0 && swap >= value) out.number("MemorySwapMax", static_cast<uint64_t>(swap - value));
  if (memory.reservation.value_or(0) != 0) out.number("MemoryLow", limit(*memory.reservation));
}

void put_cpu(Properties& out, const Resources::Cpu& cpu, bool unified) {
  if (const uint64_t shares = cpu.shares.value_or(0)) {
    out.number(unified ? "CPUWeight" : "CPUShares", unified ? weight_of_shares(shares) : shares);
  }
  const int64_t quota = cpu.quota.value_or(0);
  const uint64_t period = cpu.period.value_or(0) ? *cpu.period : kDefaultPeriod;
  if (period != kDefaultPeriod) out.number("CPUQuotaPeriodUSec", period);
  if (quota == 0) return;
  if (quota < 0) return out.number("CPUQuotaPerSecUSec", UINT64_MAX);
  // systemd counts whole hundredths of a processor; as runc, rounded up.
  constexpr uint64_t kPercent = 10000;
  const uint64_t per_second = static_cast<uint64_t>(static_cast<unsigned __int128>(quota) * 1000000 / period);
  out.number("CPUQuotaPerSecUSec", (per_second + kPercent - 1) / kPercent * kPercent);
}

std::string start_body(const ScopeUnit& unit, int pid) {
  dbus::Writer out;
  out.string(unit.name);
  out.string("replace");
  Properties properties(out);
  properties.text("Description", "Wherry container " + unit.name);
  properties.text("Slice", unit.slice);
  properties.flag("Delegate", true);
  properties.flag("DefaultDependencies", false);
  for (const char* accounting : {"CPUAccounting", "MemoryAccounting", "TasksAccounting", "IOAccounting"}) {
    properties.flag(accounting, true);
  }
  // A unit that failed, for instance by an OOM kill, shall not stay for ever.
  properties.text("CollectMode", "inactive-or-failed");
  properties.pids("PIDs", static_cast<uint32_t>(pid));
  properties.end();
  out.end_array(out.begin_array(8));  // no auxiliary units
  return out.bytes();
}

std::string name_body(const ScopeUnit& unit) {
  dbus::Writer out;
  out.string(unit.name);
  return out.bytes();
}

}  // namespace

bool names_scope(std::string_view path) {
  return std::count(path.begin(), path.end(), ':') == 2 && path.find('/') == std::string_view::npos;
}

Result<ScopeUnit> parse_scope(std::string_view path) {
  const size_t first = path.find(':');
  const size_t second = path.find(':', first + 1);
  ScopeUnit unit;
  unit.slice = path.substr(0, first);
  const std::string_view prefix = path.substr(first + 1, second - first - 1);
  const std::string_view name = path.substr(second + 1);
  if (unit.slice.empty()) unit.slice = "system.slice";
  if (!is_slice_name(unit.slice)) return bad_path(path, "`" + unit.slice + "` is not the name of a slice");
  unit.name = (prefix.empty() ? "" : std::string(prefix) + "-") + std::string(name) + ".scope";
  if (name.empty() || !is_unit_name(unit.name)) return bad_path(path, "`" + unit.name + "` is not the name of a unit");
  return unit;
}

std::string cgroup_of(const ScopeUnit& unit) {
  std::string path;
  if (unit.slice != "-.slice") {
    const std::string_view stem = std::string_view(unit.slice).substr(0, unit.slice.size() - kSlice.size());
    for (size_t dash = stem.find('-'); dash != std::string_view::npos; dash = stem.find('-', dash + 1)) {
      path.append("/").append(stem.substr(0, dash)).append(kSlice);
    }
    path.append("/").append(unit.slice);
  }
  return path + "/" + unit.name;
}

Result<void> start_scope(const std::string& socket, const ScopeUnit& unit, int pid) {
  const auto manager = TRY(SystemdManager::connect(socket, SystemdManager::Clock::now() + kPatience));
  const auto start = [&] { return manager->run_job("StartTransientUnit", "ssa(sv)a(sa(sv))", start_body(unit, pid)); };
  Result<void> started = start();
  if (started || started.error().message.find("UnitExists") == std::string::npos) return started;
  // A failed one of that name may be in the way.
  (void)manager->call("ResetFailedUnit", "s", name_body(unit));
  return start();
}

Result<void> set_scope(const std::string& socket, const ScopeUnit& unit, const Resources& resources, bool unified) {
  dbus::Writer out;
  out.string(unit.name);
  out.boolean(true);  // until the unit ends
  Properties properties(out);
  const size_t before = out.bytes().size();
  put_memory(properties, resources.memory, unified);
  put_cpu(properties, resources.cpu, unified);
  if (const int64_t pids = resources.pids_limit.value_or(0)) properties.number("TasksMax", limit(pids));
  if (out.bytes().size() == before) return {};
  properties.end();
  const auto manager = TRY(SystemdManager::connect(socket, SystemdManager::Clock::now() + kPatience));
  return manager->call("SetUnitProperties", "sba(sv)", out.bytes());
}

}  // namespace wherry::sandbox
