// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "label/labels.h"
#include "label/tls_stream.h"

namespace wherry::label {

// A node of Kubernetes, and how its API server is reached.
struct Node {
  std::string name;
  TlsPeer server;
  std::string token_file;  // read for each request, since the kubelet renews it
  std::chrono::milliseconds limit{10'000};  // of a request
};

// Sets and removes labels of the node by one PATCH. An answer but 200 is an error with what the server says.
Result<void> patch_labels(const Node& node, const Labels& labels);

}  // namespace wherry::label
