// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "node/containerd_config.h"
#include "node/daemon.h"
#include "node/distribution.h"
#include "node/handler_block.h"

namespace wherry::node {

// What the command line says about the node; "" is found out.
struct NodeOptions {
  std::string distribution;
  std::string config;
  std::string address;
  std::string handler = "wherry";
  std::string bin_directory = "/opt/wherry/bin";
  std::string state_directory = "/var/lib/wherry/node";
};

// Where and how a node's containerd is told of our handler.
struct Target {
  enum class Form : uint8_t {
    block,     // at the end of the configuration
    drop_in,   // a file of our own, which the configuration imports
    template_  // at the end of the template that the configuration is made from
  };

  const Distribution* distribution;
  std::string config;  // what containerd reads
  std::string edited;  // what we edit
  Form form = Form::block;
  int version = 0;
  std::string address;
  Daemon daemon;
  Handler handler;
  bool foreign = false;  // somebody else has made the handler, of our type: nothing is to be edited
};

Result<Target> find_target(const NodeOptions& options);

// The content of target.edited with the handler. `current` is nullopt if there is no file.
Result<std::string> edited_content(const Target& target, const std::optional<std::string>& current);

// nullopt if there is no such file.
Result<std::optional<std::string>> read_optional(const std::string& path);

// The directory that a pattern of `imports` covers for files of any name in .toml, or "".
std::string imported_directory(const ContainerdConfig& config, const std::string& config_path);

}  // namespace wherry::node
