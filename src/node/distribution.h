// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace wherry::node {

// How a kind of node keeps its containerd: a row of distribution.def.
struct Distribution {
  std::string_view name;
  std::string_view evidence;          // a path that only such a node has
  std::string_view beside;            // a file in the directory of its containerd that only such a node has
  std::string_view config;            // what containerd reads
  std::string_view template_2;        // beside that, what it is made from for version 2; "": it is not made
  std::string_view template_3;        // the same from version 3 on
  std::string_view drop_ins;          // a directory that it watches, restarting containerd, whatever the imports say
  std::string_view mark;              // the line of the configuration without which it does not
  std::string_view template_start;    // first line of a template that we make
  std::string_view address;           // of containerd's socket
  std::string_view ctr;               // words of its client, the first a name on PATH or a path
  std::string_view services;          // that run containerd, the first that is active is restarted
};

// In the order in which they are looked for; the last, plain one needs no evidence.
std::span<const Distribution> distributions();
// By name, or nullptr.
const Distribution* find_distribution(std::string_view name);
// The one whose evidence is here.
const Distribution& detect_distribution();
// Whether it restarts containerd itself when this file changes.
bool watches(const Distribution& distribution, std::string_view file);

}  // namespace wherry::node
