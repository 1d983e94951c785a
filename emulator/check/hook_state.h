// The access hook: kernels compiled with -fsanitize=thread call __tsan_read4(p) and similar functions at every access. The emulator
// implements them in place of libtsan. Each access feeds the race check (race_check.cpp) and the profile (profile.cpp).
#pragma once
#include "../machine/state.h"
#include "race_check.h"
#include <unordered_map>

namespace csunet {

// Counts of one source of accesses (a site): an instruction, separately for global and shared memory.
struct SiteCount {
    uint64_t requests = 0, bytes = 0, actual = 0, ideal = 0;   // actual, ideal: sectors of global memory, wavefronts of shared memory
    int size = 0;
    bool write = false;
};

// A request: the k-th execution of a site by the lanes of one warp. It is counted when all lanes have arrived, or when the block ends.
struct OpenRequest { uint32_t lanes; uint32_t address[32]; };
struct WarpRequests {
    std::vector<OpenRequest> open;
    uint32_t first = 0;                                 // number of open[head]
    uint32_t head = 0;
};
struct SiteWork {
    SiteCount count;
    bool touched = false, shared = false;
    std::vector<uint32_t> executions;                   // per thread of the block
    WarpRequests warps[MaxWarps];
};

struct HookState {
    struct CacheEntry { uintptr_t key = 0; uint32_t site = 0; };
    CacheEntry cache[4096];                             // key -> site, direct-mapped
    std::vector<std::unique_ptr<SiteWork>> work;        // by 2 * site + shared
    std::vector<SiteWork*> touched;                     // in this block
    std::vector<SiteWork*> used;                        // in this launch
    std::unordered_map<uint64_t, uint64_t> matrix;      // file pointer and line -> instructions
    std::unordered_map<uint64_t, const char*> matrix_files;
    Cell* shared_cells = nullptr;
    uintptr_t image_start = 0, image_end = 0;           // the module image accessed last
    uint64_t last_finding = 0;                          // a race often repeats immediately: skip the set
};

uint32_t site_of(uintptr_t caller, int tag);            // a dense number for an instruction; tag distinguishes its two accesses
uintptr_t site_address(uint32_t site);

void hook_access(const void* p, int bytes, AccessKind kind, uintptr_t caller);
bool owns_shared(const Worker* worker, const void* p, int bytes);
void count_matrix_instruction(const CallSite& site);

// profile.cpp
void profile_access(Worker* worker, uint32_t site, bool shared, uintptr_t address, int bytes, bool write);
void profile_finish_block(Worker* worker);
void profile_finish_launch(Worker* worker);
void profile_end_launch(const Launch& launch);
bool profile_repeat(const Launch& launch);             // reuses the counts of the launch with the same signature; false if there is none
std::string profile_csv();
std::string profile_json();
std::string launches_csv();
void clear_profile();

// Called by the pool for a hooked launch: before and after it, and on each worker.
void begin_hooked_launch(Launch& launch);
std::string kernel_of_run(uint32_t run);                // Touch::run -> the kernel's name
void prepare_hook(Worker* worker);
void finish_block(Worker* worker);
void finish_launch(Worker* worker);
void end_hooked_launch(Launch& launch);

}
