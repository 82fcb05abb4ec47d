// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/setting.h"
#include "config/settings.h"

namespace wherry::config {

inline constexpr std::string_view kAnnotationPrefix = "wherry.dev/";
inline constexpr const char* kNodeFile = "/etc/wherry/config.toml";

// What one place says about settings, before anything is made of it.
struct Source {
  std::string name;  // for errors: "annotation wherry.dev/", "/etc/wherry/config.toml: defaults."
  std::map<Setting, std::string> values;
};

// What an operator says: of whole nodes in a file, of a runtime handler in its options.
struct Layer {
  Source defaults;  // for containers that say nothing themselves
  Source ceilings;  // no container goes beyond them
};

// The annotations under wherry.dev/ of a container's specification. wherry.dev/KEY
// is for all containers of a pod, wherry.dev/KEY.NAME for the one of that name and
// goes before. An unknown key is an error, also one for another container.
Result<Source> annotations_source(const std::map<std::string, std::string>& annotations, std::string_view container);

// TOML with the tables `defaults` and `ceilings`. Keys beside these must be among
// `others`, which are somebody else's. `name` begins errors.
Result<Layer> parse_layer(std::string_view toml, const std::string& name, std::span<const std::string_view> others = {});
// The file of that name, or kNodeFile for "", which may be absent.
Result<Layer> read_layer(const std::string& path);

// The value of each setting is that of the first source that has one (annotations,
// then the layers' defaults in their order); then all ceilings narrow it. A value
// that is asked for and goes beyond is cut down to the ceiling, or an error where
// there is nothing to cut: a directory outside of all.
Result<Settings> resolve(const Source& annotations, std::span<const Layer> layers);

}  // namespace wherry::config
