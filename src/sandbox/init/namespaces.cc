// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/init/steps.h"
#include "sandbox/namespace_flags.h"

namespace wherry::sandbox {
namespace {

Result<void> raise_loopback() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return os_error(errno, "socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return os_error(errno, "network interface lo");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return os_error(errno, "network interface lo");
  return {};
}

}  // namespace

Result<void> enter_namespaces(InitContext& context) {
  for (const Namespace& entry : context.spec.linux_.namespaces) {
    if (entry.path.empty() || entry.type == NamespaceType::user) continue;
    // Without a user namespace this process was born in it.
    if (entry.type == NamespaceType::pid && !context.has_user_namespace()) continue;
    const UniqueFd fd(::open(entry.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return os_error(errno, "namespace " + entry.path);
    if (::setns(fd.get(), clone_flag(entry.type)) != 0) return os_error(errno, "cannot join namespace " + entry.path);
  }
  if (context.has_user_namespace()) return enter_user_namespace(context);
  const Namespace* cgroup = context.spec.linux_.find(NamespaceType::cgroup);
  if (cgroup && cgroup->path.empty() && ::unshare(CLONE_NEWCGROUP) != 0) return os_error(errno, "new cgroup namespace");
  return {};
}

Result<void> name_host(const InitContext& context) {
  const Spec& spec = context.spec;
  const bool names = !spec.hostname.empty() || !spec.domainname.empty();
  if (names && !spec.linux_.find(NamespaceType::uts)) {
    return error(ErrorKind::invalid, "config.json: hostname needs a uts namespace, it would rename the host");
  }
  if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) != 0) {
    return os_error(errno, "hostname `" + spec.hostname + "`");
  }
  if (!spec.domainname.empty() && ::setdomainname(spec.domainname.data(), spec.domainname.size()) != 0) {
    return os_error(errno, "domainname `" + spec.domainname + "`");
  }
  const Namespace* network = spec.linux_.find(NamespaceType::network);
  if (network && network->path.empty()) TRY(raise_loopback());
  return {};
}

}  // namespace wherry::sandbox
