# SPDX-License-Identifier: Apache-2.0
"""Larger programs for the kernel suite, whose sources come as Rust crates: Lua and SQLite."""
import pathlib
import shutil
import subprocess

import peers

HERE = pathlib.Path(__file__).resolve().parent / "programs"
CRATES = {"lua-src": "547.0.0", "libsqlite3-sys": "0.30.1"}
# Lua's errors would need setjmp, which WASI has not: here an error ends the program.
NO_SETJMP = ["-DLUAI_THROW(L,c)=abort()", "-DLUAI_TRY(L,c,a)={a}", "-Dluai_jmpbuf=int"]
LUA_WITHOUT = ("lua.c", "luac.c", "loslib.c", "liolib.c", "linit.c", "loadlib.c")
SQLITE = ["-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-DSQLITE_TEMP_STORE=3"]


def names():
    return sorted(path.stem for path in HERE.glob("*.c"))


def sources(name):
    """(files, flags for both targets, flags for Wasm); fetches the crate where it is missing."""
    if name == "lua":
        lua = _crate("lua-src") / "lua-5.4.7"
        files = [file for file in sorted(lua.glob("*.c")) if file.name not in LUA_WITHOUT]
        wasi = [f"-I{HERE / 'wasi'}", "-D_WASI_EMULATED_SIGNAL", "-lwasi-emulated-signal",
                "-D_WASI_EMULATED_PROCESS_CLOCKS", "-lwasi-emulated-process-clocks"]
        return [HERE / "lua.c", *files], [f"-I{lua}", *NO_SETJMP], wasi
    sqlite = _crate("libsqlite3-sys") / "sqlite3"
    return ([HERE / "sqlite.c", sqlite / "sqlite3.c"], [f"-I{sqlite}", *SQLITE], ["-DSQLITE_OS_OTHER=1", sqlite / "wasm32-wasi-vfs.c"])


def _crate(name):
    vendor = peers.WORK / "crates" / "vendor"
    if not (vendor / name).is_dir():
        if not shutil.which("cargo"):
            raise RuntimeError("cargo is not installed, which would fetch the sources")
        top = peers.WORK / "crates"
        top.mkdir(parents=True, exist_ok=True)
        (top / "lib.rs").write_text("")
        dependencies = "\n".join(f'{crate} = "={version}"' for crate, version in CRATES.items())
        (top / "Cargo.toml").write_text(f'[package]\nname = "sources"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n'
                                        f"[dependencies]\n{dependencies}\n")
        subprocess.run(["cargo", "vendor", "--quiet", vendor], cwd=top, check=True, stdout=subprocess.DEVNULL)
    return vendor / name
