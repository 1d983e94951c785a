// addr2line, which comes with g++, with a cache of its results.
#include "source_lines.h"
#include "findings.h"
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <unordered_map>

namespace csunet {

static std::mutex known_mutex;
static auto& known = *new std::unordered_map<uintptr_t, std::string>;           // never destroyed

static constexpr int MaxImages = 16384;
static std::pair<uintptr_t, uintptr_t> images[MaxImages];
static std::atomic<int> image_count{0};

void add_kernel_image(uintptr_t start, uintptr_t end) {
    std::lock_guard guard(known_mutex);
    if (image_count == MaxImages) return;
    images[image_count] = {start, end};
    image_count++;
}

bool is_kernel_code(uintptr_t pc) {
    for (int i = image_count; i-- > 0;)
        if (pc >= images[i].first && pc < images[i].second) return true;
    return false;
}

// Headers of helpers: their frames are skipped, because the caller's line is the informative one.
static bool is_wrapper(const std::string& file) {
    return file == "common.cuh" || file == "warp.h" || file == "memory.h" || file == "matrix.h" || file == "atomics.h"
        || file == "language.h" || file == "machine.h" || file == "registration.h" || file.find(".cu") == std::string::npos;
}

// `output` of addr2line -a -i: per address one line "0x...", then the frames from the innermost out.
static void remember(const std::vector<uintptr_t>& addresses, const std::string& output) {
    size_t next = 0, position = 0;
    std::string best, innermost;
    auto finish = [&] {
        if (next) known[addresses[next - 1]] = !best.empty() ? best : !innermost.empty() ? innermost : "?";
        best.clear();
        innermost.clear();
        next++;
    };
    while (position < output.size()) {
        size_t end = output.find('\n', position);
        if (end == std::string::npos) end = output.size();
        std::string line = output.substr(position, end - position);
        position = end + 1;
        if (line.rfind("0x", 0) == 0) {
            if (next >= addresses.size()) return;
            finish();
            continue;
        }
        line = base_name(line.substr(0, line.find(' ')).c_str());
        if (line.rfind("??", 0) == 0) continue;
        if (innermost.empty()) innermost = line;
        if (best.empty() && !is_wrapper(line.substr(0, line.find(':')))) best = line;
    }
    finish();
}

static std::string quoted(const std::string& word) {
    std::string text = "'";
    for (char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
    return text + "'";
}

void resolve_lines(const std::vector<uintptr_t>& return_addresses) {
    std::lock_guard guard(known_mutex);
    std::map<std::string, std::vector<uintptr_t>> modules;
    std::map<std::string, uintptr_t> bases;
    for (uintptr_t address : return_addresses) {
        if (known.count(address)) continue;
        known[address] = "?";
        Dl_info info{};
        if (!dladdr(reinterpret_cast<void*>(address), &info) || !info.dli_fname) continue;
        modules[info.dli_fname].push_back(address);
        bases[info.dli_fname] = reinterpret_cast<uintptr_t>(info.dli_fbase);
    }
    constexpr size_t Batch = 2000;                      // below the limit on the length of a command line
    for (auto& [file, all] : modules)
        for (size_t first = 0; first < all.size(); first += Batch) {
            std::vector<uintptr_t> addresses(all.begin() + long(first), all.begin() + long(std::min(all.size(), first + Batch)));
            std::string command = "addr2line -a -i -e " + quoted(file);
            for (uintptr_t address : addresses) {
                char text[32];
                snprintf(text, sizeof text, " %#lx", static_cast<unsigned long>(address - 1 - bases[file]));
                command += text;
            }
            FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
            if (!pipe) continue;
            std::string output;
            char buffer[4096];
            while (size_t n = fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
            pclose(pipe);
            remember(addresses, output);
        }
}

std::string line_of(uintptr_t return_address) {
    resolve_lines({return_address});
    std::lock_guard guard(known_mutex);
    return known[return_address];
}

}
