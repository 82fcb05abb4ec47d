// SPDX-License-Identifier: Apache-2.0
#include "abi/elf_writer.h"

#include <elf.h>

#include <algorithm>
#include <string>

namespace wherry::abi {
namespace {

enum SectionIndex : uint16_t { kNull, kWherry, kText, kImage, kSymtab, kStrtab, kShstrtab, kSections };

// Offsets into this are the names of the sections.
constexpr std::string_view kSectionNames("\0.wherry\0.text\0.image\0.symtab\0.strtab\0.shstrtab\0", 48);

uint32_t name_offset(std::string_view name) { return static_cast<uint32_t>(kSectionNames.find(name)); }

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
template <class T>
std::span<const uint8_t> bytes_of(const std::vector<T>& items) {
  return {reinterpret_cast<const uint8_t*>(items.data()), items.size() * sizeof(T)};
}

Elf64_Shdr section(std::string_view name, uint32_t type, uint64_t flags, Range range, uint64_t alignment) {
  Elf64_Shdr s{};
  s.sh_name = name_offset(name);
  s.sh_type = type;
  s.sh_flags = flags;
  s.sh_addr = flags & SHF_ALLOC ? range.offset : 0;
  s.sh_offset = range.offset;
  s.sh_size = range.size;
  s.sh_addralign = alignment;
  return s;
}

Elf64_Phdr segment(uint32_t flags, uint64_t from, uint64_t to) {
  Elf64_Phdr p{};
  p.p_type = PT_LOAD;
  p.p_flags = flags;
  p.p_offset = p.p_vaddr = p.p_paddr = from;
  p.p_filesz = p.p_memsz = to - from;
  p.p_align = 4096;
  return p;
}

struct Symbols {
  std::vector<Elf64_Sym> entries = std::vector<Elf64_Sym>(1);
  std::string strings = std::string(1, '\0');
};

Symbols make_symbols(const Header& header, uint32_t imported, const CompiledCode& code,
                     std::span<const std::string_view> names) {
  Symbols symbols;
  const std::vector<uint32_t>& starts = code.starts;
  for (size_t i = 0; i < starts.size(); ++i) {
    Elf64_Sym symbol{};
    const size_t index = imported + i;
    symbol.st_name = static_cast<uint32_t>(symbols.strings.size());
    symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
    symbol.st_shndx = kText;
    symbol.st_value = header.code.offset + starts[i];
    symbol.st_size = (i + 1 < starts.size() ? starts[i + 1] : code.functions_end) - starts[i];
    symbols.entries.push_back(symbol);
    if (index < names.size() && !names[index].empty()) {
      symbols.strings += names[index];
    } else {
      symbols.strings += "wasm-function[" + std::to_string(index) + "]";
    }
    symbols.strings += '\0';
  }
  if (code.functions_end < header.code.size) {
    Elf64_Sym data{};
    data.st_name = static_cast<uint32_t>(symbols.strings.size());
    data.st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
    data.st_shndx = kText;
    data.st_value = header.code.offset + code.functions_end;
    data.st_size = header.code.size - code.functions_end;
    symbols.entries.push_back(data);
    symbols.strings += std::string_view("wherry-tables\0", 14);
  }
  return symbols;
}

}  // namespace

Result<ElfHead> write_elf_tail(Output& out, const Header& header, uint32_t imported_functions,
                               const CompiledCode& code, std::span<const std::string_view> names) {
  const Symbols symbols = make_symbols(header, imported_functions, code, names);
  TRY(out.align(8));
  const Range symtab{out.position(), symbols.entries.size() * sizeof(Elf64_Sym)};
  TRY(out.write(bytes_of(symbols.entries)));
  const Range strtab{out.position(), symbols.strings.size()};
  TRY(out.write(bytes_of(std::string_view(symbols.strings))));
  const Range shstrtab{out.position(), kSectionNames.size()};
  TRY(out.write(bytes_of(kSectionNames)));
  TRY(out.align(8));

  std::vector<Elf64_Shdr> sections(kSections);
  sections[kWherry] = section(".wherry", SHT_PROGBITS, SHF_ALLOC, {kHeaderOffset, header.checked_end - kHeaderOffset}, 8);
  sections[kText] = section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, header.code, 4096);
  sections[kImage] = section(".image", SHT_PROGBITS, 0, header.image, 4096);
  sections[kSymtab] = section(".symtab", SHT_SYMTAB, 0, symtab, 8);
  sections[kSymtab].sh_link = kStrtab;
  sections[kSymtab].sh_info = static_cast<uint32_t>(symbols.entries.size());
  sections[kSymtab].sh_entsize = sizeof(Elf64_Sym);
  sections[kStrtab] = section(".strtab", SHT_STRTAB, 0, strtab, 1);
  sections[kShstrtab] = section(".shstrtab", SHT_STRTAB, 0, shstrtab, 1);
  const uint64_t section_headers = out.position();
  TRY(out.write(bytes_of(sections)));

  const std::vector<Elf64_Phdr> segments = {segment(PF_R, 0, header.code.offset),
                                            segment(PF_R | PF_X, header.code.offset, header.code.offset + header.code.size)};
  Elf64_Ehdr ehdr{};
  std::copy_n(ELFMAG, SELFMAG, ehdr.e_ident);
  ehdr.e_ident[EI_CLASS] = ELFCLASS64;
  ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
  ehdr.e_ident[EI_VERSION] = EV_CURRENT;
  ehdr.e_type = ET_DYN;
  ehdr.e_machine = EM_X86_64;
  ehdr.e_version = EV_CURRENT;
  ehdr.e_phoff = sizeof ehdr;
  ehdr.e_shoff = section_headers;
  ehdr.e_ehsize = sizeof ehdr;
  ehdr.e_phentsize = sizeof(Elf64_Phdr);
  ehdr.e_phnum = static_cast<uint16_t>(segments.size());
  ehdr.e_shentsize = sizeof(Elf64_Shdr);
  ehdr.e_shnum = kSections;
  ehdr.e_shstrndx = kShstrtab;

  ElfHead head;
  const auto* const start = reinterpret_cast<const uint8_t*>(&ehdr);
  head.bytes.assign(start, start + sizeof ehdr);
  const auto rest = bytes_of(segments);
  head.bytes.insert(head.bytes.end(), rest.begin(), rest.end());
  return head;
}

}  // namespace wherry::abi
