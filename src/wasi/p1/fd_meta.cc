// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "wasi/host/file_io.h"
#include "wasi/host/file_meta.h"
#include "wasi/host/read_directory.h"
#include "wasi/p1/filestat.h"
#include "wasi/p1/p1.h"

namespace wherry::wasi {

Outcome P1::fd_advise(uint32_t fd, uint64_t offset, uint64_t len, AdviceId advice) {
  TRY(advise(*TRY(host_.files.get(fd)), offset, len, advice.value));
  return Errno::success;
}

Outcome P1::fd_allocate(uint32_t fd, uint64_t offset, uint64_t len) {
  TRY(allocate(*TRY(host_.files.get(fd)), offset, len));
  return Errno::success;
}

Outcome P1::fd_close(uint32_t fd) {
  TRY(host_.files.close(fd));
  return Errno::success;
}

Outcome P1::fd_datasync(uint32_t fd) {
  TRY(sync(*TRY(host_.files.get(fd)), Sync::data));
  return Errno::success;
}

Outcome P1::fd_sync(uint32_t fd) {
  TRY(sync(*TRY(host_.files.get(fd)), Sync::all));
  return Errno::success;
}

Outcome P1::fd_fdstat_get(uint32_t fd, Ptr<layout::Fdstat> stat) {
  const Descriptor& descriptor = *TRY(host_.files.get(fd));
  layout::Fdstat result{};
  result.filetype = static_cast<uint8_t>(descriptor.filetype);
  result.flags = descriptor.flags;
  result.rights_base = descriptor.base;
  result.rights_inheriting = descriptor.inheriting;
  TRY(memory_.store(stat, result));
  return Errno::success;
}

Outcome P1::fd_fdstat_set_flags(uint32_t fd, FdflagBits flags) {
  TRY(set_flags(*TRY(host_.files.get(fd)), flags.bits));
  return Errno::success;
}

Outcome P1::fd_fdstat_set_rights(uint32_t fd, uint64_t, uint64_t) {
  return TRY(host_.files.get(fd))->kind == Descriptor::Kind::stdio ? Errno::badf : Errno::notsup;
}

Outcome P1::fd_filestat_get(uint32_t fd, Ptr<layout::Filestat> stat) {
  TRY(memory_.store(stat, to_snapshot(TRY(wasi::stat(*TRY(host_.files.get(fd)))))));
  return Errno::success;
}

Outcome P1::unstable_fd_filestat_get(uint32_t fd, Ptr<layout::UnstableFilestat> stat) {
  TRY(memory_.store(stat, to_unstable(TRY(wasi::stat(*TRY(host_.files.get(fd)))))));
  return Errno::success;
}

Outcome P1::fd_filestat_set_size(uint32_t fd, uint64_t size) {
  TRY(set_size(*TRY(host_.files.get(fd)), size));
  return Errno::success;
}

Outcome P1::fd_filestat_set_times(uint32_t fd, uint64_t atim, uint64_t mtim, FstflagBits flags) {
  TRY(set_times(*TRY(host_.files.get(fd)), {atim, mtim, flags.bits}));
  return Errno::success;
}

Outcome P1::fd_prestat_get(uint32_t fd, Ptr<layout::Prestat> stat) {
  const Descriptor& descriptor = *TRY(host_.files.get(fd));
  if (descriptor.preopened == nullptr) return Errno::badf;
  layout::Prestat result{};
  result.name_length = static_cast<uint32_t>(descriptor.preopened->size());
  TRY(memory_.store(stat, result));
  return Errno::success;
}

Outcome P1::fd_prestat_dir_name(uint32_t fd, Text name) {
  const Descriptor& descriptor = *TRY(host_.files.get(fd));
  if (descriptor.preopened == nullptr) return Errno::notdir;
  const std::string& text = *descriptor.preopened;
  if (text.size() > name.count) return Errno::nametoolong;
  const std::span<uint8_t> bytes = TRY(memory_.slice(name.address, text.size()));
  std::memcpy(bytes.data(), text.data(), text.size());
  return Errno::success;
}

// Entries are cut where the buffer ends: a guest sees that it is full and goes
// on after the last whole entry.
Outcome P1::fd_readdir(uint32_t fd, Text buf, uint64_t cookie, Ptr<uint32_t> used) {
  std::span<uint8_t> rest = TRY(memory_.slice(buf));
  const auto put = [&rest](const void* from, size_t size) {
    const size_t fits = std::min(size, rest.size());
    std::memcpy(rest.data(), from, fits);
    rest = rest.subspan(fits);
  };
  const auto take = [&](const DirectoryEntry& entry) {
    layout::Dirent head{};
    head.next = entry.next;
    head.ino = entry.inode;
    head.name_length = static_cast<uint32_t>(entry.name.size());
    head.filetype = static_cast<uint8_t>(entry.filetype);
    put(&head, sizeof head);
    put(entry.name.data(), entry.name.size());
    return !rest.empty();
  };
  Descriptor* directory = TRY(host_.files.directory(fd));
  if (!rest.empty()) TRY(read_directory(*directory, cookie, take));
  TRY(memory_.store(used, static_cast<uint32_t>(buf.count - rest.size())));
  return Errno::success;
}

Outcome P1::fd_renumber(uint32_t fd, uint32_t to) {
  TRY(host_.files.renumber(fd, to));
  return Errno::success;
}

}  // namespace wherry::wasi
