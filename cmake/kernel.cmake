# SPDX-License-Identifier: MIT
# For what runs in a kernel: general registers only, the access window, and the machine's code model.

set(ward_kernel_options
    -DWARD_ACCESS_WINDOW=1 -fno-pic -fno-asynchronous-unwind-tables -fno-stack-protector
    -fno-tree-loop-distribute-patterns)
set(ward_user_options -mgeneral-regs-only)
if(ward_arch STREQUAL riscv64)
    set(ward_user_options -march=rv64imac_zicsr_zifencei -mabi=lp64)
    list(APPEND ward_kernel_options -mcmodel=medany)
elseif(ward_arch STREQUAL x86_64)
    list(APPEND ward_user_options -mno-red-zone) # for user/attacks.c, which pushes
    list(APPEND ward_kernel_options -mcmodel=kernel)
else()
    list(APPEND ward_user_options -mno-outline-atomics) # which are the compiler's library's
endif()
list(APPEND ward_kernel_options ${ward_user_options})

function(ward_kernel_flags target)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE ${ward_kernel_options})
endfunction()
