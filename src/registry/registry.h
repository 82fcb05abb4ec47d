// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "oci/document.h"
#include "oci/reference.h"
#include "registry/authorizer.h"
#include "registry/http.h"

namespace wherry::registry {

struct RegistryOptions {
  bool plain_http = false;  // also to other machines
  std::string ca_file;         // PEM, to trust as well as the system's
  std::string cert_directory;  // of this registry; "": where docker, podman and containerd look
  long stall = 60;             // seconds without a byte
  uint64_t chunk = uint64_t{32} << 20;  // the most to send in one request
  std::string mount_from;   // to be read as well
  bool is_push = false;     // asks for the right to write
  std::vector<std::string> credential_files;
};

// A document as it came: its digest is that of these bytes.
struct Document {
  std::string bytes;
  std::string media_type;
  std::string digest;
};

using Progress = std::function<void(uint64_t bytes)>;

// One repository of a registry that speaks the distribution specification. What can
// fail for the moment is tried again with growing pauses. Errors are one line that
// begins with registry and repository. For one thread.
class Registry {
 public:
  // Finds out whether it speaks TLS: one on this machine may do without.
  static Result<std::unique_ptr<Registry>> create(const oci::Reference& reference, const RegistryOptions& options);

  // By tag or digest; one that was asked for by digest has it.
  Result<Document> get_manifest(const std::string& tag_or_digest);
  // Returns the digest that the registry says it has stored.
  Result<void> put_manifest(const std::string& tag_or_digest, const Document& document);

  Result<bool> has_blob(const std::string& digest);
  // Appends what is missing of it to the file, which holds the beginning; afterwards
  // the file is the blob, or empty.
  Result<void> get_blob(const oci::Descriptor& blob, int fd, const Progress& progress);
  // Takes it over from the repository `mount_from`, if that has it.
  Result<void> put_blob(const oci::Descriptor& blob, int fd, const Progress& progress);

  const std::string& url() const { return base_; }

 private:
  struct Upload {
    std::string location;
    bool done = false;  // it was there
    bool fresh = true;
    uint64_t have = 0;       // what the registry is known to have
    uint64_t chunk_min = 0;  // what the registry wants at least
  };

  Registry(std::unique_ptr<HttpClient> http, oci::Reference reference, const RegistryOptions& options)
      : http_(std::move(http)), reference_(std::move(reference)), mount_from_(options.mount_from), chunk_(options.chunk), is_push_(options.is_push) {}

  Result<void> find_base(const RegistryOptions& options);
  // With authorization, redirects and new tries. `again` prepares a request for its repetition.
  Result<HttpResponse> send(HttpRequest request, const std::function<void(HttpRequest&)>& again = {});
  Result<HttpResponse> send_once(HttpRequest request);
  Result<HttpResponse> send_authorized(HttpRequest& request, bool own);
  Result<Upload> start_upload(const std::string& digest, bool mount);
  Result<bool> try_upload(Upload& upload, const oci::Descriptor& blob, int fd, const Progress& progress);
  Result<std::optional<uint64_t>> send_chunk(Upload& upload, const oci::Descriptor& blob, const FileBody& chunk, const Progress& progress);
  Result<bool> finish_upload(const Upload& upload, const oci::Descriptor& blob, const FileBody& content, const Progress& progress);
  Result<uint64_t> uploaded(Upload& upload);
  Error failure(const HttpResponse& response, const std::string& what) const;
  Error failure(const Error& error) const;
  std::string scope() const;
  std::string url_of(const std::string& path) const { return base_ + "/v2/" + reference_.repository + "/" + path; }

  const std::unique_ptr<HttpClient> http_;
  const oci::Reference reference_;
  const std::string mount_from_;
  const uint64_t chunk_;
  const bool is_push_;
  std::string base_;  // "https://host:port"
  std::unique_ptr<Authorizer> authorizer_;
};

}  // namespace wherry::registry
