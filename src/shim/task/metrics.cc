// SPDX-License-Identifier: Apache-2.0
#include "shim/task/metrics.h"

#include <filesystem>
#include <string>

#include "shim/proto/metrics_v1.pb.h"
#include "shim/proto/metrics_v2.pb.h"

namespace wherry::shim {
namespace {

using sandbox::CgroupStats;

void fill(pb::v1::MemoryEntry& out, const CgroupStats::Usage& in) {
  out.set_limit(in.limit);
  out.set_usage(in.usage);
  out.set_max(in.max);
  out.set_failcnt(in.failcnt);
}

void fill(pb::v1::MemoryStat& out, const CgroupStats::Memory& in) {
  out.set_cache(in.cache);
  out.set_rss(in.rss);
  out.set_rss_huge(in.rss_huge);
  out.set_mapped_file(in.mapped_file);
  out.set_dirty(in.dirty);
  out.set_writeback(in.writeback);
  out.set_pg_pg_in(in.pgpgin);
  out.set_pg_pg_out(in.pgpgout);
  out.set_pg_fault(in.pgfault);
  out.set_pg_maj_fault(in.pgmajfault);
  out.set_inactive_anon(in.inactive_anon);
  out.set_active_anon(in.active_anon);
  out.set_inactive_file(in.inactive_file);
  out.set_active_file(in.active_file);
  out.set_unevictable(in.unevictable);
  out.set_hierarchical_memory_limit(in.hierarchical_memory_limit);
  out.set_hierarchical_swap_limit(in.hierarchical_memsw_limit);
  out.set_total_cache(in.total_cache);
  out.set_total_rss(in.total_rss);
  out.set_total_rss_huge(in.total_rss_huge);
  out.set_total_mapped_file(in.total_mapped_file);
  out.set_total_dirty(in.total_dirty);
  out.set_total_writeback(in.total_writeback);
  out.set_total_pg_pg_in(in.total_pgpgin);
  out.set_total_pg_pg_out(in.total_pgpgout);
  out.set_total_pg_fault(in.total_pgfault);
  out.set_total_pg_maj_fault(in.total_pgmajfault);
  out.set_total_inactive_anon(in.total_inactive_anon);
  out.set_total_active_anon(in.total_active_anon);
  out.set_total_inactive_file(in.total_inactive_file);
  out.set_total_active_file(in.total_active_file);
  out.set_total_unevictable(in.total_unevictable);
  fill(*out.mutable_usage(), in.usage);
  fill(*out.mutable_swap(), in.swap);
  fill(*out.mutable_kernel(), in.kernel);
  fill(*out.mutable_kernel_tcp(), in.kernel_tcp);
}

using BlkIOEntries = google::protobuf::RepeatedPtrField<pb::v1::BlkIOEntry>;

void add(BlkIOEntries& out, const CgroupStats::Io& device, const std::string& path, uint64_t read, uint64_t write) {
  for (const auto& [op, value] : {std::pair{"Read", read}, {"Write", write}, {"Total", read + write}}) {
    pb::v1::BlkIOEntry& entry = *out.Add();
    entry.set_op(op);
    entry.set_device(path);
    entry.set_major(device.major);
    entry.set_minor(device.minor);
    entry.set_value(value);
  }
}

// "/dev/vda", or "" for a device that is no more.
std::string device_path(const CgroupStats::Io& io) {
  std::error_code gone;
  const auto target = std::filesystem::read_symlink("/sys/dev/block/" + std::to_string(io.major) + ":" + std::to_string(io.minor), gone);
  return gone ? "" : "/dev/" + target.filename().string();
}

pb::v1::Metrics metrics_v1(const CgroupStats& in) {
  pb::v1::Metrics out;
  out.mutable_pids()->set_current(in.pids.current);
  // containerd's own shim says 0 for "max" here, and consumers know no other sign.
  out.mutable_pids()->set_limit(in.pids.limit == UINT64_MAX ? 0 : in.pids.limit);
  pb::v1::CPUUsage& usage = *out.mutable_cpu()->mutable_usage();
  usage.set_total(in.cpu.usage);
  usage.set_kernel(in.cpu.system);
  usage.set_user(in.cpu.user);
  for (const uint64_t value : in.cpu.per_cpu) usage.add_per_cpu(value);
  pb::v1::Throttle& throttle = *out.mutable_cpu()->mutable_throttling();
  throttle.set_periods(in.cpu.periods);
  throttle.set_throttled_periods(in.cpu.throttled_periods);
  throttle.set_throttled_time(in.cpu.throttled_time);
  fill(*out.mutable_memory(), in.memory);
  pb::v1::MemoryOomControl& oom = *out.mutable_memory_oom_control();
  oom.set_oom_kill_disable(in.memory.oom_kill_disable);
  oom.set_under_oom(in.memory.under_oom);
  oom.set_oom_kill(in.memory_events.oom_kill);
  pb::v1::BlkIOStat& blkio = *out.mutable_blkio();
  for (const CgroupStats::Io& io : in.io) {
    const std::string path = device_path(io);
    add(*blkio.mutable_io_service_bytes_recursive(), io, path, io.rbytes, io.wbytes);
    add(*blkio.mutable_io_serviced_recursive(), io, path, io.rios, io.wios);
  }
  for (const CgroupStats::Hugetlb& pages : in.hugetlb) {
    pb::v1::HugetlbStat& entry = *out.add_hugetlb();
    entry.set_pagesize(pages.page_size);
    entry.set_usage(pages.usage);
    entry.set_max(pages.max);
    entry.set_failcnt(pages.failcnt);
  }
  return out;
}

void fill(pb::v2::MemoryStat& out, const CgroupStats::Memory& in) {
  out.set_anon(in.anon);
  out.set_file(in.file);
  out.set_kernel_stack(in.kernel_stack);
  out.set_slab(in.slab);
  out.set_sock(in.sock);
  out.set_shmem(in.shmem);
  out.set_file_mapped(in.file_mapped);
  out.set_file_dirty(in.file_dirty);
  out.set_file_writeback(in.file_writeback);
  out.set_inactive_anon(in.inactive_anon);
  out.set_active_anon(in.active_anon);
  out.set_inactive_file(in.inactive_file);
  out.set_active_file(in.active_file);
  out.set_unevictable(in.unevictable);
  out.set_slab_reclaimable(in.slab_reclaimable);
  out.set_slab_unreclaimable(in.slab_unreclaimable);
  out.set_pgfault(in.pgfault);
  out.set_pgmajfault(in.pgmajfault);
  out.set_usage(in.usage.usage);
  out.set_usage_limit(in.usage.limit);
  out.set_swap_usage(in.swap.usage);
  out.set_swap_limit(in.swap.limit);
  out.set_max_usage(in.usage.max);
}

pb::v2::Metrics metrics_v2(const CgroupStats& in) {
  constexpr uint64_t kNanosPerMicro = 1000;
  pb::v2::Metrics out;
  out.mutable_pids()->set_current(in.pids.current);
  out.mutable_pids()->set_limit(in.pids.limit);
  pb::v2::CPUStat& cpu = *out.mutable_cpu();
  cpu.set_usage_usec(in.cpu.usage / kNanosPerMicro);
  cpu.set_user_usec(in.cpu.user / kNanosPerMicro);
  cpu.set_system_usec(in.cpu.system / kNanosPerMicro);
  cpu.set_nr_periods(in.cpu.periods);
  cpu.set_nr_throttled(in.cpu.throttled_periods);
  cpu.set_throttled_usec(in.cpu.throttled_time / kNanosPerMicro);
  fill(*out.mutable_memory(), in.memory);
  pb::v2::IOStat& ios = *out.mutable_io();
  for (const CgroupStats::Io& io : in.io) {
    pb::v2::IOEntry& entry = *ios.add_usage();
    entry.set_major(io.major);
    entry.set_minor(io.minor);
    entry.set_rbytes(io.rbytes);
    entry.set_wbytes(io.wbytes);
    entry.set_rios(io.rios);
    entry.set_wios(io.wios);
  }
  for (const CgroupStats::Hugetlb& pages : in.hugetlb) {
    pb::v2::HugeTlbStat& entry = *out.add_hugetlb();
    entry.set_pagesize(pages.page_size);
    entry.set_current(pages.usage);
    entry.set_max(pages.max);
  }
  pb::v2::MemoryEvents& events = *out.mutable_memory_events();
  events.set_low(in.memory_events.low);
  events.set_high(in.memory_events.high);
  events.set_max(in.memory_events.max);
  events.set_oom(in.memory_events.oom);
  events.set_oom_kill(in.memory_events.oom_kill);
  return out;
}

}  // namespace

pb::Any metrics(const CgroupStats& stats) {
  pb::Any any;
  any.set_type_url(stats.v2 ? "io.containerd.cgroups.v2.Metrics" : "io.containerd.cgroups.v1.Metrics");
  any.set_value(stats.v2 ? metrics_v2(stats).SerializeAsString() : metrics_v1(stats).SerializeAsString());
  return any;
}

}  // namespace wherry::shim
