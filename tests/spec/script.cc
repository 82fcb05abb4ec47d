// SPDX-License-Identifier: Apache-2.0
#include "script.h"

#include "base/json_text.h"
#include "compile.h"
#include "spectest.h"
#include "values.h"

namespace wherry::spec {
namespace {

using Kind = Problem::Kind;

// The suite gives the beginning of the message, and sometimes more than ours.
bool text_matches(const std::string& expected, std::string_view actual) {
  return actual.starts_with(expected) || std::string_view(expected).starts_with(actual);
}

bool is_text(const nlohmann::json& command) {
  return command.value("module_type", "") == "text" && !command.contains("binary_filename");
}

}  // namespace

Result<std::unique_ptr<Script>> Script::create(std::filesystem::path file, bool explicit_checks, Reuse* reuse) {
  constexpr size_t kLimit = 64 << 20;
  std::unique_ptr<Script> script(new Script(std::move(file), explicit_checks, reuse));
  const std::string text = TRY(read_file(script->file_, kLimit));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json["commands"].is_array()) {
    return error(ErrorKind::malformed, script->file_.string() + ": not a file of the suite");
  }
  script->commands_ = std::move(json["commands"]);
  script->store_ = TRY(runtime::Store::create({.pool = reuse ? &reuse->pool : nullptr}));
  const auto checks =
      explicit_checks ? runtime::Memory::Checks::explicit_checks : runtime::Memory::Checks::guard_pages;
  TRY(define_spectest(*script->store_, script->linker_, checks));
  return script;
}

std::vector<Problem> Script::run(const std::function<void(uint64_t)>& at) {
  std::vector<Problem> problems;
  for (const Json& command : commands_) {
    const uint64_t line = command["line"];
    const std::string type = command["type"];
    at(line);
    if (is_text(command)) {
      ++counts_.text;
      continue;
    }
    Outcome outcome = run_command(command);
    if (outcome) {
      // What a missing module would have written, others would have read.
      something_missing_ |= outcome->kind == Kind::unsupported && type != "assert_invalid";
      const bool value_differs = outcome->kind == Kind::failed && (type == "assert_return" || type == "assert_trap");
      if (something_missing_ && value_differs) outcome->kind = Kind::follows;
      problems.push_back({line, outcome->kind, type + ": " + outcome->text});
    } else if (type.starts_with("assert_")) {
      ++counts_.assertions;
    }
  }
  return problems;
}

Script::Outcome Script::run_command(const Json& command) {
  const std::string type = command["type"];
  if (type == "module") return run_module(command);
  if (type == "module_definition") return run_definition(command);
  if (type == "module_instance") return run_instance(command);
  if (type == "register") return run_register(command);
  if (type == "action") return run_action(command);
  if (type == "assert_return") return assert_return(command);
  if (type == "assert_trap" || type == "assert_exhaustion") return assert_trap(command);
  if (type == "assert_malformed") return assert_rejected(command, ErrorKind::malformed);
  if (type == "assert_invalid") return assert_rejected(command, ErrorKind::invalid);
  if (type == "assert_unlinkable") return assert_unlinkable(command);
  if (type == "assert_uninstantiable") return assert_uninstantiable(command);
  if (type == "assert_exception") {
    const Done done = perform(command["action"]);
    if (done.problem) return done.problem;
    return Failure{Kind::failed, "no exception"};
  }
  return Failure{Kind::unsupported, type + ": unsupported feature: validation of custom sections"};
}

Result<std::string> Script::binary_of(const Json& command) const {
  constexpr size_t kLimit = 64 << 20;
  const std::string name = command.contains("binary_filename") ? command["binary_filename"] : command["filename"];
  return read_file(file_.parent_path() / name, kLimit);
}

// A module can be missing because of a feature, and then others because of it.
Script::Failure Script::failure_of(const Error& error) const {
  if (error.kind == ErrorKind::unsupported) return {Kind::unsupported, error.message};
  const bool may_follow = something_missing_ && error.kind == ErrorKind::unlinkable;
  return {may_follow ? Kind::follows : Kind::failed, error.to_string()};
}

Result<const runtime::Artifact*> Script::compile_module(const Json& command) {
  const std::string binary = TRY(binary_of(command));
  if (reuse_) {
    auto& known = reuse_->artifacts[binary];
    if (!known) known = TRY(compile(binary, explicit_checks_));
    return known.get();
  }
  artifacts_.push_back(TRY(compile(binary, explicit_checks_)));
  return artifacts_.back().get();
}

void Script::set_current(const std::string& name, Made made) {
  current_ = made;
  something_missing_ |= made.missing;
  if (!name.empty()) named_[name] = made;
}

Script::Outcome Script::instantiate(const runtime::Artifact& artifact, const std::string& name) {
  set_current(name, {nullptr, true});
  const auto linked = runtime::Instance::link(*store_, artifact, linker_);
  if (!linked) return failure_of(linked.error());
  const auto initialized = (*linked)->initialize();
  if (!initialized) return Failure{Kind::failed, std::string("trap: ") + to_string(initialized.error())};
  set_current(name, {*linked, false});
  return {};
}

Script::Outcome Script::run_module(const Json& command) {
  const std::string name = command.value("name", "");
  const bool missing_before = something_missing_;
  const auto artifact = compile_module(command);
  if (!artifact) {
    set_current(name, {nullptr, true});
    return failure_of(artifact.error());
  }
  Outcome outcome = instantiate(**artifact, name);
  if (!outcome) something_missing_ = missing_before;
  return outcome;
}

Script::Outcome Script::run_definition(const Json& command) {
  const std::string name = command.value("name", "");
  const auto artifact = compile_module(command);
  if (!artifact) something_missing_ = true;
  definitions_[name] = artifact ? *artifact : nullptr;
  if (artifact) return {};
  return failure_of(artifact.error());
}

Script::Outcome Script::run_instance(const Json& command) {
  const runtime::Artifact* const artifact = definitions_[command.value("module", "")];
  const std::string name = command.value("instance", "");
  if (artifact) return instantiate(*artifact, name);
  set_current(name, {nullptr, true});
  return Failure{Kind::follows, "its module is missing"};
}

// The module that a command is about; null if there never was one.
const Script::Made* Script::made(const Json& command, const char* key) const {
  if (!command.contains(key)) return &current_;
  const auto found = named_.find(command[key].get<std::string>());
  return found == named_.end() ? nullptr : &found->second;
}

Script::Outcome Script::run_register(const Json& command) {
  const Made* const which = made(command, "name");
  if (!which || !which->instance) return Failure{Kind::follows, "its module is missing"};
  linker_.define_instance(command["as"].get<std::string>(), *which->instance);
  return {};
}

Script::Done Script::perform(const Json& action) {
  Done done;
  const Made* const which = made(action, "module");
  if (!which || !which->instance) {
    done.problem = Failure{which && which->missing ? Kind::follows : Kind::failed, "its module is missing"};
    return done;
  }
  const std::string field = action["field"];
  const auto item = which->instance->exported(field);
  if (!item) {
    done.problem = Failure{Kind::failed, "no export `" + field + "`"};
  } else if (const auto* function = std::get_if<runtime::Function>(&*item); function && action["type"] == "invoke") {
    return invoke(*function, action["args"]);
  } else if (const auto* global = std::get_if<runtime::Global>(&*item); global && action["type"] == "get") {
    done.values.push_back(*global->value);
    done.types.push_back(global->type.value);
  } else {
    done.problem = Failure{Kind::failed, "export `" + field + "` is of another kind"};
  }
  return done;
}

Script::Done Script::invoke(const runtime::Function& function, const Json& args) {
  Done done;
  if (args.size() != function.type().params.size()) {
    done.problem = Failure{Kind::failed, "takes " + to_string(function.type())};
    return done;
  }
  std::vector<abi::Value> values;
  for (const Json& arg : args) values.push_back(parse_value(arg));
  done.types = function.type().results;
  done.values.resize(done.types.size());
  const auto called = function.call(values, done.values);
  if (!called) done.trap = called.error();
  return done;
}

Script::Outcome Script::run_action(const Json& command) {
  const Done done = perform(command["action"]);
  if (done.problem) return done.problem;
  if (done.trap) return Failure{Kind::failed, std::string("trap: ") + to_string(*done.trap)};
  return {};
}

Script::Outcome Script::assert_return(const Json& command) {
  const Done done = perform(command["action"]);
  if (done.problem) return done.problem;
  const std::string call = command["action"]["field"].get<std::string>() + json_text(command["action"].value("args", Json()));
  if (done.trap) return Failure{Kind::failed, call + " traps: " + to_string(*done.trap)};
  const Json& expected = command["expected"];
  if (expected.size() != done.values.size()) return Failure{Kind::failed, call + " has another number of results"};
  for (size_t i = 0; i < done.values.size(); ++i) {
    if (!matches(expected[i], done.values[i], done.types[i])) {
      return Failure{Kind::failed,
                     call + " is " + to_text(done.values[i], done.types[i]) + ", should be " + json_text(expected[i])};
    }
  }
  return {};
}

Script::Outcome Script::assert_trap(const Json& command) {
  const Done done = perform(command["action"]);
  if (done.problem) return done.problem;
  const std::string expected = command["text"];
  if (!done.trap) return Failure{Kind::failed, "returns, should trap: " + expected};
  if (text_matches(expected, to_string(*done.trap))) return {};
  return Failure{Kind::failed, std::string("traps: ") + to_string(*done.trap) + ", should be: " + expected};
}

Script::Outcome Script::assert_rejected(const Json& command, ErrorKind kind) {
  const std::string expected = command["text"];
  const auto binary = binary_of(command);
  const Result<void> checked = binary ? check(*binary) : Result<void>(binary.error());
  if (!checked && checked.error().kind == kind && text_matches(expected, checked.error().message)) return {};
  if (checked) return Failure{Kind::failed, "accepted, should be: " + expected};
  if (checked.error().kind == ErrorKind::unsupported) return Failure{Kind::unsupported, checked.error().message};
  return Failure{Kind::failed, checked.error().to_string() + ", should be: " + expected};
}

Script::Outcome Script::assert_unlinkable(const Json& command) {
  const auto artifact = compile_module(command);
  if (!artifact) return failure_of(artifact.error());
  const auto linked = runtime::Instance::link(*store_, **artifact, linker_);
  const std::string expected = command["text"];
  if (linked) return Failure{Kind::failed, "links, should be: " + expected};
  if (linked.error().kind == ErrorKind::unlinkable && text_matches(expected, linked.error().message)) return {};
  Failure failure = failure_of(linked.error());
  failure.text += ", should be: " + expected;
  return failure;
}

Script::Outcome Script::assert_uninstantiable(const Json& command) {
  const auto artifact = compile_module(command);
  if (!artifact) return failure_of(artifact.error());
  const auto linked = runtime::Instance::link(*store_, **artifact, linker_);
  if (!linked) return failure_of(linked.error());
  const std::string expected = command["text"];
  const auto initialized = (*linked)->initialize();
  if (initialized) return Failure{Kind::failed, "starts, should trap: " + expected};
  if (text_matches(expected, to_string(initialized.error()))) return {};
  return Failure{Kind::failed, std::string("traps: ") + to_string(initialized.error()) + ", should be: " + expected};
}

}  // namespace wherry::spec
