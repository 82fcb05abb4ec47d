# SPDX-License-Identifier: Apache-2.0
# The three kinds of target there are: a folder's library, its tests, a program.

find_package(GTest REQUIRED)
find_package(Threads REQUIRED)

add_library(wherry_flags INTERFACE)
target_compile_options(wherry_flags INTERFACE
  -Wall -Wextra -Wpedantic -fno-strict-aliasing
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -Wno-pedantic -Woverloaded-virtual>
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  # Nothing is thrown, and debuggers find their tables in the debugging information.
  $<$<NOT:$<CONFIG:Debug>>:-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables>)
target_link_options(wherry_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-Wl,--gc-sections>)
target_include_directories(wherry_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/src)
if(WHERRY_SANITIZE)
  target_compile_options(wherry_flags INTERFACE -fsanitize=${WHERRY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(wherry_flags INTERFACE -fsanitize=${WHERRY_SANITIZE})
endif()

# The library of the current folder: every .cc of it that is not a test, and a
# test program NAME_test of every *_test.cc. DEPS are other folders; LIBS are
# third-party libraries, visible to this folder only. SMALL: code that runs once,
# for size: what a container costs lies in system calls.
function(wherry_library name)
  cmake_parse_arguments(arg "SMALL" "" "DEPS;LIBS;EXCLUDE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc *.S)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  list(REMOVE_ITEM sources ${tests} ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
  foreach(file ${arg_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_library(wherry_${name} STATIC ${sources})
  list(TRANSFORM arg_DEPS PREPEND wherry_)
  target_link_libraries(wherry_${name} PUBLIC wherry_flags ${arg_DEPS} PRIVATE ${arg_LIBS})
  if(arg_SMALL)
    target_compile_options(wherry_${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-Os>)
  endif()
  if(tests AND BUILD_TESTING)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE wherry_${name} ${arg_LIBS} GTest::gtest_main Threads::Threads)
    set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name}_test)
  endif()
endfunction()

# A program in build/bin, linked statically unless DYNAMIC is given.
function(wherry_program name)
  cmake_parse_arguments(arg "DYNAMIC" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  list(TRANSFORM arg_DEPS PREPEND wherry_)
  target_link_libraries(${name} PRIVATE wherry_flags ${arg_DEPS} ${arg_LIBS} Threads::Threads)
  if(WHERRY_STATIC AND NOT arg_DYNAMIC AND NOT WHERRY_SANITIZE)
    target_link_options(${name} PRIVATE -static)
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()
