// The counts of a GPU profiler, on the CPU: exact and repeatable.
//   global: sectors = distinct 32-byte pieces that a request touches; ideal = its distinct bytes / 32
//   shared: wavefronts = passes over the 32 banks of 4 bytes, 8- and 16-byte accesses by half and quarter warps; ideal = one per such part
#include "hook_state.h"
#include "findings.h"
#include "source_lines.h"
#include <algorithm>
#include <map>

namespace csunet {

static void count_global(SiteCount& count, const OpenRequest& request) {
    uint32_t sectors[64], addresses[32];
    int sector_count = 0, address_count = 0;
    auto add = [](uint32_t* list, int& n, uint32_t value) {
        for (int i = n - 1; i >= 0; i--)
            if (list[i] == value) return;
        list[n++] = value;
    };
    for (uint32_t rest = request.lanes; rest; rest &= rest - 1) {
        uint32_t address = request.address[__builtin_ctz(rest)];
        add(addresses, address_count, address);
        add(sectors, sector_count, address / 32);
        uint32_t last = (address + unsigned(count.size) - 1) / 32;
        if (last != address / 32) add(sectors, sector_count, last);
    }
    count.actual += unsigned(sector_count);
    count.ideal += (uint64_t(address_count) * unsigned(count.size) + 31) / 32;
}

static void count_shared(SiteCount& count, const OpenRequest& request) {
    int words = std::max(1, count.size / 4), lanes_per_part = 32 / words;
    for (int first = 0; first < 32; first += lanes_per_part) {
        uint32_t part = lanes_per_part == 32 ? ~0u : ((1u << lanes_per_part) - 1) << first;
        if (!(request.lanes & part)) continue;
        uint32_t held[32][32];                          // distinct words that the part reads from each bank
        int depth[32] = {}, worst = 0;
        for (uint32_t rest = request.lanes & part; rest; rest &= rest - 1)
            for (int w = 0; w < words; w++) {
                uint32_t word = request.address[__builtin_ctz(rest)] / 4 + unsigned(w), bank = word % 32;
                int i = 0;
                while (i < depth[bank] && held[bank][i] != word) i++;
                if (i == depth[bank]) held[bank][depth[bank]++] = word;
                worst = std::max(worst, depth[bank]);
            }
        count.actual += unsigned(worst);
        count.ideal++;
    }
}

static void count_request(SiteWork& work, const OpenRequest& request) {
    work.count.requests++;
    work.count.bytes += uint64_t(__builtin_popcount(request.lanes)) * unsigned(work.count.size);
    if (work.shared) count_shared(work.count, request);
    else count_global(work.count, request);
}

void profile_access(Worker* worker, uint32_t site, bool shared, uintptr_t address, int bytes, bool write) {
    HookState* hook = worker->hook;
    size_t index = 2 * size_t(site) + shared;
    if (index >= hook->work.size()) hook->work.resize(index + 256);
    if (!hook->work[index]) hook->work[index] = std::make_unique<SiteWork>();
    SiteWork& work = *hook->work[index];
    if (!work.touched) {
        work.touched = true;
        work.shared = shared;
        work.executions.assign(worker->threads, 0);
        for (unsigned i = 0; i < worker->warp_count; i++) {
            work.warps[i].open.clear();
            work.warps[i].first = work.warps[i].head = 0;
        }
        hook->touched.push_back(&work);
        if (!work.count.requests) {
            work.count.size = bytes;
            work.count.write = write;
        }
    }
    Fiber* fiber = current_fiber();
    uint32_t k = work.executions[fiber->linear]++;
    WarpRequests& requests = work.warps[fiber->warp->index];
    size_t at = k - requests.first + requests.head;
    if (at >= requests.open.size()) requests.open.resize(at + 1, OpenRequest{0, {}});
    OpenRequest& request = requests.open[at];
    request.lanes |= 1u << fiber->lane;
    request.address[fiber->lane] = uint32_t(address);
    if (request.lanes != fiber->warp->exist || at != requests.head) return;
    while (requests.head < requests.open.size() && requests.open[requests.head].lanes == fiber->warp->exist) {
        count_request(work, requests.open[requests.head]);
        requests.head++;
        requests.first++;
    }
    if (requests.head == requests.open.size()) {
        requests.open.clear();
        requests.head = 0;
    }
}

void profile_finish_block(Worker* worker) {
    for (SiteWork* work : worker->hook->touched) {
        for (unsigned i = 0; i < worker->warp_count; i++) {
            WarpRequests& requests = work->warps[i];
            for (size_t at = requests.head; at < requests.open.size(); at++)
                if (requests.open[at].lanes) count_request(*work, requests.open[at]);
        }
        work->touched = false;
    }
    worker->hook->touched.clear();
}

// ---- the table of all launches since the last clear_profile
struct KernelProfile {
    std::map<uint32_t, SiteCount> sites;                // by 2 * site + shared
    std::map<std::string, uint64_t> matrix;             // by line
    uint64_t launches = 0;
};
static std::mutex kernels_mutex;
static std::map<std::string, KernelProfile> kernels;

void count_matrix_instruction(const CallSite& site) {
    HookState* hook = current_worker->hook;
    uint64_t key = reinterpret_cast<uintptr_t>(site.at.file_name()) << 20 ^ site.at.line();
    hook->matrix[key]++;
    hook->matrix_files[key] = site.at.file_name();
}

static KernelProfile launch_profile;                    // of the current launch: the sum of its workers' counts

// The totals of each launch, in launch order.
struct LaunchTotals { std::string kernel; uint64_t sectors = 0, ideal_sectors = 0, wavefronts = 0, ideal_wavefronts = 0, matrix = 0; };
static std::vector<LaunchTotals> counted_launches;

void profile_finish_launch(Worker* worker) {
    std::lock_guard guard(kernels_mutex);
    KernelProfile& kernel = launch_profile;
    for (size_t index = 0; index < worker->hook->work.size(); index++) {
        SiteWork* work = worker->hook->work[index].get();
        if (!work || !work->count.requests) continue;
        SiteCount& sum = kernel.sites[uint32_t(index)];
        sum.requests += work->count.requests;
        sum.bytes += work->count.bytes;
        sum.actual += work->count.actual;
        sum.ideal += work->count.ideal;
        sum.size = work->count.size;
        sum.write = work->count.write;
        work->count = SiteCount{};
    }
    for (auto& [key, count] : worker->hook->matrix) {
        const char* file = worker->hook->matrix_files[key];
        auto line = unsigned((key ^ reinterpret_cast<uintptr_t>(file) << 20) & 0xfffff);
        kernel.matrix[base_name(file) + ":" + std::to_string(line)] += count;
    }
    worker->hook->matrix.clear();
}

// Counts of launches to reuse for equal ones, by signature.
static std::map<std::string, KernelProfile> counted_once;

static void add_launch(const char* name, const KernelProfile& launch) {
    KernelProfile& kernel = kernels[name];
    kernel.launches++;
    LaunchTotals totals{name};
    for (auto& [index, count] : launch.sites) {
        (index & 1 ? totals.wavefronts : totals.sectors) += count.actual;
        (index & 1 ? totals.ideal_wavefronts : totals.ideal_sectors) += count.ideal;
        SiteCount& sum = kernel.sites[index];
        sum.requests += count.requests;
        sum.bytes += count.bytes;
        sum.actual += count.actual;
        sum.ideal += count.ideal;
        sum.size = count.size;
        sum.write = count.write;
    }
    for (auto& [line, count] : launch.matrix) {
        kernel.matrix[line] += count;
        totals.matrix += count;
    }
    counted_launches.push_back(std::move(totals));
}

// Adds the launch to its kernel; counts of a sampled launch are scaled to all its blocks.
void profile_end_launch(const Launch& launch) {
    std::lock_guard guard(kernels_mutex);
    auto scale = [&](uint64_t& count) {
        count = uint64_t((static_cast<unsigned __int128>(count) * launch.blocks + launch.sampled / 2) / launch.sampled);
    };
    for (auto& [index, count] : launch_profile.sites)
        for (uint64_t* part : {&count.requests, &count.bytes, &count.actual, &count.ideal}) scale(*part);
    for (auto& [line, count] : launch_profile.matrix) scale(count);
    add_launch(launch.name, launch_profile);
    if (!launch.signature.empty() && !launch.status) counted_once[launch.signature] = std::move(launch_profile);
    launch_profile = KernelProfile{};
}

bool profile_repeat(const Launch& launch) {
    std::lock_guard guard(kernels_mutex);
    auto known = counted_once.find(launch.signature);
    if (known == counted_once.end()) return false;
    add_launch(launch.name, known->second);
    return true;
}

void clear_profile() {
    std::lock_guard guard(kernels_mutex);
    kernels.clear();
    counted_launches.clear();
    counted_once.clear();
}

struct Row {
    std::string kernel, line, memory, direction;
    SiteCount count;
};

// Rows by kernel, line, memory, direction and size; copies of one line that g++ made by unrolling are merged.
static std::vector<Row> rows() {
    std::lock_guard guard(kernels_mutex);
    std::vector<uintptr_t> addresses;
    for (auto& [name, kernel] : kernels)
        for (auto& [index, count] : kernel.sites) addresses.push_back(site_address(index / 2));
    resolve_lines(addresses);
    std::vector<Row> all;
    for (auto& [name, kernel] : kernels) {
        std::map<std::tuple<std::string, bool, bool, int>, SiteCount> lines;
        for (auto& [index, count] : kernel.sites) {
            SiteCount& sum = lines[{line_of(site_address(index / 2)), index & 1, count.write, count.size}];
            sum.requests += count.requests;
            sum.bytes += count.bytes;
            sum.actual += count.actual;
            sum.ideal += count.ideal;
            sum.size = count.size;
        }
        for (auto& [key, count] : lines)
            all.push_back({name, std::get<0>(key), std::get<1>(key) ? "shared" : "global", std::get<2>(key) ? "write" : "read", count});
        for (auto& [line, count] : kernel.matrix) {
            SiteCount instructions;
            instructions.requests = count;
            all.push_back({name, line, "matrix", "mma", instructions});
        }
    }
    return all;
}

std::string profile_csv() {
    std::string text = "kernel,line,memory,direction,size,requests,bytes,actual,ideal,ratio\n";
    for (const Row& row : rows()) {
        char numbers[200];
        const SiteCount& c = row.count;
        double ratio = c.ideal ? double(c.actual) / double(c.ideal) : 1.0;
        snprintf(numbers, sizeof numbers, ",%d,%llu,%llu,%llu,%llu,%.3f\n", c.size, static_cast<unsigned long long>(c.requests),
            static_cast<unsigned long long>(c.bytes), static_cast<unsigned long long>(c.actual), static_cast<unsigned long long>(c.ideal),
            ratio);
        text += row.kernel + "," + row.line + "," + row.memory + "," + row.direction + numbers;
    }
    return text;
}

std::string launches_csv() {
    std::lock_guard guard(kernels_mutex);
    std::string text = "kernel,sectors,ideal_sectors,wavefronts,ideal_wavefronts,matrix\n";
    for (const LaunchTotals& launch : counted_launches) {
        text += launch.kernel;
        for (uint64_t count : {launch.sectors, launch.ideal_sectors, launch.wavefronts, launch.ideal_wavefronts, launch.matrix})
            text += "," + std::to_string(count);
        text += "\n";
    }
    return text;
}

std::string profile_json() {
    std::string text = "[";
    for (const Row& row : rows()) {
        char numbers[250];
        const SiteCount& c = row.count;
        snprintf(numbers, sizeof numbers, ",\"size\":%d,\"requests\":%llu,\"bytes\":%llu,\"actual\":%llu,\"ideal\":%llu}", c.size,
            static_cast<unsigned long long>(c.requests), static_cast<unsigned long long>(c.bytes),
            static_cast<unsigned long long>(c.actual), static_cast<unsigned long long>(c.ideal));
        if (text.size() > 1) text += ",";
        text += "\n{\"kernel\":" + json_string(row.kernel) + ",\"line\":" + json_string(row.line) + ",\"memory\":" + json_string(row.memory)
            + ",\"direction\":" + json_string(row.direction) + numbers;
    }
    return text + "]\n";
}

}
