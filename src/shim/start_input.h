// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "shim/flags.h"

namespace wherry::shim {

// Everything `start` goes by, from flags, environment and stdin together.
struct StartParameters {
  std::string id;
  std::string ns;
  std::string address;        // containerd's own
  std::string ttrpc_address;  // where events go
  std::string socket_root;
  std::string shim_cgroup;
  std::string cache_directory;
  std::string search_path;
  std::string node_file;
  bool debug = false;
  bool sched_core = false;
};

// `input` is what stdin held: nothing, a serialized google.protobuf.Any with the
// options (containerd up to 2.2), or a BootstrapParams (from 2.3), which an Any
// can look like. Environment values may be nullptr.
struct StartEnvironment {
  const char* ttrpc_address = nullptr;
  const char* grpc_address = nullptr;
  const char* ns = nullptr;
  const char* sched_core = nullptr;
  const char* cache_directory = nullptr;  // WHERRY_CACHE
  const char* search_path = nullptr;      // PATH
  const char* node_file = nullptr;        // WHERRY_CONFIG
};
Result<StartParameters> start_parameters(const Flags& flags, const StartEnvironment& environment, const std::string& input);

}  // namespace wherry::shim
