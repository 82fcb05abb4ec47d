// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

TEST(LlvmContract, needs_llvm) { GTEST_SKIP() << "no LLVM 19 for x86-64: apt-get install llvm-19-dev"; }
