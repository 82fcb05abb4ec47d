// SPDX-License-Identifier: Apache-2.0
#include "wasi/p1/p1.h"
#include "wasi/wasmedge/wasmedge.h"

namespace wherry::wasi {
namespace {

constexpr Import kImports[] = {
#define WASMEDGE(name, method, parameters) import_of<&WasmEdge::method>(#name),
#include "wasi/wasmedge/wasmedge.def"
#undef WASMEDGE
    import_of<&WasmEdge::sock_close>("sock_close"),
    import_of<&P1::poll_oneoff>("epoll_oneoff"),
};

}  // namespace

std::span<const Import> wasmedge_imports() { return kImports; }

}  // namespace wherry::wasi
