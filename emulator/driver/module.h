// Modules and their kernels.
#pragma once
#include <string>
#include <vector>
#include "../device/emulated_device.h"

namespace csunet {

struct Module;
struct Kernel {
    std::string name;                                   // for reports: of the EXPORT_KERNEL line
    std::string lowered;                                // the symbol
    void* function = nullptr;
    void (*call)(void* function, void* const* arguments) = nullptr;
    std::vector<int> sizes;
    Module* module = nullptr;
    void* handle = nullptr;
    bool hooked = false;
    unsigned max_threads = 1024;
    unsigned max_dynamic_shared = 48 << 10;
    unsigned static_shared = 0;                         // known after the first launch
    int shared_carveout = -1;
};
struct Module {
    std::string path;
    void* library = nullptr;
    bool alive = true;
    std::vector<Kernel*> kernels;
    std::vector<struct Buffer*> globals;
};

// The largest dynamic plus static shared memory of a block, and of a multiprocessor, on the emulated architecture.
unsigned shared_limit_per_block();
unsigned shared_per_multiprocessor();

}
