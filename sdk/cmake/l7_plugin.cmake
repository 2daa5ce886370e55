# l7_plugin(NAME SOURCES...): a shared object NAME.so that exports the descriptor and nothing else.
function(l7_plugin name)
  add_library(plugin-${name} MODULE ${ARGN})
  target_link_libraries(plugin-${name} PRIVATE l7guard::sdk)
  if(TARGET l7guard-flags)
    target_link_libraries(plugin-${name} PRIVATE l7guard-flags)
  endif()
  set_target_properties(plugin-${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} C_VISIBILITY_PRESET hidden
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
  # Services come through the host's table: nothing else may be left for the loader to resolve.
  # (A sanitizer's runtime lives in the executable.)
  if(NOT L7_SANITIZE)
    target_link_options(plugin-${name} PRIVATE -Wl,-z,defs)
  endif()
  if(L7_PLUGIN_DIR)
    install(TARGETS plugin-${name} LIBRARY DESTINATION ${L7_PLUGIN_DIR})
  endif()
endfunction()
