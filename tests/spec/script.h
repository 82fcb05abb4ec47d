// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/instance.h"
#include "runtime/linker.h"
#include "runtime/pool.h"
#include "runtime/store.h"

namespace wherry::spec {

// What became of a command that did not pass.
struct Problem {
  enum class Kind : uint8_t {
    failed,       // not what the suite says
    unsupported,  // its module needs a feature that is not there
    follows,      // a module that it needs is missing, for a reason that was reported
  };
  uint64_t line;
  Kind kind;
  std::string text;
};

// What a second run of the same file finds of the first: compiled modules, and
// the slots of their instances.
struct Reuse {
  std::map<std::string, std::unique_ptr<runtime::Artifact>> artifacts;  // by the binary
  runtime::Pool pool;
};

// One file of the suite: a sequence of modules and assertions about them.
class Script {
 public:
  struct Counts {
    uint32_t assertions = 0;  // that passed
    uint32_t text = 0;        // about the text format: not run
  };

  // `reuse` may be null.
  static Result<std::unique_ptr<Script>> create(std::filesystem::path file, bool explicit_checks, Reuse* reuse);

  // Runs all commands; `at` is told each one's line before it is run.
  std::vector<Problem> run(const std::function<void(uint64_t)>& at);
  const Counts& counts() const { return counts_; }
  runtime::Store& store() { return *store_; }

 private:
  using Json = nlohmann::json;
  struct Failure {
    Problem::Kind kind;
    std::string text;
  };
  using Outcome = std::optional<Failure>;  // none: as it should be
  // A module that was meant to be made, or the failure that kept it from that.
  struct Made {
    runtime::Instance* instance = nullptr;
    bool missing = false;
  };

  Script(std::filesystem::path file, bool explicit_checks, Reuse* reuse)
      : file_(std::move(file)), explicit_checks_(explicit_checks), reuse_(reuse) {}

  Outcome run_command(const Json& command);
  Outcome run_module(const Json& command);
  Outcome run_definition(const Json& command);
  Outcome run_instance(const Json& command);
  Outcome run_register(const Json& command);
  Outcome run_action(const Json& command);
  Outcome assert_return(const Json& command);
  Outcome assert_trap(const Json& command);
  Outcome assert_rejected(const Json& command, ErrorKind kind);
  Outcome assert_unlinkable(const Json& command);
  Outcome assert_uninstantiable(const Json& command);

  // The result of an action: values, or a trap; or why it could not be done.
  struct Done {
    Outcome problem;
    std::optional<Trap> trap;
    std::vector<abi::Value> values;
    std::vector<wasm::ValType> types;
  };
  Done perform(const Json& action);
  Done invoke(const runtime::Function& function, const Json& args);

  Result<std::string> binary_of(const Json& command) const;
  Result<const runtime::Artifact*> compile_module(const Json& command);
  Outcome instantiate(const runtime::Artifact& artifact, const std::string& name);
  Failure failure_of(const Error& error) const;
  const Made* made(const Json& command, const char* key) const;
  void set_current(const std::string& name, Made made);

  const std::filesystem::path file_;
  const bool explicit_checks_;
  Reuse* const reuse_;
  Json commands_;
  Counts counts_;
  std::vector<std::unique_ptr<runtime::Artifact>> artifacts_;  // outlive the store
  std::unique_ptr<runtime::Store> store_;
  runtime::Linker linker_;
  std::map<std::string, const runtime::Artifact*> definitions_;
  std::map<std::string, Made> named_;
  Made current_;
  bool something_missing_ = false;
};

}  // namespace wherry::spec
