// SPDX-License-Identifier: Apache-2.0
#include "runtime/backtrace.h"

#include <cstdio>

#include "abi/artifact.h"
#include "runtime/store.h"

namespace wherry::runtime {
namespace {

// What `push rbp; mov rbp, rsp` leaves in each function.
struct FrameRecord {
  const FrameRecord* caller;
  const uint8_t* return_address;
};

// What wherry_enter pushes last (x64/stubs.S).
struct EntryRecord {
  const void* exit_frame;
  const void* guest_rsp;
  const EntryRecord* host_rsp;
};

}  // namespace

void Store::add_frame(const void* pc) {
  if (!code_at(pc)) return;
  if (fault_.frame_count == Fault::kMaxFrames) {
    fault_.truncated = true;
    return;
  }
  fault_.frames[fault_.frame_count++] = pc;
}

void Store::add_frames(const void* frame) {
  const auto* record = static_cast<const FrameRecord*>(frame);
  while (!fault_.truncated && stack_->contains(record) && stack_->contains(record + 1) &&
         reinterpret_cast<uintptr_t>(record) % alignof(FrameRecord) == 0) {
    add_frame(record->return_address - 1);
    if (record->caller <= record) return;  // callers lie above
    record = record->caller;
  }
}

void Store::record_fault(Trap trap, const void* pc, const void* address, const void* frame, const void* outer) {
  fault_.trap = trap;
  fault_.pc = pc;
  fault_.address = address;
  fault_.frame_count = 0;
  fault_.truncated = false;
  if (pc) add_frame(pc);
  add_frames(frame);
  add_frames(outer);
  const auto* entry = static_cast<const EntryRecord*>(context_.host_rsp);
  for (; entry && !fault_.truncated; entry = entry->host_rsp) add_frames(entry->exit_frame);
}

std::vector<Frame> Store::backtrace() const {
  std::vector<Frame> frames;
  for (uint32_t i = 0; i < fault_.frame_count; ++i) {
    const auto* const pc = static_cast<const uint8_t*>(fault_.frames[i]);
    const Artifact* const artifact = code_at(pc);
    if (!artifact) continue;
    const auto offset = static_cast<uint32_t>(pc - artifact->code().data());
    const std::optional<uint32_t> function = artifact->function_at(offset);
    if (!function) continue;  // between functions: code that they share
    frames.push_back({*function, artifact->function_name(*function), artifact->wasm_offset_at(offset)});
  }
  return frames;
}

std::string to_string(const std::vector<Frame>& frames) {
  std::string text;
  for (size_t i = 0; i < frames.size(); ++i) {
    const Frame& frame = frames[i];
    char place[32] = "         -";
    if (frame.wasm_offset != abi::kNone) snprintf(place, sizeof place, "0x%08x", frame.wasm_offset);
    char line[64];
    snprintf(line, sizeof line, "%5zu: %s ", i, place);
    text += line;
    text += frame.name.empty() ? "function " + std::to_string(frame.function) : std::string(frame.name);
    text += '\n';
  }
  return text;
}

}  // namespace wherry::runtime
