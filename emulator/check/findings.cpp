// Reports: the failing thread, its line, and the state of all other threads of the block.
#include "findings.h"
#include "source_lines.h"
#include "../machine/device_memory.h"
#include "../machine/settings.h"
#include <cstdarg>
#include <map>

namespace csunet {

static std::mutex list_mutex;
// Never destroyed: a program may request its report during exit.
static auto& list = *new std::vector<Finding>;
static auto& failure = *new std::string;

static std::string format_text(const char* format, va_list arguments) {
    char buffer[1024];
    vsnprintf(buffer, sizeof buffer, format, arguments);
    return buffer;
}

static std::string print(const char* format, ...) __attribute__((format(printf, 1, 2)));
static std::string print(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::string text = format_text(format, arguments);
    va_end(arguments);
    return text;
}

std::string base_name(const char* path) {
    const char* slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static std::string place(const CallSite& site) {
    return site.at.line() ? base_name(site.at.file_name()) + ":" + std::to_string(site.at.line()) : "";
}

void add_finding(Finding finding) {
    std::lock_guard guard(list_mutex);
    for (Finding& known : list)
        if (known.kind == finding.kind && known.kernel == finding.kernel && known.at == finding.at && known.other == finding.other
            && (!finding.at.empty() || known.text == finding.text)) {
            known.times += finding.times;
            return;
        }
    list.push_back(std::move(finding));
}

static std::string one_line(const Finding& f) {
    std::string text = f.kind + ": kernel " + f.kernel + print(", block (%u,%u,%u)", f.block.x, f.block.y, f.block.z);
    if (f.thread.x != Finding::NoThread) text += print(", thread (%u,%u,%u)", f.thread.x, f.thread.y, f.thread.z);
    if (!f.at.empty()) text += ", " + f.at;
    text += ": " + f.text;
    if (f.times > 1) text += print(" (%llu times)", static_cast<unsigned long long>(f.times));
    return text + "\n";
}

std::string findings_text() {
    std::lock_guard guard(list_mutex);
    std::string text;
    for (const Finding& f : list) text += one_line(f);
    return text;
}

std::string json_string(const std::string& text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\', out += c;
        else if (c == '\n') out += "\\n";
        else if (static_cast<unsigned char>(c) < 32) out += print("\\u%04x", c);
        else out += c;
    }
    return out + "\"";
}

std::string findings_json() {
    std::lock_guard guard(list_mutex);
    std::string text = "[";
    for (const Finding& f : list) {
        if (text.size() > 1) text += ",";
        text += "\n{\"kind\":" + json_string(f.kind) + ",\"kernel\":" + json_string(f.kernel);
        text += print(",\"block\":[%u,%u,%u]", f.block.x, f.block.y, f.block.z);
        if (f.thread.x != Finding::NoThread) text += print(",\"thread\":[%u,%u,%u]", f.thread.x, f.thread.y, f.thread.z);
        text += ",\"at\":" + json_string(f.at) + ",\"other\":" + json_string(f.other) + ",\"text\":" + json_string(f.text);
        text += print(",\"times\":%llu}", static_cast<unsigned long long>(f.times));
    }
    return text + "]\n";
}

size_t finding_count() {
    std::lock_guard guard(list_mutex);
    return list.size();
}

void clear_findings() {
    std::lock_guard guard(list_mutex);
    list.clear();
    failure.clear();
}

std::string last_failure() {
    std::lock_guard guard(list_mutex);
    return failure;
}

// "0-15,32-47"
static std::string ranges(const std::vector<unsigned>& threads) {
    std::string text;
    for (size_t i = 0; i < threads.size();) {
        size_t j = i;
        while (j + 1 < threads.size() && threads[j + 1] == threads[j] + 1) j++;
        if (i) text += ",";
        text += i == j ? print("%u", threads[i]) : print("%u-%u", threads[i], threads[j]);
        i = j + 1;
        if (text.size() > 300) return text + ",...";
    }
    return text;
}

// The block's threads, grouped by what they do: "threads 0-15 wait at __shfl_sync mask ffffffff, x.cu:40; threads 16-31 ...".
static std::string thread_states(const Worker& worker) {
    std::vector<std::pair<std::string, std::vector<unsigned>>> groups;
    for (unsigned i = 0; i < worker.threads; i++) {
        const Fiber& fiber = worker.fibers[i];
        unsigned bit = 1u << fiber.lane;
        std::string state;
        if (fiber.warp->done & bit) state = "have left the kernel";
        else if (fiber.warp->at_barrier & bit) state = print("wait at %s, %s", fiber.site.operation, place(fiber.site).c_str());
        else if (fiber.warp->waiting & bit)
            state = print("wait at %s mask %08x, %s", fiber.site.operation, fiber.mask, place(fiber.site).c_str());
        else state = "still run";
        size_t group = 0;
        while (group < groups.size() && groups[group].first != state) group++;
        if (group == groups.size()) groups.push_back({state, {}});
        groups[group].second.push_back(i);
    }
    std::string text;
    for (auto& [state, threads] : groups) text += (text.empty() ? "threads " : "; threads ") + ranges(threads) + " " + state;
    return text;
}

// Records why the launch stopped. The first of several workers sets the status.
static void stop(Worker& worker, Finding finding, int status) {
    finding.kernel = worker.launch->name;
    finding.block = worker.block.index;
    std::string text = one_line(finding);
    add_finding(std::move(finding));
    worker.aborted = true;
    std::lock_guard guard(worker.launch->mutex);
    if (worker.launch->failed.exchange(true)) return;
    worker.launch->status = status;
    std::lock_guard list_guard(list_mutex);
    failure = text;
}

[[noreturn]] static void leave(Finding finding, int status) {
    Worker* worker = current_worker;
    Fiber* fiber = current_fiber();
    finding.thread = fiber->index;
    stop(*worker, std::move(finding), status);
    jump(worker, fiber, nullptr);
    __builtin_unreachable();
}

static Finding make_finding(const char* kind, const CallSite& site, std::string text) {
    Finding finding;
    finding.kind = kind;
    finding.at = place(site);
    finding.text = std::string(site.operation) + ": " + text;
    return finding;
}

void fail(CallSite site, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::string text = format_text(format, arguments);
    va_end(arguments);
    leave(make_finding("divergence", site, text + "; " + thread_states(*current_worker)), LaunchFailed);
}

void fail_resources(CallSite site, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::string text = format_text(format, arguments);
    va_end(arguments);
    leave(make_finding("resources", site, text), OutOfResources);
}

void fail_misaligned(CallSite site, const void* address, size_t bytes) {
    auto value = reinterpret_cast<uintptr_t>(address);
    leave(make_finding("misaligned", site, print("%zu bytes at %s", bytes, describe_address(value).c_str())), MisalignedAddress);
}

void fail_outside(CallSite site, const void* address, size_t bytes) {
    auto value = reinterpret_cast<uintptr_t>(address);
    Buffer* buffer = find_buffer(value);
    const char* kind = buffer && !buffer->live ? "use_after_free" : "outside";
    leave(make_finding(kind, site, print("reads %zu bytes at %s", bytes, describe_address(value).c_str())), IllegalAddress);
}

void fail_fault(const char* kind, const std::string& line, const std::string& text) {
    Finding finding;
    finding.kind = kind;
    finding.at = line;
    finding.text = text;
    leave(std::move(finding), IllegalAddress);
}

void fail_expired(const std::string& line) {
    Finding finding;
    finding.kind = "timeout";
    finding.at = line.empty() ? place(current_fiber()->site) : line;
    finding.text = print("still running after %d ms: an endless loop, or a wait for a thread or block that cannot run; ",
        settings().watchdog_ms.load()) + thread_states(*current_worker);
    leave(std::move(finding), Timeout);
}

void fail_unawaited(const Fiber& fiber) {
    Finding finding;
    finding.kind = "async";
    finding.at = line_of(fiber.copies[0].caller);
    finding.text = print("left the kernel with %zu cp.async copies that it never waited for", fiber.copies.size());
    leave(std::move(finding), LaunchFailed);
}

void fail_left_barrier(const Worker& worker) {
    Finding finding = make_finding("divergence", worker.barrier_site, "a thread left the kernel while others wait here; ");
    finding.text += thread_states(worker);
    leave(std::move(finding), LaunchFailed);
}

void report_deadlock(Worker& worker) {
    Finding finding;
    finding.kind = "deadlock";
    for (unsigned i = 0; i < worker.threads && finding.at.empty(); i++)
        if (!(worker.fibers[i].warp->done >> worker.fibers[i].lane & 1)) finding.at = place(worker.fibers[i].site);
    finding.text = "no thread can run; " + thread_states(worker);
    stop(worker, std::move(finding), LaunchFailed);
}

void report_red_zone(Worker& worker, const SharedSegment& segment) {
    Finding finding;
    finding.kind = "shared_overrun";
    if (segment.line) finding.at = base_name(segment.file) + ":" + std::to_string(segment.line);
    finding.text = print("written outside shared array '%s' of %u bytes, declared here", segment.name, segment.size);
    stop(worker, std::move(finding), IllegalAddress);
}

}
