// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.h"
#include "shim/proto/sandbox.pb.h"

namespace wherry::shim {

// With `sandboxer = "shim"` (containerd 2.x) nobody makes a specification for the
// pod's sandbox: containerd gives us the pod's configuration as the kubelet sent it.

// The sandbox's config.json: what containerd's own sandboxer would have written.
// invalid if the request is none of a pod's. `user_namespace`: the path of the one
// that its network belongs to, if the pod is to have one and a network of its own.
Result<std::string> pod_spec(const pb::CreateSandboxRequest& request, const std::string& user_namespace = "");
// Whether it is.
bool joins_user_namespace(const pb::CreateSandboxRequest& request);

// What the containers of a pod share and containerd's own sandboxer would have
// made: resolv.conf, hosts, hostname and a shm file system below `bundle`/pod.
Result<void> make_pod_files(const pb::CreateSandboxRequest& request);
// Also after a crash; fine if there are none.
void remove_pod_files(const std::string& bundle);

// The specification of a container of the pod with mounts of those files where it
// has none of its own. `pod_bundle`: that of the sandbox.
Result<std::string> with_pod_files(const std::string& spec_json, const std::string& pod_bundle);

}  // namespace wherry::shim
