// SPDX-License-Identifier: Apache-2.0
#include "sandbox/systemd/scope.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "sandbox/systemd/dbus_message.h"
#include "sandbox/test_container.h"

namespace wherry::sandbox {
namespace {

// Says what systemd would say, as raw bytes, and keeps what it heard.
class FakeSystemd {
 public:
  // `answers`: for each method call in turn, the messages to send; "%" in them
  // stands for the call's serial number.
  explicit FakeSystemd(std::vector<std::string> answers, std::string auth = "OK 0123\r\n")
      : path_(directory_.path() + "/private"), answers_(std::move(answers)), auth_(std::move(auth)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path_.c_str());
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
    CHECK(::listen(listener_.get(), 1) == 0, "listen");
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeSystemd() { join(); }

  const std::string& path() const { return path_; }
  // What was heard after the authentication.
  const std::string& heard() {
    join();
    return heard_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void serve() {
    const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
    std::string in;
    const auto more = [&] {
      char buffer[4096];
      const ssize_t n = ::read(peer.get(), buffer, sizeof buffer);
      if (n > 0) in.append(buffer, static_cast<size_t>(n));
      return n > 0;
    };
    const auto say = [&](const std::string& text) { (void)!::write(peer.get(), text.data(), text.size()); };
    while (in.find("\r\n") == std::string::npos && more()) {
    }
    say(auth_);
    while (in.find("BEGIN\r\n") == std::string::npos) {
      if (!more()) return;
    }
    in.erase(0, in.find("BEGIN\r\n") + 7);
    for (const std::string& answer : answers_) {
      size_t size = dbus::kFixedHeader;
      while (in.size() < size || in.size() < (size = *dbus::message_size(in))) {
        if (!more()) return;
      }
      heard_ += in.substr(0, size);
      in.erase(0, size);
      say(answer);
    }
  }

  const TemporaryDirectory directory_;
  const std::string path_;
  const std::vector<std::string> answers_;
  const std::string auth_;
  UniqueFd listener_;
  std::string heard_;
  std::thread thread_;
};

void put_field(dbus::Writer& out, uint8_t field, std::string_view type, std::string_view value) {
  out.align(8);
  out.byte(field);
  out.signature(type);
  out.string(value);
}

std::string message(dbus::Type type, uint32_t reply_to, std::string_view name, const std::string& body) {
  dbus::Writer out;
  out.byte('l');
  out.byte(static_cast<uint8_t>(type));
  out.byte(1);
  out.byte(1);
  out.uint32(static_cast<uint32_t>(body.size()));
  out.uint32(99);
  const auto fields = out.begin_array(8);
  if (!name.empty()) put_field(out, type == dbus::Type::error ? 4 : 3, "s", name);
  if (reply_to != 0) {
    out.align(8);
    out.byte(5);
    out.signature("u");
    out.uint32(reply_to);
  }
  out.end_array(fields);
  out.align(8);
  return out.bytes() + body;
}

std::string text_body(std::string_view text) {
  dbus::Writer out;
  out.string(text);
  return out.bytes();
}

std::string job_removed(std::string_view job, std::string_view result) {
  dbus::Writer out;
  out.uint32(5);
  out.string(job);
  out.string("x.scope");
  out.string(result);
  return message(dbus::Type::signal, 0, "JobRemoved", out.bytes());
}

std::string returns(uint32_t serial, const std::string& body = "") { return message(dbus::Type::method_return, serial, "", body); }
std::string fails(uint32_t serial, std::string_view name) { return message(dbus::Type::error, serial, name, text_body("no")); }

const ScopeUnit kUnit{"kubepods-pod1.slice", "cri-containerd-x.scope"};

TEST(Scope, is_started_when_its_job_is_done) {
  // The signal may come before the reply, and others' jobs end too.
  FakeSystemd systemd({job_removed("/j/4", "failed") + job_removed("/j/5", "done") + returns(1, text_body("/j/5"))});
  const auto started = start_scope(systemd.path(), kUnit, 1234);
  EXPECT_TRUE(started) << started.error().message;
  const auto heard = dbus::parse(systemd.heard());
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->member, "StartTransientUnit");
  EXPECT_EQ(heard->signature, "ssa(sv)a(sa(sv))");
  EXPECT_NE(heard->body.find("cri-containerd-x.scope"), std::string::npos);
  EXPECT_NE(heard->body.find("kubepods-pod1.slice"), std::string::npos);
}

TEST(Scope, that_is_in_the_way_as_failed_is_reset_and_started_anew) {
  FakeSystemd systemd({fails(1, "org.freedesktop.systemd1.UnitExists"), returns(2),
                       returns(3, text_body("/j/1")) + job_removed("/j/1", "done")});
  EXPECT_TRUE(start_scope(systemd.path(), kUnit, 1));
}

TEST(Scope, that_can_not_be_started_is_one_line) {
  FakeSystemd refuses({fails(1, "org.freedesktop.DBus.Error.AccessDenied")});
  EXPECT_EQ(start_scope(refuses.path(), kUnit, 1).error().message,
            "systemd: StartTransientUnit: org.freedesktop.DBus.Error.AccessDenied: no");
  FakeSystemd fails_job({returns(1, text_body("/j/1")) + job_removed("/j/1", "failed")});
  EXPECT_EQ(start_scope(fails_job.path(), kUnit, 1).error().message, "systemd: StartTransientUnit: the job ended with `failed`");
  FakeSystemd closes({""});
  EXPECT_EQ(start_scope(closes.path(), kUnit, 1).error().message, "systemd: closed the connection");
  FakeSystemd rejects({}, "REJECTED EXTERNAL\r\n");
  EXPECT_EQ(start_scope(rejects.path(), kUnit, 1).error().message, "systemd: refused to talk to us: REJECTED EXTERNAL");
  FakeSystemd babbles({std::string(64, 'x')});
  EXPECT_EQ(start_scope(babbles.path(), kUnit, 1).error().message, "D-Bus: a message that is not in little endian");
  const TemporaryDirectory nothing;
  EXPECT_EQ(start_scope(nothing.path() + "/private", kUnit, 1).error().message,
            "systemd: no answer at " + nothing.path() + "/private: No such file or directory");
}

// {name, number} pairs, as a test can see them in a body.
bool has_number(const std::string& body, const std::string& name, uint64_t value) {
  const size_t at = body.find(name + '\0');
  if (at == std::string::npos) return false;
  size_t number = at + name.size() + 1 + 3;  // signature "t"
  number = (number + 7) / 8 * 8;
  uint64_t found = 0;
  for (size_t i = 0; i < 8; i++) found |= static_cast<uint64_t>(static_cast<uint8_t>(body[number + i])) << (8 * i);
  return found == value;
}

TEST(Scope, gets_the_limits_that_systemd_knows) {
  Resources resources;
  resources.memory.limit = 64 << 20;
  resources.memory.swap = 96 << 20;
  resources.cpu.shares = 1024;
  resources.cpu.quota = 12345;
  resources.cpu.period = 50000;
  resources.pids_limit = -1;
  FakeSystemd v2({returns(1)});
  ASSERT_TRUE(set_scope(v2.path(), kUnit, resources, true));
  std::string body = dbus::parse(v2.heard())->body;
  EXPECT_TRUE(has_number(body, "MemoryMax", 64 << 20));
  EXPECT_TRUE(has_number(body, "MemorySwapMax", 32 << 20));
  EXPECT_TRUE(has_number(body, "CPUWeight", 100));
  EXPECT_TRUE(has_number(body, "CPUQuotaPeriodUSec", 50000));
  EXPECT_TRUE(has_number(body, "CPUQuotaPerSecUSec", 250000));
  EXPECT_TRUE(has_number(body, "TasksMax", UINT64_MAX));
  FakeSystemd v1({returns(1)});
  ASSERT_TRUE(set_scope(v1.path(), kUnit, resources, false));
  body = dbus::parse(v1.heard())->body;
  EXPECT_TRUE(has_number(body, "MemoryLimit", 64 << 20));
  EXPECT_TRUE(has_number(body, "CPUShares", 1024));
  EXPECT_EQ(body.find("MemorySwapMax"), std::string::npos);
}

TEST(Scope, without_limits_is_not_asked_for) {
  const TemporaryDirectory nothing;
  EXPECT_TRUE(set_scope(nothing.path() + "/private", kUnit, Resources(), true));
}

TEST(Placeholder, lives_as_long_as_the_object) {
  auto placeholder = Placeholder::create();
  ASSERT_TRUE(placeholder);
  const int pid = (*placeholder)->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  *placeholder = nullptr;
  EXPECT_EQ(::kill(pid, 0), -1);
}

}  // namespace
}  // namespace wherry::sandbox
