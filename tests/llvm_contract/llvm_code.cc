// SPDX-License-Identifier: Apache-2.0
#include "llvm_code.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <sys/mman.h>

#include <cstring>

#include "base/result.h"

namespace wherry::test {
namespace {

constexpr const char* kTriple = "x86_64-unknown-linux-gnu";

std::unique_ptr<llvm::TargetMachine> target_machine() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::string error;
  const llvm::Target* const target = llvm::TargetRegistry::lookupTarget(kTriple, error);
  CHECK(target, "LLVM has no x86-64 target");
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(kTriple, "x86-64", "+sse4.1", {}, llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

void optimize(llvm::Module& module, llvm::TargetMachine& machine, Passes passes) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  if (passes == Passes::interprocedural) {
    builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
    return;
  }
  llvm::FunctionPassManager pipeline =
      builder.buildFunctionSimplificationPipeline(llvm::OptimizationLevel::O2, llvm::ThinOrFullLTOPhase::None);
  for (llvm::Function& function : module)
    if (!function.isDeclaration()) pipeline.run(function, functions);
}

llvm::SmallVector<char, 0> object_file(const std::string& text, Passes passes) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic problem;
  const std::unique_ptr<llvm::Module> module = llvm::parseIR(llvm::MemoryBufferRef(text, "contract"), problem, context);
  if (!module) problem.print("llvm_contract", llvm::errs());
  CHECK(module, "the module's text is wrong");
  const auto machine = target_machine();
  module->setTargetTriple(kTriple);
  module->setDataLayout(machine->createDataLayout());
  optimize(*module, *machine, passes);

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream out(object);
  llvm::legacy::PassManager emit;
  const bool cannot = machine->addPassesToEmitFile(emit, out, nullptr, llvm::CodeGenFileType::ObjectFile);
  CHECK(!cannot, "LLVM can not write object files");
  emit.run(*module);
  return object;
}

}  // namespace

std::unique_ptr<LlvmCode> LlvmCode::compile(const std::string& text, Passes passes) {
  const llvm::SmallVector<char, 0> object = object_file(text, passes);
  auto file = llvm::cantFail(llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef({object.data(), object.size()}, "object")));

  std::unique_ptr<LlvmCode> code(new LlvmCode);
  for (const llvm::object::SectionRef& section : file->sections()) {
    if (section.isText() && section.getSize() > 0) {
      CHECK(!code->code_, "more than one section of code");
      const llvm::StringRef bytes = llvm::cantFail(section.getContents());
      code->size_ = bytes.size();
      code->code_ = static_cast<uint8_t*>(mmap(nullptr, code->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      CHECK(code->code_ != MAP_FAILED, "no memory for code");
      std::memcpy(code->code_, bytes.data(), bytes.size());
      for (const llvm::object::SymbolRef& symbol : file->symbols())
        if (llvm::cantFail(symbol.getSection()) == section)
          code->functions_[llvm::cantFail(symbol.getName()).str()] = code->code_ + llvm::cantFail(symbol.getValue());
    }
    const bool relocates_code = section.relocation_begin() != section.relocation_end() && llvm::cantFail(section.getRelocatedSection())->isText();
    CHECK(!relocates_code, "code with relocations");
  }
  CHECK(code->code_, "no code");
  CHECK(mprotect(code->code_, code->size_, PROT_READ | PROT_EXEC) == 0, "code can not be made executable");
  return code;
}

LlvmCode::~LlvmCode() { munmap(code_, size_); }

}  // namespace wherry::test
