# SPDX-License-Identifier: MIT
# The flags of the project's own code. What users of ward must compile with is not here but in the
# libraries' INTERFACE and in ward.pc.

set(ward_warnings
    -Wall -Wextra -Wconversion -Wshadow -Wundef -Wcast-align -Wcast-qual
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror=incompatible-pointer-types)

# For everything: the library, tests, benchmarks, examples.
function(ward_flags target)
    set_target_properties(${target} PROPERTIES
        C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_compile_options(${target} PRIVATE
        $<$<COMPILE_LANGUAGE:C>:${ward_warnings}>
        $<$<BOOL:${WARD_WERROR}>:-Werror>)
    if(WARD_SANITIZE)
        set(sanitize -fsanitize=${WARD_SANITIZE} -fno-sanitize-recover=all)
        target_compile_options(${target} PRIVATE ${sanitize} -fno-omit-frame-pointer)
        target_link_options(${target} PRIVATE ${sanitize})
    endif()
endfunction()

# For what sees the internals: src/ by room ("alloc/slab.h"), this machine's arch/ by file ("key.h").
function(ward_internals target)
    target_include_directories(${target} PRIVATE
        ${PROJECT_SOURCE_DIR}/include
        ${PROJECT_SOURCE_DIR}/src
        ${PROJECT_SOURCE_DIR}/src/arch/${ward_arch})
endfunction()

# For the library alone.
function(ward_library_flags target)
    ward_internals(${target})
    if(WARD_FREESTANDING)
        # Only the compiler's own headers: a kernel has no others. (The define keeps the <limits.h> of
        # a hosted gcc from going on to the one of libc.)
        execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
            OUTPUT_VARIABLE compiler_headers OUTPUT_STRIP_TRAILING_WHITESPACE
            COMMAND_ERROR_IS_FATAL ANY)
        target_compile_options(${target} PRIVATE
            -ffreestanding -fno-stack-protector -nostdinc -isystem ${compiler_headers})
    else()
        # Nothing interposes our own functions: calls inside the library are direct.
        target_compile_options(${target} PRIVATE
            -fstack-protector-strong -fno-semantic-interposition)
    endif()
endfunction()
