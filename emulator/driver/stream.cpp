// Streams, events and stream capture. Work runs when it is submitted, so streams and events are in order by construction.
#include "driver.h"
#include <algorithm>
#include <chrono>

namespace csunet {

static std::recursive_mutex mutex;
static auto& captures = *new std::vector<Capture*>;     // in progress; never destroyed

Stream* find_stream(void* handle) {
    static Stream default_streams[3];
    auto number = reinterpret_cast<uintptr_t>(handle);
    return number <= 2 ? &default_streams[number] : handles().streams.find(handle);
}

// Whether a capture in progress forbids this thread's call. If so, the call invalidates the capture.
bool capture_forbids() {
    std::lock_guard guard(mutex);
    bool forbidden = false;
    for (Capture* capture : captures) {
        bool concerned = capture->mode == 0 || (capture->mode == 1 && capture->thread == std::this_thread::get_id());
        if (!concerned) continue;
        capture->invalidated = true;
        forbidden = true;
    }
    return forbidden;
}

int submit(Stream* stream, Work work) {
    std::lock_guard guard(mutex);
    if (!stream->capture) return execute(work);
    if (stream->capture->invalidated) return CaptureInvalidated;
    stream->operations++;
    stream->capture->graph->nodes.push_back(std::make_unique<Work>(std::move(work)));
    return Success;
}

static double now_ms() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static void leave_capture(Capture* capture) {
    for (Stream* s : capture->streams) s->capture = nullptr;
    captures.erase(std::remove(captures.begin(), captures.end(), capture), captures.end());
}

}

using namespace csunet;

CSUNET_API int cuCtxGetCurrent(void** context);

CSUNET_API int cuStreamCreateWithPriority(void** stream, unsigned flags, int priority) {
    if (int status = ready()) return status;
    if (!stream || flags > 1) return InvalidValue;
    auto* fresh = new Stream;
    fresh->context = current_context();
    fresh->flags = flags;
    fresh->priority = std::clamp(priority, -5, 0);
    *stream = handles().streams.add(fresh);
    return Success;
}
CSUNET_API int cuStreamCreate(void** stream, unsigned flags) { return cuStreamCreateWithPriority(stream, flags, 0); }
CSUNET_API int cuStreamDestroy_v2(void* stream) {
    if (int status = ready()) return status;
    std::lock_guard guard(mutex);
    Stream* found = handles().streams.remove(stream);
    if (!found) return InvalidHandle;
    // Keep the Stream itself: an event may point to it.
    if (found->capture) {
        found->capture->invalidated = true;
        auto& streams = found->capture->streams;
        if (found->capture->origin == found) leave_capture(found->capture);
        else streams.erase(std::remove(streams.begin(), streams.end(), found), streams.end());
    }
    return Success;
}
CSUNET_API int cuStreamDestroy(void* stream) { return cuStreamDestroy_v2(stream); }

static int finished(void* stream) {
    if (int status = ready()) return status;
    Stream* found = find_stream(stream);
    if (!found) return InvalidHandle;
    std::lock_guard guard(mutex);
    if (!found->capture) return Success;
    found->capture->invalidated = true;
    return CaptureUnsupported;
}
CSUNET_API int cuStreamSynchronize(void* stream) { return finished(stream); }
CSUNET_API int cuStreamQuery(void* stream) { return finished(stream); }
CSUNET_API int cuStreamGetPriority(void* stream, int* priority) {
    if (int status = ready()) return status;
    Stream* found = find_stream(stream);
    if (!found) return InvalidHandle;
    if (!priority) return InvalidValue;
    *priority = found->priority;
    return Success;
}
CSUNET_API int cuStreamGetFlags(void* stream, unsigned* flags) {
    if (int status = ready()) return status;
    Stream* found = find_stream(stream);
    if (!found) return InvalidHandle;
    if (!flags) return InvalidValue;
    *flags = found->flags;
    return Success;
}
CSUNET_API int cuStreamGetCtx(void* stream, void** context) {
    if (int status = ready()) return status;
    if (!find_stream(stream)) return InvalidHandle;
    return cuCtxGetCurrent(context);
}

CSUNET_API int cuEventCreate(void** event, unsigned flags) {
    if (int status = ready()) return status;
    if (!event || flags > 7) return InvalidValue;
    auto* fresh = new Event;
    fresh->context = current_context();
    fresh->flags = flags;
    *event = handles().events.add(fresh);
    return Success;
}
CSUNET_API int cuEventDestroy_v2(void* event) {
    if (int status = ready()) return status;
    Event* found = handles().events.remove(event);
    delete found;
    return found ? int(Success) : int(InvalidHandle);
}
CSUNET_API int cuEventDestroy(void* event) { return cuEventDestroy_v2(event); }
CSUNET_API int cuEventRecord(void* event, void* stream) {
    if (int status = ready()) return status;
    Event* e = handles().events.find(event);
    Stream* s = find_stream(stream);
    if (!e || !s) return InvalidHandle;
    std::lock_guard guard(mutex);
    if (s->capture && s->capture->invalidated) return CaptureInvalidated;
    e->capture = s->capture;
    e->stream = s;
    e->operation = s->operations;
    if (!s->capture) {
        e->recorded = true;
        e->milliseconds = now_ms();
    }
    return Success;
}
CSUNET_API int cuEventRecordWithFlags(void* event, void* stream, unsigned) { return cuEventRecord(event, stream); }
static int event_done(void* event) {
    if (int status = ready()) return status;
    Event* e = handles().events.find(event);
    if (!e) return InvalidHandle;
    return e->capture ? int(CapturedEvent) : int(Success);
}
CSUNET_API int cuEventSynchronize(void* event) { return event_done(event); }
CSUNET_API int cuEventQuery(void* event) { return event_done(event); }
CSUNET_API int cuEventElapsedTime(float* milliseconds, void* start, void* end) {
    if (int status = ready()) return status;
    if (!milliseconds) return InvalidValue;
    Event *first = handles().events.find(start), *last = handles().events.find(end);
    constexpr unsigned NoTiming = 2;
    if (!first || !last || !first->recorded || !last->recorded || ((first->flags | last->flags) & NoTiming)) return InvalidHandle;
    *milliseconds = float(last->milliseconds - first->milliseconds);
    return Success;
}
CSUNET_API int cuEventElapsedTime_v2(float* milliseconds, void* start, void* end) { return cuEventElapsedTime(milliseconds, start, end); }

// In a capture, a wait joins a second stream to it, and joins that stream back.
CSUNET_API int cuStreamWaitEvent(void* stream, void* event, unsigned flags) {
    if (int status = ready()) return status;
    if (flags > 1) return InvalidValue;
    Stream* s = find_stream(stream);
    Event* e = handles().events.find(event);
    if (!s || !e) return InvalidHandle;
    std::lock_guard guard(mutex);
    if (!e->capture) {
        // A capture cannot wait for work enqueued before it began.
        if (!s->capture || !e->recorded) return Success;
        s->capture->invalidated = true;
        return CaptureIsolation;
    }
    Capture* capture = e->capture;
    if (std::find(captures.begin(), captures.end(), capture) == captures.end()) return CapturedEvent;
    if (!s->capture) {
        s->capture = capture;
        s->operations++;
        s->joined = 0;
        capture->streams.push_back(s);
    } else if (s->capture != capture) {
        s->capture->invalidated = capture->invalidated = true;
        return CaptureIsolation;
    }
    if (e->stream != s) e->stream->joined = std::max(e->stream->joined, e->operation);
    if (s != capture->origin) s->operations++;
    return Success;
}

CSUNET_API int cuStreamBeginCapture_v2(void* stream, int mode) {
    if (int status = ready()) return status;
    Stream* s = find_stream(stream);
    if (!s) return InvalidHandle;
    if (mode < 0 || mode > 2) return InvalidValue;
    // The legacy default stream synchronises with all others, so it cannot be captured.
    if (reinterpret_cast<uintptr_t>(stream) <= 1) return CaptureUnsupported;
    std::lock_guard guard(mutex);
    if (s->capture) return IllegalState;
    auto* capture = new Capture;
    capture->origin = s;
    capture->mode = mode;
    capture->thread = std::this_thread::get_id();
    capture->streams.push_back(s);
    s->capture = capture;
    s->operations = s->joined = 0;
    captures.push_back(capture);
    return Success;
}
CSUNET_API int cuStreamBeginCapture(void* stream) { return cuStreamBeginCapture_v2(stream, 0); }
CSUNET_API int cuStreamEndCapture(void* stream, void** graph) {
    if (int status = ready()) return status;
    Stream* s = find_stream(stream);
    if (!s) return InvalidHandle;
    if (!graph) return InvalidValue;
    *graph = nullptr;
    std::lock_guard guard(mutex);
    Capture* capture = s->capture;
    if (!capture) return IllegalState;
    if (capture->origin != s) return CaptureUnmatched;
    if (capture->mode != 2 && capture->thread != std::this_thread::get_id()) return CaptureWrongThread;
    bool unjoined = false;
    for (Stream* other : capture->streams) unjoined |= other != s && other->joined < other->operations;
    leave_capture(capture);
    // Keep the Capture for the events recorded in it; its graph is moved out.
    if (capture->invalidated) return CaptureInvalidated;
    if (unjoined) return CaptureUnjoined;
    *graph = handles().graphs.add(capture->graph.release());
    return Success;
}
CSUNET_API int cuStreamIsCapturing(void* stream, int* status) {
    if (int state = ready()) return state;
    Stream* s = find_stream(stream);
    if (!s) return InvalidHandle;
    if (!status) return InvalidValue;
    std::lock_guard guard(mutex);
    *status = !s->capture ? 0 : s->capture->invalidated ? 2 : 1;
    return Success;
}
CSUNET_API int cuThreadExchangeStreamCaptureMode(int* mode) {
    static thread_local int current = 0;
    if (!mode || *mode < 0 || *mode > 2) return InvalidValue;
    std::swap(*mode, current);
    return Success;
}
