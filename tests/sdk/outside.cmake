# A plugin author with nothing but the installed SDK: install it, copy the template, build it with
# CMake and once more with pkg-config, and look at what it exports.
#
#     cmake -DBUILD=... -DWORK=... -DCC=... -DPLUGIN_DIR=... -P outside.cmake

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(status)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${text}")
  endif()
  set(text "${text}" PARENT_SCOPE)
endfunction()

function(check_exports object)
  run(nm -D --defined-only ${object})
  string(REGEX MATCHALL "[^\n]+" lines "${text}")
  list(LENGTH lines count)
  if(NOT count EQUAL 1 OR NOT text MATCHES " [DRB] l7_plugin\n$")
    message(FATAL_ERROR "${object} must export l7_plugin and nothing else, but has\n${text}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${WORK}/usr)
file(GLOB_RECURSE template ${WORK}/usr/*/parrot.c)
get_filename_component(template ${template} DIRECTORY)
file(COPY ${template}/ DESTINATION ${WORK}/parrot)

run(${CMAKE_COMMAND} -S ${WORK}/parrot -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/usr
    -DCMAKE_C_COMPILER=${CC} "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror")
run(${CMAKE_COMMAND} --build ${WORK}/build)
check_exports(${WORK}/build/plugins/parrot.so)
set(ENV{DESTDIR} ${WORK}/stage)
run(${CMAKE_COMMAND} --install ${WORK}/build)
if(NOT EXISTS ${WORK}/stage${PLUGIN_DIR}/parrot.so)
  message(FATAL_ERROR "parrot.so was not installed into ${PLUGIN_DIR}")
endif()

# A major version of the SDK that is not there is not found.
file(READ ${WORK}/parrot/CMakeLists.txt list)
string(REPLACE "l7guard-sdk 1.0" "l7guard-sdk 2.0" list "${list}")
file(WRITE ${WORK}/later/CMakeLists.txt "${list}")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${WORK}/later -B ${WORK}/later/build
  -DCMAKE_PREFIX_PATH=${WORK}/usr -DCMAKE_C_COMPILER=${CC}
  RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE text)
if(NOT status OR NOT text MATCHES "compatible with requested version")
  message(FATAL_ERROR "an SDK 2.0 was found where there is none\n${text}")
endif()

find_program(PKG_CONFIG pkg-config)
if(PKG_CONFIG)
  file(GLOB_RECURSE pc ${WORK}/usr/*/l7guard-sdk.pc)
  get_filename_component(folder ${pc} DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} ${folder})
  run(${PKG_CONFIG} --define-variable=prefix=${WORK}/usr --cflags l7guard-sdk)
  separate_arguments(flags UNIX_COMMAND "${text}")
  run(${CC} -std=c11 -shared -fPIC -fvisibility=hidden -Wl,-z,defs ${flags}
      ${WORK}/parrot/parrot.c -o ${WORK}/parrot.so)
  check_exports(${WORK}/parrot.so)
  run(${PKG_CONFIG} --variable=plugindir l7guard-sdk)
  string(STRIP "${text}" text)
  if(NOT text STREQUAL PLUGIN_DIR)
    message(FATAL_ERROR "pkg-config says plugins go to \"${text}\"")
  endif()
endif()
