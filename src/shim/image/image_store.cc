// SPDX-License-Identifier: Apache-2.0
#include "shim/image/image_store.h"

#include "shim/grpc/connection.h"
#include "shim/proto/images.pb.h"

namespace wherry::shim {
namespace {

constexpr std::string_view kUnixScheme = "unix://";

Error malformed() { return error(ErrorKind::malformed, "a malformed answer of containerd"); }

class ContainerdImages : public ImageStore {
 public:
  explicit ContainerdImages(std::unique_ptr<grpc::Connection> connection) : connection_(std::move(connection)) {}

  Result<std::string> image_of(const std::string& container, TimePoint deadline) override {
    pb::GetContainerRequest request;
    request.set_id(container);
    auto response = TRY(get<pb::GetContainerResponse>("/containerd.services.containers.v1.Containers/Get", request, deadline));
    return std::move(*response.mutable_container()->mutable_image());
  }

  Result<oci::Descriptor> target_of(const std::string& image, TimePoint deadline) override {
    pb::GetImageRequest request;
    request.set_name(image);
    const auto response = TRY(get<pb::GetImageResponse>("/containerd.services.images.v1.Images/Get", request, deadline));
    const pb::Descriptor& target = response.image().target();
    if (target.size() < 0) return malformed();
    oci::Descriptor out;
    out.media_type = target.media_type();
    out.digest = target.digest();
    out.size = static_cast<uint64_t>(target.size());
    return out;
  }

  Result<uint64_t> size_of(const std::string& digest, TimePoint deadline) override {
    pb::ContentInfoRequest request;
    request.set_digest(digest);
    const auto response = TRY(get<pb::ContentInfoResponse>("/containerd.services.content.v1.Content/Info", request, deadline));
    if (response.info().size() < 0) return malformed();
    return static_cast<uint64_t>(response.info().size());
  }

  Result<void> read(const std::string& digest, TimePoint deadline, const Piece& piece) override {
    pb::ReadContentRequest request;
    request.set_digest(digest);
    int64_t position = 0;
    return connection_->call("/containerd.services.content.v1.Content/Read", request.SerializeAsString(), deadline, [&](std::string message) -> Result<void> {
      pb::ReadContentResponse response;
      if (!response.ParseFromString(message) || response.offset() != position) return malformed();
      position += static_cast<int64_t>(response.data().size());
      return piece(response.data());
    });
  }

 private:
  template <class Response, class Request>
  Result<Response> get(std::string_view method, const Request& request, TimePoint deadline) {
    Response response;
    if (!response.ParseFromString(TRY(connection_->call(method, request.SerializeAsString(), deadline)))) return malformed();
    return response;
  }

  const std::unique_ptr<grpc::Connection> connection_;
};

}  // namespace

Result<std::unique_ptr<ImageStore>> connect_image_store(const std::string& socket, const std::string& ns) {
  const std::string path = socket.starts_with(kUnixScheme) ? socket.substr(kUnixScheme.size()) : socket;
  auto connection = TRY(grpc::Connection::connect(path, {{"containerd-namespace", ns}}));
  return std::unique_ptr<ImageStore>(std::make_unique<ContainerdImages>(std::move(connection)));
}

}  // namespace wherry::shim
