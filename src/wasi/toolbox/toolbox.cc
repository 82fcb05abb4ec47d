// SPDX-License-Identifier: Apache-2.0
#include "wasi/toolbox/toolbox.h"

#include "wasi/host/directory_ops.h"
#include "wasi/host/file_meta.h"
#include "wasi/host/open.h"
#include "wasi/host/path.h"

namespace wherry::wasi {
namespace {

constexpr uint32_t kPermissions = 0777;

constexpr Import kImports[] = {
#define TOOLBOX(name, parameters) import_of<&Toolbox::name>(#name),
#include "wasi/toolbox/toolbox.def"
#undef TOOLBOX
};

}  // namespace

std::span<const Import> toolbox_imports() { return kImports; }

Result<std::string, Outcome> Toolbox::path_at(Text path) const {
  const Result<std::span<uint8_t>, Trap> bytes = memory_.slice(path);
  if (!bytes) return Outcome(bytes.error());
  Io<std::string> checked = checked_path(*bytes);
  if (!checked) return Outcome(checked.error());
  return std::move(*checked);
}

Outcome Toolbox::path_owner_get(uint32_t fd, LookupBits flags, Text path, Ptr<layout::Owner> owner) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  const Follow follow = flags.bits & 1 ? Follow::yes : Follow::no;
  const Filestat stat = TRY(stat_at(*directory, TRY(path_at(path)), follow));
  TRY(memory_.store(owner, layout::Owner{stat.permissions, stat.uid, stat.gid}));
  return Errno::success;
}

Outcome Toolbox::path_create_file(uint32_t fd, Text path, uint32_t mode, Ptr<uint32_t> opened) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  const std::string name = TRY(path_at(path));
  if (mode & ~kPermissions) return Errno::inval;
  if (!host_.files.has_room()) return Errno::mfile;
  TRY(memory_.elements(opened, 1));
  OpenRequest request;
  request.oflags = oflag::creat | oflag::excl;
  request.rights = right::fd_write;
  request.new_file_mode = mode;
  Descriptor made = TRY(open_at(*directory, name, request));
  TRY(memory_.store(opened, TRY(host_.files.add(std::move(made)))));
  return Errno::success;
}

Outcome Toolbox::path_create_directory(uint32_t fd, Text path, uint32_t mode) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  if (mode & ~kPermissions) return Errno::inval;
  TRY(create_directory(*directory, TRY(path_at(path)), mode));
  return Errno::success;
}

Outcome Toolbox::path_space_get(uint32_t fd, Text path, Ptr<layout::Space> space) {
  const Descriptor* directory = TRY(host_.files.directory(fd));
  const Space found = TRY(space_at(*directory, TRY(path_at(path))));
  TRY(memory_.store(space, layout::Space{found.size, found.free, found.available}));
  return Errno::success;
}

}  // namespace wherry::wasi
