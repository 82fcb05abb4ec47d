// SPDX-License-Identifier: Apache-2.0
#include "registry/registry.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/fd.h"
#include "base/printable.h"
#include "oci/digest.h"
#include "registry/certificates.h"
#include "registry/ranges.h"

namespace wherry::registry {
namespace {

constexpr int kTries = 5, kMostRedirects = 5;
constexpr std::chrono::milliseconds kFirstPause{250}, kLongestPause{60'000};
constexpr const char* kDockerHub = "registry-1.docker.io";
constexpr const char* kAcceptManifests =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

enum Status : int { kOk = 200, kCreated = 201, kAccepted = 202, kNoContent = 204, kPartial = 206, kUnauthorized = 401, kNotFound = 404, kRangeWrong = 416, kTooMany = 429 };

bool is_redirect(int status) { return status == 301 || status == 302 || status == 303 || status == 307 || status == 308; }
bool is_transient(int status) { return status == kTooMany || status == 408 || status == 500 || status == 502 || status == 503 || status == 504; }

std::chrono::milliseconds pause_after(int attempt, const HttpResponse* response) {
  std::chrono::milliseconds pause = kFirstPause * (1 << attempt);
  if (response) {
    if (const auto seconds = parse_number(response->header("retry-after"))) pause = std::chrono::milliseconds(std::min<uint64_t>(*seconds, 3600) * 1000);
  }
  return std::min(pause, kLongestPause);
}

std::string host_of(const oci::Reference& reference) { return reference.registry == "docker.io" ? kDockerHub : reference.registry; }

// What the registry says beside the status, of its own errors' form.
std::string message_in(const std::string& body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("errors") || !json["errors"].is_array() || json["errors"].empty()) return "";
  const auto& first = json["errors"][0];
  std::string text;
  for (const char* key : {"code", "message"}) {
    if (!first.is_object() || !first.contains(key) || !first[key].is_string()) continue;
    text += (text.empty() ? "" : ": ") + first[key].get<std::string>();
  }
  return printable(text, 200);
}

Result<uint64_t> size_of(int fd) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return os_error(errno, "a file of the blob");
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace

Error Registry::failure(const Error& reason) const { return error(reason.kind, reference_.registry + "/" + reference_.repository + ": " + reason.message); }

Error Registry::failure(const HttpResponse& response, const std::string& what) const {
  const std::string said = message_in(response.body);
  const ErrorKind kind = response.status == kNotFound ? ErrorKind::not_found : response.status == kUnauthorized || response.status == 403 ? ErrorKind::denied : ErrorKind::unavailable;
  return failure(error(kind, what + ": the registry answers " + std::to_string(response.status) + (said.empty() ? "" : " (" + said + ")")));
}

std::string Registry::scope() const {
  const std::string own = "repository:" + reference_.repository + (is_push_ ? ":pull,push" : ":pull");
  return mount_from_.empty() ? own : own + " repository:" + mount_from_ + ":pull";
}

Result<std::unique_ptr<Registry>> Registry::create(const oci::Reference& reference, const RegistryOptions& options) {
  const std::vector<std::string> directories = options.cert_directory.empty() ? certificate_directories(reference.registry) : std::vector{options.cert_directory};
  Certificates certificates = TRY(read_certificates(directories));
  if (!options.ca_file.empty()) certificates.authorities += TRY(read_authorities(options.ca_file));
  HttpOptions http_options;
  http_options.authorities = std::move(certificates.authorities);
  http_options.certificate = std::move(certificates.certificate);
  http_options.key = std::move(certificates.key);
  http_options.registry = origin_of("https://" + host_of(reference));
  http_options.stall = options.stall;
  auto http = TRY(HttpClient::create(http_options));
  std::unique_ptr<Registry> registry(new Registry(std::move(http), reference, options));
  if (auto found = registry->find_base(options); !found) return registry->failure(found.error());
  auto credentials = find_credentials(options.credential_files, reference.registry, reference.repository);
  if (!credentials) return credentials.error();
  registry->authorizer_ = std::make_unique<Authorizer>(*registry->http_, std::move(*credentials), registry->base_);
  return registry;
}

Result<void> Registry::find_base(const RegistryOptions& options) {
  const std::string host = host_of(reference_);
  const bool local = is_loopback("http://" + host);
  std::vector<std::string> schemes{"https"};
  if (options.plain_http) {
    schemes = {"http"};
  } else if (local && options.ca_file.empty()) {
    schemes = {"https", "http"};
  }
  Error last;
  bool is_there = false;
  for (int attempt = 0; attempt < kTries; attempt++) {
    for (const std::string& scheme : schemes) {
      base_ = scheme + "://" + host;
      HttpRequest request;
      request.url = base_ + "/v2/";
      const auto response = http_->send(request);
      if (response && !is_transient(response->status)) {
        if (response->status == kOk || response->status == kUnauthorized) return {};
        return error(ErrorKind::unavailable, "no registry there: GET /v2/ is answered with " + std::to_string(response->status));
      }
      // A certificate that is not trusted is no reason to do without one.
      if (!response && response.error().kind == ErrorKind::denied) return response.error();
      is_there = is_there || response;
      last = response ? error(ErrorKind::unavailable, "the registry answers " + std::to_string(response->status)) : response.error();
    }
    if (local && !is_there) break;
    std::this_thread::sleep_for(pause_after(attempt, nullptr));
  }
  return last;
}

// Authorization goes to the registry's own origin and nowhere else.
Result<HttpResponse> Registry::send_authorized(HttpRequest& request, bool own) {
  const std::vector<std::string> headers = request.headers;
  for (int i = 0;; i++) {
    request.headers = headers;
    const std::string authorization = own ? authorizer_->header(scope()) : "";
    if (!authorization.empty()) request.headers.push_back("Authorization: " + authorization);
    HttpResponse response = TRY(http_->send(request));
    if (response.status != kUnauthorized || !own || i > 0) {
      request.headers = headers;
      return response;
    }
    TRY(authorizer_->answer(response, scope()));
  }
}

Result<HttpResponse> Registry::send_once(HttpRequest request) {
  bool own = true;  // until it leads elsewhere, also if it leads back from there
  for (int i = 0; i <= kMostRedirects; i++) {
    own = own && origin_of(request.url) == origin_of(base_);
    HttpResponse response = TRY(send_authorized(request, own));
    if (!is_redirect(response.status)) return response;
    request.url = TRY(resolve_url(request.url, response.header("location")));
  }
  return error(ErrorKind::unavailable, "the registry redirects in a circle");
}

Result<HttpResponse> Registry::send(HttpRequest request, const std::function<void(HttpRequest&)>& again) {
  for (int attempt = 0;; attempt++) {
    auto response = send_once(request);
    const bool transient = response ? is_transient(response->status) : response.error().kind == ErrorKind::unavailable;
    if (!transient || attempt + 1 == kTries) {
      if (!response) return failure(response.error());
      return response;
    }
    std::this_thread::sleep_for(pause_after(attempt, response ? &*response : nullptr));
    if (again) again(request);
  }
}

Result<Document> Registry::get_manifest(const std::string& tag_or_digest) {
  HttpRequest request;
  request.url = url_of("manifests/" + tag_or_digest);
  request.headers = {kAcceptManifests};
  HttpResponse response = TRY(send(request));
  if (response.status != kOk) return failure(response, tag_or_digest);
  Document document{std::move(response.body), response.header("content-type"), ""};
  document.digest = oci::to_string(sha256(document.bytes));
  if (oci::is_digest(tag_or_digest) && document.digest != tag_or_digest) {
    return failure(error(ErrorKind::malformed, tag_or_digest + ": the registry sent something else, " + document.digest));
  }
  const std::string said = response.header("docker-content-digest");
  if (oci::is_digest(said) && said != document.digest) return failure(error(ErrorKind::malformed, tag_or_digest + ": the registry says " + said + ", but sent " + document.digest));
  return document;
}

Result<void> Registry::put_manifest(const std::string& tag_or_digest, const Document& document) {
  HttpRequest request;
  request.method = "PUT";
  request.url = url_of("manifests/" + tag_or_digest);
  request.headers = {"Content-Type: " + document.media_type};
  request.body = document.bytes;
  const HttpResponse response = TRY(send(request));
  if (response.status != kCreated && response.status != kOk && response.status != kAccepted) return failure(response, tag_or_digest);
  const std::string stored = response.header("docker-content-digest");
  if (!stored.empty() && stored != document.digest) return failure(error(ErrorKind::malformed, tag_or_digest + ": the registry has stored something else, " + printable(stored, 80)));
  return {};
}

Result<bool> Registry::has_blob(const std::string& digest) {
  HttpRequest request;
  request.method = "HEAD";
  request.url = url_of("blobs/" + digest);
  const HttpResponse response = TRY(send(request));
  if (response.status == kOk) return true;
  if (response.status == kNotFound) return false;
  return failure(response, digest);
}

Result<void> Registry::get_blob(const oci::Descriptor& blob, int fd, const Progress& progress) {
  uint64_t have = TRY(size_of(fd));
  if (have > blob.size) have = 0;
  if (::ftruncate(fd, static_cast<off_t>(have)) != 0) return os_error(errno, "a file of the blob");
  HttpRequest request;
  request.url = url_of("blobs/" + blob.digest);
  bool begun = false;  // its answer
  const auto prepare = [&](HttpRequest& next) {
    begun = false;
    next.headers.clear();
    if (have > 0 && have < blob.size) next.headers.push_back("Range: bytes=" + std::to_string(have) + "-");
  };
  request.sink = [&](const HttpResponse& head, std::string_view bytes) -> Result<void> {
    const bool first = !std::exchange(begun, true);
    if (first && head.status == kPartial) {
      const auto range = parse_content_range(head.header("content-range"));
      if (!range || range->first != have || range->total.value_or(blob.size) != blob.size) return error(ErrorKind::malformed, blob.digest + ": another range than the one that was asked for");
    } else if (first && have > 0) {  // it sends all of it
      have = 0;
      if (::ftruncate(fd, 0) != 0) return os_error(errno, "a file of the blob");
    }
    if (bytes.size() > blob.size - have) return error(ErrorKind::malformed, blob.digest + ": longer than it should be");
    ssize_t n;
    for (size_t at = 0; at < bytes.size(); at += static_cast<size_t>(n)) {
      n = ::pwrite(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(have + at));
      if (n < 0 && errno == EINTR) n = 0;
      if (n < 0) return os_error(errno, "writing the blob");
    }
    have += bytes.size();
    if (progress) progress(have);
    return {};
  };
  if (have < blob.size || blob.size == 0) {
    prepare(request);
    const HttpResponse response = TRY(send(request, prepare));
    if (response.status != kOk && response.status != kPartial && response.status != kRangeWrong) return failure(response, blob.digest);
  }
  const bool whole = have == blob.size && TRY(oci::digest_of_file(fd, "a file of the blob")) == blob.digest;
  if (whole) return {};
  if (::ftruncate(fd, 0) != 0) return os_error(errno, "a file of the blob");
  return failure(error(ErrorKind::malformed, blob.digest + ": the registry sent something else"));
}

Result<Registry::Upload> Registry::start_upload(const std::string& digest, bool mount) {
  HttpRequest request;
  request.method = "POST";
  request.url = url_of("blobs/uploads/");
  if (mount) request.url = with_query(with_query(request.url, "mount", digest), "from", mount_from_);
  const HttpResponse response = TRY(send(request));
  if (response.status == kCreated && mount) return Upload{.location = "", .done = true};
  if (response.status != kAccepted) return failure(response, "upload of " + digest);
  auto location = resolve_url(request.url, response.header("location"));
  if (!location) return failure(location.error());
  Upload upload{.location = std::move(*location)};
  constexpr uint64_t kMaxChunk = uint64_t{1} << 30;
  upload.chunk_min = std::min(parse_number(response.header("oci-chunk-min-length")).value_or(0), kMaxChunk);
  return upload;
}

// How much of an upload the registry has; its location may have moved.
Result<uint64_t> Registry::uploaded(Upload& upload) {
  HttpRequest request;
  request.url = upload.location;
  const HttpResponse response = TRY(send(request));
  if (response.status != kNoContent && response.status != kAccepted && response.status != kOk) return failure(response, "upload");
  if (const std::string moved = response.header("location"); !moved.empty()) upload.location = TRY(resolve_url(upload.location, moved));
  return parse_upload_range(response.header("range")).value_or(0);
}

// How much the registry has afterwards; nothing if the connection broke and it has to be asked.
Result<std::optional<uint64_t>> Registry::send_chunk(Upload& upload, const oci::Descriptor& blob, const FileBody& chunk, const Progress& progress) {
  const uint64_t end = chunk.offset + chunk.size;
  HttpRequest patch;
  patch.method = "PATCH";
  patch.url = upload.location;
  patch.headers = {"Content-Type: application/octet-stream", "Content-Range: " + std::to_string(chunk.offset) + "-" + std::to_string(end - 1)};
  patch.file = chunk;
  if (progress) patch.sent = [&](uint64_t bytes) { progress(chunk.offset + bytes); };
  const auto response = send_once(patch);
  if (!response && response.error().kind != ErrorKind::unavailable) return failure(response.error());
  if (!response || is_transient(response->status) || response->status == kRangeWrong) return std::optional<uint64_t>();
  if (response->status != kAccepted) return failure(*response, "upload of " + blob.digest);
  if (const std::string moved = response->header("location"); !moved.empty()) upload.location = TRY(resolve_url(upload.location, moved));
  const std::string range = response->header("range");
  const auto has = range.empty() ? std::optional(end) : parse_upload_range(range);
  if (!has || *has <= chunk.offset || *has > end) return failure(error(ErrorKind::malformed, "upload of " + blob.digest + ": the registry does not say how much of a chunk it has"));
  return has;
}

// The last request, which may bring all of a blob; false as for try_upload.
Result<bool> Registry::finish_upload(const Upload& upload, const oci::Descriptor& blob, const FileBody& content, const Progress& progress) {
  HttpRequest put;
  put.method = "PUT";
  put.url = with_query(upload.location, "digest", blob.digest);
  put.headers = {"Content-Type: application/octet-stream"};
  if (content.size > 0) {
    put.file = content;
    put.sent = progress;
  }
  const auto response = send_once(put);
  if (!response) return response.error().kind == ErrorKind::unavailable ? Result<bool>(false) : failure(response.error());
  if (response->status == kCreated || response->status == kNoContent) return true;
  return is_transient(response->status) || response->status == kRangeWrong ? Result<bool>(false) : failure(*response, "upload of " + blob.digest);
}

// True when it is done; false if the connection broke and it can go on.
Result<bool> Registry::try_upload(Upload& upload, const oci::Descriptor& blob, int fd, const Progress& progress) {
  const uint64_t chunk = std::max({chunk_, upload.chunk_min, uint64_t{1}});
  // Not every registry can be asked; one that has been given nothing has not to be.
  uint64_t have = std::exchange(upload.fresh, false) ? 0 : TRY(uploaded(upload));
  if (have > blob.size) return failure(error(ErrorKind::malformed, "upload: the registry has more than was sent"));
  upload.have = have;
  if (have == 0 && blob.size <= chunk) return finish_upload(upload, blob, {fd, 0, blob.size}, progress);
  while (have < blob.size) {
    const auto next = TRY(send_chunk(upload, blob, {fd, have, std::min(chunk, blob.size - have)}, progress));
    if (!next) return false;
    upload.have = have = *next;
  }
  return finish_upload(upload, blob, {}, progress);
}

Result<void> Registry::put_blob(const oci::Descriptor& blob, int fd, const Progress& progress) {
  if (TRY(size_of(fd)) != blob.size) return error(ErrorKind::malformed, blob.digest + ": its file has another size");
  Upload upload = TRY(start_upload(blob.digest, !mount_from_.empty()));
  if (upload.done) return {};
  for (int attempt = 0;; attempt++) {
    const uint64_t before = upload.have;
    const auto done = try_upload(upload, blob, fd, progress);
    if (done && *done) return {};
    // A session that is gone begins anew.
    const bool gone = !done && done.error().kind == ErrorKind::not_found;
    if (!done && !gone) return done.error();
    if (upload.have > before) attempt = 0;  // it gets on
    if (attempt + 1 == kTries) return failure(error(ErrorKind::unavailable, "upload of " + blob.digest + ": the connection broke " + std::to_string(kTries) + " times"));
    std::this_thread::sleep_for(pause_after(attempt, nullptr));
    // The answer to the last request may be what was lost.
    if (TRY(has_blob(blob.digest))) return {};
    if (gone) upload = TRY(start_upload(blob.digest, false));
  }
}

}  // namespace wherry::registry
