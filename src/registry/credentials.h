// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace wherry::registry {

// Either a user's name and password, or a token that buys others, or one for the registry itself.
struct Credentials {
  std::string user, password;
  std::string identity_token;
  std::string registry_token;

  bool empty() const { return user.empty() && identity_token.empty() && registry_token.empty(); }
};

// Where `docker login` and `podman login` leave them, in the order in which they
// are asked: $REGISTRY_AUTH_FILE alone, or podman's auth.json and docker's config.json.
std::vector<std::string> credential_files();

// For a registry and a repository of it, from the first of the files that knows them:
// auths, credHelpers, credsStore. Files that are not there are skipped; one that is
// wrong is an error without any of its content. Empty if nobody knows any.
Result<Credentials> find_credentials(const std::vector<std::string>& files, const std::string& registry, const std::string& repository);

}  // namespace wherry::registry
