# SPDX-License-Identifier: MIT
# libward-malloc: the shared library, to be preloaded or linked with, and the static one. Both are made
# of the same objects, which bring what they need of libward with them.

file(GLOB malloc_sources CONFIGURE_DEPENDS malloc/*.c)
set(malloc_operators ${PROJECT_SOURCE_DIR}/malloc/operators.c)
list(REMOVE_ITEM malloc_sources ${malloc_operators})
set_source_files_properties(malloc/options.c PROPERTIES
    COMPILE_DEFINITIONS WARD_MALLOC_OPTIONS="${WARD_MALLOC_OPTIONS}")

function(ward_malloc_flags target)
    set_target_properties(${target} PROPERTIES
        POSITION_INDEPENDENT_CODE ON
        C_VISIBILITY_PRESET hidden)
    ward_flags(${target})
    ward_library_flags(${target})
    ward_internals(${target})
    # The product of a canary else costs two registers that are saved and never used.
    target_compile_options(${target} PRIVATE -fno-builtin-malloc -fno-builtin-calloc
        $<$<C_COMPILER_ID:GNU>:-fno-split-wide-types>)
endfunction()

add_library(ward_malloc_objects OBJECT ${malloc_sources})
add_library(ward_malloc_operators OBJECT ${malloc_operators})
ward_malloc_flags(ward_malloc_objects)
ward_malloc_flags(ward_malloc_operators)
target_compile_options(ward_malloc_operators PRIVATE -fexceptions) # a new-handler may throw

# A sanitizer brings a malloc of its own: the tests give this one other names.
if(WARD_SANITIZE)
    return()
endif()

set(map ${PROJECT_SOURCE_DIR}/malloc/malloc.map)
add_library(ward_malloc SHARED
    $<TARGET_OBJECTS:ward_malloc_objects> $<TARGET_OBJECTS:ward_malloc_operators>)
set_target_properties(ward_malloc PROPERTIES LINK_DEPENDS ${map})
target_link_libraries(ward_malloc PRIVATE $<BUILD_INTERFACE:ward_static>)
target_link_options(ward_malloc PRIVATE
    LINKER:--version-script=${map} LINKER:-Bsymbolic-functions LINKER:--exclude-libs,ALL
    LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack LINKER:-z,nodelete LINKER:-z,defs)

# The static library has two members, so that a program gets all of the malloc or nothing, and the
# operators if it asks for one.
set(member ${PROJECT_BINARY_DIR}/ward-malloc.o)
add_custom_command(OUTPUT ${member}
    COMMAND ${PROJECT_SOURCE_DIR}/cmake/one_member ${CMAKE_LINKER} ${CMAKE_OBJCOPY} ${CMAKE_NM}
        ${member} $<TARGET_FILE:ward_static> $<TARGET_OBJECTS:ward_malloc_operators>
        $<TARGET_OBJECTS:ward_malloc_objects>
    DEPENDS ${PROJECT_SOURCE_DIR}/cmake/one_member ward_static
        $<TARGET_OBJECTS:ward_malloc_operators> $<TARGET_OBJECTS:ward_malloc_objects>
    COMMAND_EXPAND_LISTS VERBATIM)
add_library(ward_malloc_static STATIC ${member} $<TARGET_OBJECTS:ward_malloc_operators>)
# What `new` throws with; a static program else has it only if it uses more of its library.
target_link_options(ward_malloc_static INTERFACE
    $<$<LINK_LANGUAGE:CXX>:LINKER:-u,_ZSt17__throw_bad_allocv>)

foreach(library IN ITEMS ward_malloc ward_malloc_static)
    string(REPLACE ward_ "" kind ${library})
    set_target_properties(${library} PROPERTIES
        OUTPUT_NAME ward-malloc
        EXPORT_NAME ${kind}
        LINKER_LANGUAGE C)
    if(ward_arch STREQUAL "riscv64") # no atomics below 32 bits in its instructions
        target_link_libraries(${library} PRIVATE atomic)
    endif()
    add_library(ward::${kind} ALIAS ${library})
endforeach()
