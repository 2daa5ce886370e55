# l7_plugin(NAME SOURCES...): a shared object NAME.so that exports the descriptor and nothing else.
#
# The target is plugin-NAME; link further libraries to it. The object is put into plugins/ of the
# build directory (or L7_PLUGIN_OUTPUT) and installed into L7_PLUGIN_DIR. Works in l7guard's own
# tree and, through find_package(l7guard-sdk), in any other.
function(l7_plugin name)
  if(NOT name MATCHES "^[A-Za-z0-9][A-Za-z0-9_-]*$")
    message(FATAL_ERROR "l7_plugin: \"${name}\" cannot be a plugin's name")
  endif()
  set(output ${CMAKE_BINARY_DIR}/plugins)
  if(L7_PLUGIN_OUTPUT)
    set(output ${L7_PLUGIN_OUTPUT})
  endif()
  add_library(plugin-${name} MODULE ${ARGN})
  target_link_libraries(plugin-${name} PRIVATE l7guard::sdk)
  if(TARGET l7guard-flags)
    target_link_libraries(plugin-${name} PRIVATE l7guard-flags)
  endif()
  set_target_properties(plugin-${name} PROPERTIES
    PREFIX "" SUFFIX ".so" OUTPUT_NAME ${name} C_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${output})
  # Services come through the host's table: nothing else may be left for the loader to resolve.
  # (A sanitizer's runtime lives in the executable.)
  if(NOT L7_SANITIZE AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
    target_link_options(plugin-${name} PRIVATE -Wl,-z,defs)
  endif()
  if(L7_PLUGIN_DIR AND L7_PLUGIN_SUBDIR)
    install(TARGETS plugin-${name} LIBRARY DESTINATION ${L7_PLUGIN_SUBDIR})
  elseif(L7_PLUGIN_DIR)
    install(TARGETS plugin-${name} LIBRARY DESTINATION ${L7_PLUGIN_DIR})
  endif()
endfunction()
