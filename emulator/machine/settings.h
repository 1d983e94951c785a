// Settings of the control functions (driver/control.cpp), read at every launch and compilation.
#pragma once
#include <atomic>
#include <cstdint>

namespace csunet {

// Plain: run. Orders: run every launch forward and backward and compare the results. Hook: check and count every memory access.
enum class Mode { Plain, Orders, Hook };

struct Settings {
    std::atomic<Mode> mode{Mode::Plain};
    std::atomic<int> order{0};                          // machine/state.h, Order
    std::atomic<uint64_t> seed{0};
    std::atomic<int> workers{0};                        // 0: one per core
    std::atomic<int> watchdog_ms{60000};
    std::atomic<int> sample{0};                         // blocks of a launch that run, the profile scaled to all; 0: all run
    std::atomic<bool> counts_once{false};               // with sample: an equal launch does not run again, its counts are repeated
    std::atomic<bool> strict{false};                    // a finding fails its launch
    std::atomic<uint64_t> memory_bytes{8ull << 30};
    std::atomic<int> architecture{80};                  // the device reports its limits
    std::atomic<int> multiprocessors{8};
};
Settings& settings();

}
