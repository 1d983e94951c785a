// Registers the kernels of a compiled file with the machine. The compile step appends one CSUNET_REGISTER per name expression,
// and puts CSUNET_ENTER(launch bounds) before the first statement of every kernel.
#pragma once
#include "machine.h"

namespace csunet {

struct KernelEntry {
    const char* lowered;                    // by which cuModuleGetFunction finds it
    const char* name;                       // of the EXPORT_KERNEL line, for reports
    void* function;
    void (*call)(void* function, void* const* arguments);
    int parameters;
    const int* sizes;                       // bytes of each parameter
};
__attribute__((visibility("default"))) void register_kernel(const KernelEntry& entry);

// Set while the loader asks a kernel for its launch bounds: then CSUNET_ENTER does not return.
extern __thread bool describing __attribute__((tls_model("initial-exec"), visibility("default")));
[[noreturn]] __attribute__((visibility("default"))) void described(unsigned threads);

template <typename... A> struct Signature {
    static constexpr int sizes[sizeof...(A) + 1] = {int(sizeof(A))..., 0};
    // Not instrumented: the argument list belongs to the machine.
    template <size_t... I> static __attribute__((no_sanitize("thread"))) void spread(void (*kernel)(A...), void* const* arguments,
        std::index_sequence<I...>) {
        kernel(*static_cast<std::remove_cvref_t<A>*>(arguments[I])...);
    }
    static void call(void* function, void* const* arguments) {
        spread(reinterpret_cast<void (*)(A...)>(function), arguments, std::index_sequence_for<A...>());
    }
};
template <typename... A> int register_instance(const char* lowered, const char* name, void (*kernel)(A...)) {
    register_kernel({lowered, name, reinterpret_cast<void*>(kernel), Signature<A...>::call, int(sizeof...(A)), Signature<A...>::sizes});
    return 0;
}

}

// The emulator cannot check the second bound (blocks per multiprocessor).
template <typename... Rest> constexpr unsigned csunet_thread_bound(unsigned threads, Rest...) { return threads; }
#define CSUNET_ENTER(...) do { if (csunet::describing) csunet::described(csunet_thread_bound(__VA_ARGS__)); } while (false)
#define CSUNET_REGISTER(index, lowered, name, ...) \
    static const int csunet_registered_##index __attribute__((unused)) = csunet::register_instance(lowered, name, &__VA_ARGS__)
