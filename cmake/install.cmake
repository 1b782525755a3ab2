# SPDX-License-Identifier: MIT
# What `cmake --install` gives: headers, libraries, a CMake package, ward.pc, the documents.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ward)

install(DIRECTORY include/ward DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS ${ward_libraries} EXPORT wardTargets)
if(TARGET ward_malloc)
    install(TARGETS ward_malloc ward_malloc_static EXPORT wardTargets)
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
if(TARGET ward_malloc)
    configure_file(cmake/ward-malloc.pc.in ward-malloc.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/ward-malloc.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

install(FILES LICENSE README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md"
    PATTERN man EXCLUDE)
if(TARGET ward_cli)
    install(TARGETS ward_cli)
    install(FILES docs/man/ward.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES cli/completion.bash RENAME ward
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()
