# SPDX-License-Identifier: MIT
# What `cmake --install` gives: headers, libraries, a CMake package, ward.pc, the documents.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ward)

install(DIRECTORY include/ward DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS ${ward_libraries} EXPORT wardTargets)
if(TARGET ward_malloc) # preloaded, or linked by name: no part of the CMake package
    install(TARGETS ward_malloc LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(EXPORT wardTargets NAMESPACE ward:: DESTINATION ${package_dir})

configure_package_config_file(cmake/wardConfig.cmake.in wardConfig.cmake
    INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(wardConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/wardConfig.cmake
    ${PROJECT_BINARY_DIR}/wardConfigVersion.cmake
    DESTINATION ${package_dir})

# ward.pc finds its prefix from where it stands, so that an installed tree can be moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
    BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE pc_to_prefix)
configure_file(cmake/ward.pc.in ward.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ward.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES LICENSE README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET ward_cli)
    install(TARGETS ward_cli)
    install(FILES docs/man/ward.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
