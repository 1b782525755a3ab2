# SPDX-License-Identifier: MIT
#
# cmocka for another processor: compiled from its source, as there is no package that a cross compiler
# could use (docs/decisions, 030).
set(cmocka ${PROJECT_SOURCE_DIR}/build/cmocka-source)
if(NOT EXISTS ${cmocka}/cmocka/src/cmocka.c)
    execute_process(COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cross/fetch-cmocka ${cmocka}
        COMMAND_ERROR_IS_FATAL ANY)
endif()
add_library(cmocka STATIC ${cmocka}/cmocka/src/cmocka.c)
target_include_directories(cmocka SYSTEM PUBLIC ${cmocka}/cmocka/include)
target_compile_definitions(cmocka PRIVATE _GNU_SOURCE HAVE_CLOCK_REALTIME HAVE_GCC_THREAD_LOCAL_STORAGE
    HAVE_INTTYPES_H HAVE_MALLOC_H HAVE_SIGLONGJMP HAVE_SIGNAL_H HAVE_SNPRINTF HAVE_STRINGS_H HAVE_STRSIGNAL
    HAVE_STRUCT_TIMESPEC HAVE_VSNPRINTF)
