# SPDX-License-Identifier: Apache-2.0
# cmake -DOUT=FILE -DSOURCES=LIST -DCOMPILER=TEXT -P build_id.cmake: writes the
# header with the hash of the sources, if it changed.
cmake_minimum_required(VERSION 3.25)
set(all "${COMPILER}")
foreach(source ${SOURCES})
  file(SHA256 ${source} hash)
  get_filename_component(name ${source} NAME)
  string(APPEND all "\n${name} ${hash}")
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING "${id}" 0 16 id)
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define WHERRY_BUILD_ID \"@id@\"\n" @ONLY)
