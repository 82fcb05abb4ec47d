// SPDX-License-Identifier: Apache-2.0
#pragma once

// What containerd's CRI says of a pod in a specification's annotations, to every
// container and, but for the name, to the sandbox (containerd: pkg/cri/annotations).
namespace wherry::shim::cri {

inline constexpr char kContainerType[] = "io.kubernetes.cri.container-type";
inline constexpr char kCrioContainerType[] = "io.kubernetes.cri-o.ContainerType";  // CRI-O's word for the same
inline constexpr char kSandbox[] = "sandbox";  // a container type
inline constexpr char kContainerName[] = "io.kubernetes.cri.container-name";
inline constexpr char kSandboxId[] = "io.kubernetes.cri.sandbox-id";
inline constexpr char kSandboxName[] = "io.kubernetes.cri.sandbox-name";
inline constexpr char kSandboxNamespace[] = "io.kubernetes.cri.sandbox-namespace";
inline constexpr char kSandboxUid[] = "io.kubernetes.cri.sandbox-uid";
inline constexpr char kSandboxLogDirectory[] = "io.kubernetes.cri.sandbox-log-directory";

}  // namespace wherry::shim::cri
