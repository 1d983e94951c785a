// The driver API of the emulator: contexts, handles, streams and graphs, as NVIDIA documents them. It needs no CUDA header:
// handles are opaque words, statuses are the documented numbers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#define CSUNET_API extern "C" __attribute__((visibility("default")))

namespace csunet {

enum Status : int {
    Success = 0, InvalidValue = 1, OutOfMemory = 2, NotInitialized = 3, InvalidDevice = 101, InvalidImage = 200, InvalidContext = 201,
    JitCompilerNotFound = 221, FileNotFound = 301, InvalidHandle = 400, IllegalState = 401, NotFound = 500, NotReady = 600,
    LaunchIllegalAddress = 700, LaunchOutOfResources = 701, PrimaryContextActive = 708, ContextIsDestroyed = 709, NotPermitted = 800,
    NotSupported = 801, CaptureUnsupported = 900, CaptureInvalidated = 901, CaptureUnmatched = 903, CaptureUnjoined = 904,
    CaptureIsolation = 905, CapturedEvent = 907, CaptureWrongThread = 908, GraphUpdateFailure = 910, Unknown = 999
};

struct Kernel;
struct Module;
struct Capture;
struct Buffer;

struct Context {
    bool primary = false, alive = true;
    unsigned references = 0, flags = 0;
    int error = 0;                                      // sticky error of a kernel, returned by every later call
};

struct Stream {
    Context* context = nullptr;
    unsigned flags = 0;
    int priority = 0;
    Capture* capture = nullptr;
    uint64_t operations = 0;                            // number of captured operations: shows whether a join included the last one
    uint64_t joined = 0;
};

struct Event {
    Context* context = nullptr;
    unsigned flags = 0;
    bool recorded = false;
    double milliseconds = 0;
    Capture* capture = nullptr;                         // recorded in a capture: by which stream, after which operation
    Stream* stream = nullptr;
    uint64_t operation = 0;
};

// A unit of work: a stream executes it, a graph records and replays it.
struct Work {
    enum Kind { Launch, CopyToDevice, CopyToHost, CopyOnDevice, CopyAny, Fill, Host, Marker } kind = Marker;
    Kernel* kernel = nullptr;
    unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1}, shared_bytes = 0;
    std::vector<std::vector<unsigned char>> arguments;  // the values at the time of the call
    uint64_t to = 0, from = 0;
    size_t bytes = 0, width = 1;                        // of a copy; of a fill: count and element size
    unsigned value = 0;
    std::function<int()> host;                          // of cuBLAS: runs on the host, returns a status
};
struct Graph { std::vector<std::unique_ptr<Work>> nodes; };
struct GraphExec { std::vector<Work> nodes; };

struct Capture {
    std::unique_ptr<Graph> graph = std::make_unique<Graph>();
    Stream* origin = nullptr;
    int mode = 0;                                       // 0 global, 1 thread-local, 2 relaxed
    std::thread::id thread;
    bool invalidated = false;
    std::vector<Stream*> streams;
};

// Handles of different kinds have different values, so a handle of the wrong kind is not found.
uintptr_t next_handle_range();

// Live objects of one kind. Handles are never reused, so a stale one is always detected.
template <typename T> class Handles {
public:
    void* add(T* object) {
        std::lock_guard guard(mutex);
        auto* handle = reinterpret_cast<void*>(next += 16);
        objects[handle] = object;
        return handle;
    }
    T* find(void* handle) {
        std::lock_guard guard(mutex);
        auto it = objects.find(handle);
        return it == objects.end() ? nullptr : it->second;
    }
    T* remove(void* handle) {
        std::lock_guard guard(mutex);
        auto it = objects.find(handle);
        if (it == objects.end()) return nullptr;
        T* object = it->second;
        objects.erase(it);
        return object;
    }
    size_t count() {
        std::lock_guard guard(mutex);
        return objects.size();
    }
private:
    uintptr_t next = next_handle_range();
    std::mutex mutex;
    std::unordered_map<void*, T*> objects;
};
struct AllHandles {
    Handles<Context> contexts;
    Handles<Stream> streams;
    Handles<Event> events;
    Handles<Module> modules;
    Handles<Kernel> kernels;
    Handles<Graph> graphs;
    Handles<GraphExec> executables;
};
AllHandles& handles();

// device.cpp
bool is_initialized();
Context* current_context();
// Success, or why calls fail now: not initialised, no context, or a context that is destroyed or lost to a kernel's fault.
int ready();
// The same for calls that are forbidden during stream capture (synchronising, allocating) and invalidate it.
int ready_outside_capture();
int device_attribute(int attribute, bool& known);

// stream.cpp
Stream* find_stream(void* handle);                      // 0, 1 and 2 are the default streams; null: no such stream
int submit(Stream* stream, Work work);                  // runs it now, or records it if the stream captures
bool capture_forbids();

// memory.cpp
int check_device_range(uint64_t address, size_t bytes);
int execute_memory(const Work& work);

// launch.cpp
int check_launch(const Kernel& kernel, const Work& work);
int execute_launch(const Work& work);
int execute(const Work& work);

// status.cpp
const char* status_name(int status);
const char* status_text(int status);

}
