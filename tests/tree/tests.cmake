# SPDX-License-Identifier: MIT
# What is tested once, not in every build: the tree, the headers and the installed package. The label
# `slow` keeps a test out of the quick ./check.
set(tree ${PROJECT_SOURCE_DIR})
set(both_compilers gcc clang)

ward_test(tree.include_graph ${CMAKE_CURRENT_SOURCE_DIR}/tree/include_graph ${tree})
ward_test(tree.conventions ${CMAKE_CURRENT_SOURCE_DIR}/tree/conventions ${tree})
ward_test(tree.format ${CMAKE_CURRENT_SOURCE_DIR}/tree/format ${tree})
ward_test(tree.tidy ${CMAKE_CURRENT_SOURCE_DIR}/tree/tidy ${tree} ${PROJECT_BINARY_DIR})
ward_test(tree.shellcheck ${CMAKE_CURRENT_SOURCE_DIR}/tree/shellcheck ${tree})
ward_test(tree.man ${CMAKE_CURRENT_SOURCE_DIR}/tree/man ${tree})
ward_test(exports ${CMAKE_CURRENT_SOURCE_DIR}/exports/run
    ${CMAKE_C_COMPILER} ${CMAKE_NM} $<TARGET_FILE:ward_shared> $<TARGET_FILE:ward_static>
    ${tree}/include)
ward_test(fast_path ${CMAKE_CURRENT_SOURCE_DIR}/fast_path/run
    ${tree} $<TARGET_FILE:ward_static> ${both_compilers})
ward_test(fold ${CMAKE_CURRENT_SOURCE_DIR}/fold/run ${tree} ${both_compilers})
ward_test(readme ${CMAKE_CURRENT_SOURCE_DIR}/readme/run
    ${tree} $<TARGET_FILE:ward_static> ${both_compilers})
ward_test(consumer ${CMAKE_CURRENT_SOURCE_DIR}/consumer/run ${PROJECT_BINARY_DIR} ${both_compilers})
set_tests_properties(tree.format tree.tidy tree.shellcheck tree.man consumer PROPERTIES LABELS slow)
set_tests_properties(tree.tidy consumer PROPERTIES TIMEOUT 1200)

file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${tree}/include ${tree}/include/ward/*.h)
foreach(file IN LISTS files)
    string(REGEX REPLACE "^ward/(.*)\\.h$" "\\1" name ${file})
    string(REPLACE / . name ${name})
    ward_test(header.${name} ${CMAKE_CURRENT_SOURCE_DIR}/header/run
        ${tree}/include ${file} ${both_compilers})
endforeach()

file(GLOB files CONFIGURE_DEPENDS compile_fail/*.c)
foreach(file IN LISTS files)
    cmake_path(GET file STEM name)
    ward_test(compile_fail.${name} ${CMAKE_CURRENT_SOURCE_DIR}/compile_fail/run
        ${tree}/include ${file} ${both_compilers})
endforeach()

file(GLOB files CONFIGURE_DEPENDS sparse/*.c)
foreach(file IN LISTS files)
    cmake_path(GET file STEM name)
    ward_test(sparse.${name} ${CMAKE_CURRENT_SOURCE_DIR}/sparse/run ${tree}/include ${file})
endforeach()

if(ward_arch STREQUAL x86_64)
    ward_test(vm ${CMAKE_CURRENT_SOURCE_DIR}/vm/run
        ${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/vm)
    set_tests_properties(vm PROPERTIES LABELS slow TIMEOUT 2700)
endif()

if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/proof/run)
    ward_test(proof ${CMAKE_CURRENT_SOURCE_DIR}/proof/run)
    set_tests_properties(proof PROPERTIES LABELS slow TIMEOUT 1800)
endif()
