// SPDX-License-Identifier: Apache-2.0
// A real interpreter: Lua runs a script of tables, strings, closures and numbers.
#include <stdio.h>

#include "lauxlib.h"
#include "lua.h"
#include "lualib.h"

static const char kScript[] =
    "local function queens(n)\n"
    "  local rows, up, down, count = {}, {}, {}, 0\n"
    "  local function place(c)\n"
    "    if c > n then count = count + 1 return end\n"
    "    for r = 1, n do\n"
    "      if not rows[r] and not up[r + c] and not down[r - c + n] then\n"
    "        rows[r], up[r + c], down[r - c + n] = true, true, true\n"
    "        place(c + 1)\n"
    "        rows[r], up[r + c], down[r - c + n] = nil, nil, nil\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  place(1)\n"
    "  return count\n"
    "end\n"
    "local function words()\n"
    "  local counts, text = {}, ('the quick brown fox jumps over the lazy dog '):rep(2000)\n"
    "  for word in text:gmatch('%a+') do counts[word] = (counts[word] or 0) + 1 end\n"
    "  local list = {}\n"
    "  for word, n in pairs(counts) do list[#list + 1] = word .. '=' .. n end\n"
    "  table.sort(list)\n"
    "  return table.concat(list, ' ')\n"
    "end\n"
    "local function sums(n)\n"
    "  local total, add = 0.0, function(a, b) return a + b / 3 end\n"
    "  for i = 1, n do total = add(total, i % 7) end\n"
    "  return total\n"
    "end\n"
    "print(queens(9), words(), sums(3000000))\n";

int main(void) {
  lua_State* lua = luaL_newstate();
  if (!lua) return 1;
  // Without os and io, which WASI can not have in full.
  luaL_requiref(lua, "_G", luaopen_base, 1);
  luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 1);
  luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 1);
  luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 1);
  lua_settop(lua, 0);
  if (luaL_dostring(lua, kScript) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(lua, -1));
    return 1;
  }
  lua_close(lua);
  return 0;
}
