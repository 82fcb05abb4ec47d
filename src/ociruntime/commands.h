// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace wherry::ociruntime {

// The command line of an OCI runtime, as runc has it, so that Podman, CRI-O and
// others that expect one can use Wherry. Returns the exit code.
int main(int argc, char** argv);

}  // namespace wherry::ociruntime
