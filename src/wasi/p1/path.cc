// SPDX-License-Identifier: Apache-2.0
#include "wasi/host/path.h"

#include "wasi/host/directory_ops.h"
#include "wasi/host/file_meta.h"
#include "wasi/host/open.h"
#include "wasi/p1/filestat.h"
#include "wasi/p1/p1.h"

namespace wherry::wasi {
namespace {

Follow follow_of(LookupBits flags) { return flags.bits & 1 ? Follow::yes : Follow::no; }

}  // namespace

Result<std::string, Outcome> P1::path_at(Text path) const {
  const Result<std::span<uint8_t>, Trap> bytes = memory_.slice(path);
  if (!bytes) return Outcome(bytes.error());
  Io<std::string> checked = checked_path(*bytes);
  if (!checked) return Outcome(checked.error());
  return std::move(*checked);
}

Outcome P1::path_create_directory(uint32_t fd, Text path) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  TRY(create_directory(*directory, TRY(path_at(path))));
  return Errno::success;
}

Outcome P1::path_filestat_get(uint32_t fd, LookupBits flags, Text path, Ptr<layout::Filestat> stat) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  TRY(memory_.store(stat, to_snapshot(TRY(stat_at(*directory, TRY(path_at(path)), follow_of(flags))))));
  return Errno::success;
}

Outcome P1::unstable_path_filestat_get(uint32_t fd, LookupBits flags, Text path, Ptr<layout::UnstableFilestat> stat) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  TRY(memory_.store(stat, to_unstable(TRY(stat_at(*directory, TRY(path_at(path)), follow_of(flags))))));
  return Errno::success;
}

Outcome P1::path_filestat_set_times(uint32_t fd, LookupBits flags, Text path, uint64_t atim, uint64_t mtim,
                                    FstflagBits fst_flags) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  TRY(set_times_at(*directory, TRY(path_at(path)), follow_of(flags), {atim, mtim, fst_flags.bits}));
  return Errno::success;
}

Outcome P1::path_link(uint32_t old_fd, LookupBits old_flags, Text old_path, uint32_t new_fd, Text new_path) {
  const Descriptor* from = TRY(host_.files.directory(old_fd));
  const Descriptor* to = TRY(host_.files.directory(new_fd));
  if (follow_of(old_flags) == Follow::yes) return Errno::inval;
  const std::string old_name = TRY(path_at(old_path));
  TRY(link(*from, old_name, *to, TRY(path_at(new_path))));
  return Errno::success;
}

Outcome P1::path_open(uint32_t fd, LookupBits dirflags, Text path, OflagBits oflags, uint64_t base, uint64_t,
                      FdflagBits fdflags, Ptr<uint32_t> opened) {
  const Descriptor* directory = TRY(host_.files.get(fd));
  if (directory->kind == Descriptor::Kind::file) return Errno::notdir;
  if (directory->kind != Descriptor::Kind::directory) return Errno::badf;
  const std::string name = TRY(path_at(path));
  if (!host_.files.has_room()) return Errno::mfile;
  TRY(memory_.elements(opened, 1));
  const OpenRequest request{follow_of(dirflags), oflags.bits, base, fdflags.bits};
  const uint32_t number = TRY(host_.files.add(TRY(open_at(*directory, name, request))));
  TRY(memory_.store(opened, number));
  return Errno::success;
}

Outcome P1::path_readlink(uint32_t fd, Text path, Text buf, Ptr<uint32_t> used) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  const std::string name = TRY(path_at(path));
  const std::span<uint8_t> bytes = TRY(memory_.slice(buf));
  TRY(memory_.store(used, static_cast<uint32_t>(TRY(read_link(*directory, name, bytes)))));
  return Errno::success;
}

Outcome P1::path_remove_directory(uint32_t fd, Text path) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  TRY(remove_directory(*directory, TRY(path_at(path))));
  return Errno::success;
}

Outcome P1::path_rename(uint32_t fd, Text old_path, uint32_t new_fd, Text new_path) {
  const Descriptor* from = TRY(host_.files.directory(fd));
  const Descriptor* to = TRY(host_.files.directory(new_fd));
  const std::string old_name = TRY(path_at(old_path));
  TRY(rename(*from, old_name, *to, TRY(path_at(new_path))));
  return Errno::success;
}

Outcome P1::path_symlink(Text target, uint32_t fd, Text path) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  const std::span<uint8_t> bytes = TRY(memory_.slice(target));
  TRY(symlink(bytes, *directory, TRY(path_at(path))));
  return Errno::success;
}

Outcome P1::path_unlink_file(uint32_t fd, Text path) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  TRY(unlink_file(*directory, TRY(path_at(path))));
  return Errno::success;
}

}  // namespace wherry::wasi
