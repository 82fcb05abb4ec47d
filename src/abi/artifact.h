// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

// An artifact: what a compiler makes of a module, in a file that is mapped and
// never parsed. It is an ELF shared object with no relocations, so that objdump,
// perf and gdb can read it (.text, .symtab, .wherry, .image); the runtime uses
// only the Header at kHeaderOffset and the tables that it points at. All numbers
// are little-endian; every Range is in bytes from the start of the file, aligned
// to 8. Loading checks the header's checksum and the ranges; the entries
// themselves are our own compiler's and are trusted (design.md, "cache").
namespace wherry::abi {

inline constexpr uint64_t kHeaderOffset = 512;
inline constexpr std::array<char, 8> kMagic = {'W', 'H', 'E', 'R', 'R', 'Y', 'A', '1'};
inline constexpr uint32_t kNone = ~uint32_t{0};

struct Range {
  uint64_t offset;
  uint64_t size;  // in bytes
};

// A piece of the strings or bytes range.
struct Slice {
  uint32_t offset;
  uint32_t size;
};

// What a cached artifact was made for; its SHA-256 is the file's name.
using Key = std::array<uint8_t, 32>;

struct TypeEntry {
  Slice params;   // in valtypes, counted in types
  Slice results;
};

struct LimitsEntry {
  uint64_t min;
  uint64_t max;  // ~0: none
};

enum ExternKindCode : uint32_t { kFunc, kTable, kMemory, kGlobal, kTag };  // wasm::ExternKind

// A function's type index; a table's, memory's or global's type.
struct ExternType {
  uint32_t type_index;   // function, tag
  uint32_t value_type;   // table element, global value: wasm::ValType::bits
  uint32_t is_mutable;   // global
  uint32_t address64;    // table, memory
  LimitsEntry limits;    // table, memory (pages)
};

struct ImportEntry {
  Slice module;
  Slice name;
  uint32_t kind;   // ExternKindCode
  uint32_t index;  // in its index space
  ExternType type;
};

struct ExportEntry {
  Slice name;
  uint32_t kind;
  uint32_t index;
};

// Defined ones; a constant expression is in the binary format in `bytes`, with its `end`.
struct TableEntry {
  ExternType type;
  Slice init;          // empty: null
  uint32_t is_static;  // nothing but compiled code's own static copy ever reads it: the runtime need not fill it
  uint32_t reserved;
};
struct MemoryEntry {
  ExternType type;
};
struct GlobalEntry {
  ExternType type;
  Slice init;
  uint32_t reserved[2];
};

struct ElemEntry {
  uint32_t mode;  // wasm::Elem::Mode
  uint32_t table;
  Slice offset;          // a constant expression; active
  uint32_t value_type;
  uint32_t is_expressions;
  Slice items;           // in elem_items: function indices, or pairs (offset, size) of expressions in `bytes`
};

struct DataEntry {
  uint32_t active;
  uint32_t memory;
  Slice offset;          // a constant expression; active
  uint64_t bytes_at;     // in the file
  uint64_t size;
  uint32_t in_image;     // already part of the memory image: nothing to copy
  uint32_t reserved;
};

// Sorted by pc; a pc is an offset in the code range.
struct TrapEntry {
  uint32_t pc;
  uint32_t trap;  // wherry::Trap
};
struct LineEntry {
  uint32_t pc;           // from here on
  uint32_t wasm_offset;  // in the module's binary
};

enum HeaderFlags : uint32_t {
  kExplicitBoundsChecks = 1,  // code compares with MemoryDescriptor::length; no guard pages needed
  kDirtyUpperBits = 2,        // for tests: code fills the upper halves that the convention leaves undefined
};

struct Header {
  std::array<char, 8> magic;
  uint32_t header_size;  // sizeof(Header)
  uint32_t flags;
  uint64_t file_size;
  Key key;
  std::array<uint8_t, 32> module_digest;  // SHA-256 of the binary
  uint64_t features_used;                 // bits of wasm/feature.def
  uint64_t cpu_features;                  // bits of abi/cpu.h that the code relies on
  uint64_t module_size;

  Range code;  // page-aligned at both ends, mapped read and execute

  // The memory image of memory 0: bytes [image_address, + image.size) of its initial
  // content, page-aligned in the file and in the memory. Empty if there is none.
  Range image;
  uint64_t image_address;

  Range strings;         // bytes of names
  Range bytes;           // constant expressions
  Range valtypes;        // uint32_t, wasm::ValType::bits
  Range types;           // TypeEntry by TypeIndex
  Range canonical;       // uint32_t by TypeIndex: the first equal type of the module
  Range imports;         // ImportEntry
  Range function_types;  // uint32_t TypeIndex by FuncIndex, imported ones included
  Range tables;          // TableEntry, defined ones
  Range memories;        // MemoryEntry, defined ones
  Range globals;         // GlobalEntry, defined ones
  Range exports;         // ExportEntry
  Range elems;           // ElemEntry
  Range elem_items;      // uint32_t
  Range datas;           // DataEntry
  Range escaping;        // uint32_t FuncIndex, ascending: functions with a FuncRef in the context
  Range function_starts; // uint32_t, offset in code of each defined function, ascending, then the code's end
  Range function_entries;// uint32_t, where each defined function is entered (a big frame's entry is not its start)
  Range traps;           // TrapEntry
  Range lines;           // LineEntry
  Range names;           // Slice in name_strings by FuncIndex, imported ones included; empty range: no names
  Range name_strings;

  uint32_t imported_functions;
  uint32_t imported_tables;
  uint32_t imported_memories;
  uint32_t imported_globals;
  uint32_t start_function;  // kNone: no start function
  uint32_t reserved;

  // FNV-1a over 64-bit words of [kHeaderOffset, checked_end), with this field as 0: the
  // header and the tables that instantiation reads. What grows with the module's
  // code (function_*, traps, lines, names, data, image, code) lies behind checked_end and
  // is looked up, never gone through, so loading takes the same time for every size.
  uint64_t checked_end;
  uint64_t checksum;
};

}  // namespace wherry::abi
