// Turns a memory fault, a stack overflow or the watchdog in a kernel into a report and an error code. The handler does not
// return to the kernel: the thread continues in `landing`, on its own stack, which leaves the block like any other failure.
#include "state.h"
#include "device_memory.h"
#include "settings.h"
#include "../check/findings.h"
#include "../check/source_lines.h"
#include <csignal>
#include <cstdlib>
#include <sys/mman.h>
#include <ucontext.h>

namespace csunet {

static struct sigaction previous_segv, previous_bus;
static constexpr size_t EmergencyStack = 64 << 10;

static void landing() {
    Worker* worker = current_worker;
    announce_stack(worker->emergency, EmergencyStack);
    std::string line = line_of(worker->fault_pc);
    // In a stub between a call and its target, the return address is on top of the stack.
    if (line == "?" && worker->fault_signal == SIGXCPU) line = line_of(*reinterpret_cast<uintptr_t*>(worker->fault_sp));
    if (worker->fault_signal == SIGXCPU) fail_expired(line);
    uintptr_t address = worker->fault_address;
    auto stack = reinterpret_cast<uintptr_t>(current_fiber()->stack);
    if (address >= stack - StackGuard && address < stack) fail_fault("stack_overflow", line, "stack overflow");
    // The CPU gives no address for a misaligned vector move or for an address outside the 48 bits it has.
    if (!address && worker->fault_signal == SIGSEGV) fail_fault("fault", line, "invalid or misaligned address");
    Buffer* buffer = find_buffer(address);
    fail_fault(buffer && !buffer->live ? "use_after_free" : "outside", line, describe_address(address));
}

static void on_signal(int signal, siginfo_t* info, void* context) {
    auto* state = static_cast<ucontext_t*>(context);
    Worker* worker = current_worker;
    bool in_kernel = worker && current_thread;
#if defined(__x86_64__)
    auto pc = static_cast<uintptr_t>(state->uc_mcontext.gregs[REG_RIP]), sp = static_cast<uintptr_t>(state->uc_mcontext.gregs[REG_RSP]);
#else
    auto pc = static_cast<uintptr_t>(state->uc_mcontext.pc), sp = static_cast<uintptr_t>(state->uc_mcontext.sp);
#endif
    if (signal == SIGXCPU) {
        // Only a kernel may be interrupted anywhere; the machine's own code checks `expired` at its next switch.
        if (!in_kernel || !is_kernel_code(pc)) return;
    } else if (!in_kernel) {
        // Not a kernel's fault: pass it on. The .NET runtime turns some of its own faults into exceptions.
        struct sigaction& previous = signal == SIGBUS ? previous_bus : previous_segv;
        if (previous.sa_flags & SA_SIGINFO) previous.sa_sigaction(signal, info, context);
        else {
            sigaction(signal, &previous, nullptr);
            raise(signal);
        }
        return;
    }
    worker->fault_signal = signal;
    worker->fault_sp = sp;
    worker->fault_pc = pc + 1;                          // line_of expects a return address
    worker->fault_address = signal == SIGXCPU ? 0 : reinterpret_cast<uintptr_t>(info->si_addr);
    uintptr_t stack = (reinterpret_cast<uintptr_t>(worker->emergency) + EmergencyStack) & ~uintptr_t(63);
#if defined(__x86_64__)
    state->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&landing);
    state->uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(stack - 8);
    state->uc_mcontext.gregs[REG_EFL] &= ~0x400;        // the direction flag
#else
    state->uc_mcontext.pc = reinterpret_cast<uintptr_t>(&landing);
    state->uc_mcontext.sp = stack;
#endif
}

// Called by every worker thread: handlers are per process, the alternate stack is per thread.
void install_fault_handlers() {
    static std::once_flag once;
    std::call_once(once, [] {
        explain_reports();
        struct sigaction action{};
        action.sa_sigaction = on_signal;
        // SA_RESTART: the watchdog's signals continue while a report waits for addr2line.
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
        sigaction(SIGSEGV, &action, &previous_segv);
        sigaction(SIGBUS, &action, &previous_bus);
        sigaction(SIGXCPU, &action, nullptr);
    });
    stack_t stack{};
    stack.ss_size = EmergencyStack;
    stack.ss_sp = malloc(stack.ss_size);
    sigaltstack(&stack, nullptr);
}

}
