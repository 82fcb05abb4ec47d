// SPDX-License-Identifier: Apache-2.0
// Lua includes it and, with our LUAI_THROW and LUAI_TRY, uses nothing of it.
#pragma once
