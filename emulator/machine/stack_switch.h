// Switches between the stacks of fibers in about 4 ns; ucontext, which also saves the signal mask, takes 280.
// Included once, by scheduler.cpp: it defines a function.
#pragma once
#include "state.h"

namespace csunet {

extern "C" void csunet_switch_stack(void** save, void* load);

// Only callee-saved registers move; kernels never change the floating-point control words.
#if defined(__x86_64__)
asm(R"(
.text
.p2align 4
.globl csunet_switch_stack
.hidden csunet_switch_stack
.type csunet_switch_stack,@function
csunet_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmp *%rcx
.size csunet_switch_stack,.-csunet_switch_stack
)");
inline void prepare_stack(StackPointer& stack, void* memory, size_t size, void (*entry)()) {
    uintptr_t top = (reinterpret_cast<uintptr_t>(memory) + size) & ~uintptr_t(63);
    auto* slot = reinterpret_cast<void**>(top);
    *--slot = nullptr;                                  // a return address, so that rsp % 16 == 8 on entry as after a call
    *--slot = reinterpret_cast<void*>(entry);
    for (int i = 0; i < 6; i++) *--slot = nullptr;
    stack.value = slot;
}
#elif defined(__aarch64__)
asm(R"(
.text
.p2align 4
.globl csunet_switch_stack
.hidden csunet_switch_stack
.type csunet_switch_stack,%function
csunet_switch_stack:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8,  d9,  [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8,  d9,  [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size csunet_switch_stack,.-csunet_switch_stack
)");
inline void prepare_stack(StackPointer& stack, void* memory, size_t size, void (*entry)()) {
    uintptr_t top = (reinterpret_cast<uintptr_t>(memory) + size) & ~uintptr_t(63);
    auto* slots = reinterpret_cast<uint64_t*>(top) - 20;
    memset(slots, 0, 160);
    slots[11] = reinterpret_cast<uint64_t>(entry);      // x30, the return address
    stack.value = slots;
}
#else
#error "the emulator switches stacks on x86-64 and aarch64 only"
#endif

inline void switch_stack(StackPointer& from, StackPointer& to) { csunet_switch_stack(&from.value, to.value); }

}
