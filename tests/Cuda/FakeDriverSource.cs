namespace CsUnet.Tests.Cuda;

internal static class FakeDriverSource
{
    internal const string Text = """
        #include <stdarg.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <time.h>
        typedef unsigned long long u64;
        typedef void* P;
        // --- what tests control
        static char failing[64]; static int failure, after, sticky; static char calls[1 << 20]; static size_t used;
        void fake_fail(const char* name, int status, int skip) { strncpy(failing, name, 63); failure = status; after = skip; }
        static char taken[1 << 20];
        const char* fake_calls() { memcpy(taken, calls, used + 1); used = 0; calls[0] = 0; return taken; }
        static void note(const char* format, ...) {
            va_list list; va_start(list, format);
            if (used < sizeof calls - 512) used += vsnprintf(calls + used, 512, format, list);
            va_end(list);
        }
        static int status(const char* name) {
            if (!strcmp(name, failing) && after-- <= 0) { failing[0] = 0; return failure; }
            return sticky;
        }
        #define TRY(name) do { int s_ = status(#name); if (s_) return s_; } while (0)
        // --- driver
        static int current_known; static __thread P current; static int primary; static u64 memory_used;
        int cuInit(unsigned f) { TRY(cuInit); return 0; }
        int cuDriverGetVersion(int* v) { *v = 12040; return 0; }
        int cuGetErrorName(int e, const char** t) { *t = e == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : e == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : e == 1 ? "CUDA_ERROR_INVALID_VALUE" : e == 500 ? "CUDA_ERROR_NOT_FOUND" : "CUDA_ERROR_FAKE"; return 0; }
        int cuGetErrorString(int e, const char** t) { *t = e == 700 ? "an illegal memory access was encountered" : e == 2 ? "out of memory" : "a fake text"; return 0; }
        int cuDeviceGetCount(int* c) { TRY(cuDeviceGetCount); *c = 1; return 0; }
        int cuDeviceGet(int* d, int o) { *d = o; return 0; }
        int cuDeviceGetName(char* n, int l, int d) { strncpy(n, "Fake GPU", l); return 0; }
        int cuDeviceTotalMem_v2(size_t* b, int d) { *b = 1ull << 30; return 0; }
        int cuDeviceGetAttribute(int* v, int a, int d) {
            if (a > 110 && a != 115) return 1;   // as an old driver
            *v = a == 75 ? 8 : a == 76 ? 6 : a == 16 ? 28 : a == 10 ? 32 : a == 1 || a == 2 || a == 3 ? 1024 : a == 4 ? 64 : a == 8 ? 49152 : a == 97 ? 101376
               : a == 38 ? 4 << 20 : a == 115 ? 1 : 7; return 0; }
        static int pool_of_device;
        int cuDeviceGetDefaultMemPool(P* p, int d) { *p = &pool_of_device; return 0; }
        int cuDeviceGetMemPool(P* p, int d) { *p = &pool_of_device; return 0; }
        int cuDeviceSetMemPool(int d, P p) { return 0; }
        int cuDevicePrimaryCtxRetain(P* c, int d) { TRY(cuDevicePrimaryCtxRetain); primary++; *c = &primary; note("retain %d\n", primary); return 0; }
        int cuDevicePrimaryCtxRelease_v2(int d) { primary--; note("release %d\n", primary); return 0; }
        int cuCtxCreate_v2(P* c, unsigned f, int d) { *c = malloc(16); current = *c; return 0; }
        int cuCtxDestroy_v2(P c) { if (current == c) current = 0; free(c); return 0; }
        int cuCtxSetCurrent(P c) { current = c; return 0; }
        int cuCtxGetCurrent(P* c) { *c = current; return 0; }
        int cuCtxSynchronize() { TRY(cuCtxSynchronize); return 0; }
        int cuModuleLoadData(P* m, const void* image) { TRY(cuModuleLoadData); if (!strncmp(image, "bad", 3)) return 200; *m = malloc(8); return 0; }
        int cuModuleLoadDataEx(P* m, const void* image, unsigned n, int* names, void** values) {
            note("ptx %s options %d %d\n", (char*)image, names[0], names[1]); strcpy(values[0], "ptxas fatal : fake log"); return 218; }
        int cuModuleUnload(P m) { note("unload\n"); free(m); return 0; }
        int cuModuleGetFunction(P* f, P m, const char* name) {
            static const char* known[] = { "fill", "fault", "nothing" };
            for (int i = 0; i < 3; i++) if (!strcmp(name, known[i])) { *f = (P)known[i]; return 0; }
            return 500; }
        static float variable[4];
        int cuModuleGetGlobal_v2(u64* p, size_t* b, P m, const char* n) { *p = (u64)variable; *b = sizeof variable; return 0; }
        static int dynamic_limit = 49152;
        int cuFuncGetAttribute(int* v, int a, P f) { *v = a == 0 ? 1024 : a == 4 ? 32 : a == 5 ? 84 : a == 6 ? 86 : a == 8 ? dynamic_limit : 0; return 0; }
        int cuFuncSetAttribute(P f, int a, int v) { if (a == 8) dynamic_limit = v; return 0; }
        int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* b, P f, int s, size_t d) { *b = 1536 / s; return 0; }
        struct fill { float* out; float value; int count; };
        static int capturing; static struct fill recorded[64]; static int records;
        static void run_fill(struct fill a) { for (int i = 0; i < a.count; i++) a.out[i] = a.value; }
        int cuLaunchKernel(const char* f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, P s, void** args, void** extra) {
            TRY(cuLaunchKernel);
            note("launch %s (%u,%u,%u) (%u,%u,%u) %u\n", f, gx, gy, gz, bx, by, bz, shared);
            if (!gx || gy > 65535 || !bx || bx * by * bz > 1024 || shared > dynamic_limit) return 1;
            if (!strcmp(f, "fault")) { sticky = 700; return 0; }
            if (!strcmp(f, "fill")) {
                struct fill a = { *(float**)args[0], *(float*)args[1], *(int*)args[2] };
                if (capturing) recorded[records++] = a; else run_fill(a);
            }
            return 0; }
        int cuMemGetInfo_v2(size_t* f, size_t* t) { *f = (1ull << 30) - memory_used; *t = 1ull << 30; return 0; }
        static int allocate(u64* p, size_t b) { u64* q = malloc(b + 64); q[0] = b; *p = (u64)(q + 8); memory_used += b; memset((P)*p, 0xee, b); return 0; }
        static int release(u64 p) { u64* q = (u64*)p - 8; memory_used -= q[0]; free(q); return 0; }
        int cuMemAlloc_v2(u64* p, size_t b) { TRY(cuMemAlloc); return allocate(p, b); }
        int cuMemFree_v2(u64 p) { TRY(cuMemFree); return release(p); }
        int cuMemAllocAsync(u64* p, size_t b, P s) { return allocate(p, b); }
        int cuMemFreeAsync(u64 p, P s) { note("free async\n"); return release(p); }
        int cuMemHostAlloc(P* p, size_t b, unsigned f) { *p = malloc(b); return 0; }
        int cuMemFreeHost(P p) { free(p); return 0; }
        int cuMemGetAddressRange_v2(u64* s, size_t* b, u64 p) { *s = p; *b = ((u64*)p - 8)[0]; return 0; }
        int cuMemcpyHtoD_v2(u64 d, P s, size_t b) { TRY(cuMemcpyHtoD); memcpy((P)d, s, b); return 0; }
        int cuMemcpyDtoH_v2(P d, u64 s, size_t b) { TRY(cuMemcpyDtoH); memcpy(d, (P)s, b); return 0; }
        int cuMemcpyDtoD_v2(u64 d, u64 s, size_t b) { memcpy((P)d, (P)s, b); return 0; }
        int cuMemcpyHtoDAsync_v2(u64 d, P s, size_t b, P t) { memcpy((P)d, s, b); return 0; }
        int cuMemcpyDtoHAsync_v2(P d, u64 s, size_t b, P t) { memcpy(d, (P)s, b); return 0; }
        int cuMemcpyDtoDAsync_v2(u64 d, u64 s, size_t b, P t) { memcpy((P)d, (P)s, b); return 0; }
        #define SET(T, name) static int name(u64 d, T v, size_t n) { for (size_t i = 0; i < n; i++) ((T*)d)[i] = v; return 0; }
        SET(uint8_t, set8) SET(uint16_t, set16) SET(uint32_t, set32)
        int cuMemsetD8_v2(u64 d, uint8_t v, size_t n) { return set8(d, v, n); }
        int cuMemsetD16_v2(u64 d, uint16_t v, size_t n) { return set16(d, v, n); }
        int cuMemsetD32_v2(u64 d, uint32_t v, size_t n) { return set32(d, v, n); }
        int cuMemsetD8Async(u64 d, uint8_t v, size_t n, P s) { return set8(d, v, n); }
        int cuMemsetD16Async(u64 d, uint16_t v, size_t n, P s) { return set16(d, v, n); }
        int cuMemsetD32Async(u64 d, uint32_t v, size_t n, P s) { return set32(d, v, n); }
        struct pool { int type, handles, location, id; P security; size_t most; char reserved[56]; };
        int cuMemPoolCreate(P* p, struct pool* q) { note("pool type %d location %d id %d\n", q->type, q->location, q->id); *p = malloc(8); return 0; }
        int cuMemPoolDestroy(P p) { free(p); return 0; }
        int cuMemPoolTrimTo(P p, size_t b) { return 0; }
        static u64 threshold;
        int cuMemPoolSetAttribute(P p, int a, P v) { if (a == 4) threshold = *(u64*)v; return 0; }
        int cuMemPoolGetAttribute(P p, int a, P v) { if (a == 4) *(u64*)v = threshold; else if (a == 7) *(u64*)v = memory_used; else *(int*)v = 1; return 0; }
        int cuMemAllocFromPoolAsync(u64* p, size_t b, P q, P s) { return allocate(p, b); }
        int cuStreamCreate(P* s, unsigned f) { *s = malloc(8); return 0; }
        int cuStreamCreateWithPriority(P* s, unsigned f, int p) { *s = malloc(8); return 0; }
        int cuStreamDestroy_v2(P s) { free(s); return 0; }
        int cuStreamSynchronize(P s) { TRY(cuStreamSynchronize); return 0; }
        int cuStreamQuery(P s) { TRY(cuStreamQuery); return 0; }
        int cuStreamWaitEvent(P s, P e, unsigned f) { return 0; }
        int cuStreamBeginCapture_v2(P s, int m) { capturing = 1; records = 0; return 0; }
        struct graph { int count; struct fill fills[64]; };
        int cuStreamEndCapture(P s, P* g) { struct graph* h = malloc(sizeof *h); h->count = records; memcpy(h->fills, recorded, sizeof recorded); capturing = 0; *g = h; return 0; }
        int cuStreamIsCapturing(P s, int* c) { *c = capturing; return 0; }
        struct event { struct timespec at; };
        int cuEventCreate(P* e, unsigned f) { *e = calloc(1, sizeof(struct event)); return 0; }
        int cuEventDestroy_v2(P e) { free(e); return 0; }
        int cuEventRecord(struct event* e, P s) { clock_gettime(CLOCK_MONOTONIC, &e->at); return 0; }
        int cuEventSynchronize(P e) { TRY(cuEventSynchronize); return 0; }
        int cuEventQuery(P e) { TRY(cuEventQuery); return 0; }
        int cuEventElapsedTime(float* t, struct event* a, struct event* b) { TRY(cuEventElapsedTime); *t = (b->at.tv_sec - a->at.tv_sec) * 1e3f + (b->at.tv_nsec - a->at.tv_nsec) * 1e-6f; return 0; }
        int cuGraphCreate(P* g, unsigned f) { *g = calloc(1, sizeof(struct graph)); return 0; }
        int cuGraphDestroy(P g) { free(g); return 0; }
        int cuGraphGetNodes(struct graph* g, P* nodes, size_t* n) { if (nodes) for (int i = 0; i < g->count; i++) nodes[i] = &g->fills[i]; *n = g->count; return 0; }
        int cuGraphInstantiateWithFlags(P* x, struct graph* g, u64 f) { *x = malloc(sizeof *g); memcpy(*x, g, sizeof *g); return 0; }
        int cuGraphExecUpdate(struct graph* x, struct graph* g, P* node, int* result) { if (x->count != g->count) { *result = 2; return 910; } memcpy(x, g, sizeof *g); *result = 0; return 0; }
        int cuGraphLaunch(struct graph* x, P s) { TRY(cuGraphLaunch); for (int i = 0; i < x->count; i++) run_fill(x->fills[i]); return 0; }
        int cuGraphUpload(P x, P s) { return 0; }
        int cuGraphExecDestroy(P x) { free(x); return 0; }
        // --- NVRTC: "compiles" a source to itself; a source with #error does not compile
        struct program { char* source; char* log; char options[512]; char header[256]; };
        const char* nvrtcGetErrorString(int r) { return r == 6 ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_FAKE"; }
        int nvrtcVersion(int* a, int* b) { TRY(nvrtcVersion); *a = 12; *b = 4; return 0; }
        int nvrtcGetNumSupportedArchs(int* n) { *n = 3; return 0; }
        int nvrtcGetSupportedArchs(int* a) { a[0] = 90; a[1] = 80; a[2] = 86; return 0; }
        int nvrtcCreateProgram(P* p, const char* s, const char* n, int h, const char** headers, const char** names) {
            struct program* q = calloc(1, sizeof *q); q->source = strdup(s);
            for (int i = 0; i < h; i++) note("header %s: %s\n", names[i], headers[i]);
            *p = q; return 0; }
        int nvrtcDestroyProgram(P* p) { free(*p); *p = 0; return 0; }
        int nvrtcAddNameExpression(P p, const char* e) { note("expression %s\n", e); return 0; }
        int nvrtcCompileProgram(struct program* p, int n, const char** options) {
            note("compile"); for (int i = 0; i < n; i++) note(" %s", options[i]); note("\n");
            if (strstr(p->source, "#error")) { p->log = "x.cu(1): error: #error"; return 6; }
            p->log = "a fake log"; return 0; }
        int nvrtcGetLoweredName(P p, const char* e, const char** l) { *l = e; return 0; }
        int nvrtcGetPTXSize(struct program* p, size_t* n) { *n = strlen(p->source) + 1; return 0; }
        int nvrtcGetPTX(struct program* p, char* t) { strcpy(t, p->source); return 0; }
        int nvrtcGetCUBINSize(struct program* p, size_t* n) { *n = strlen(p->source); return 0; }
        int nvrtcGetCUBIN(struct program* p, char* t) { memcpy(t, p->source, strlen(p->source)); return 0; }
        int nvrtcGetProgramLogSize(struct program* p, size_t* n) { *n = strlen(p->log) + 1; return 0; }
        int nvrtcGetProgramLog(struct program* p, char* t) { strcpy(t, p->log); return 0; }
        // --- cuBLAS
        static P blas_stream; static int blas_mode;
        const char* cublasGetStatusString(int s) { return "the function failed to launch on the GPU"; }
        int cublasCreate_v2(P* h) { TRY(cublasCreate); *h = malloc(8); return 0; }
        int cublasDestroy_v2(P h) { note("cublasDestroy\n"); free(h); return 0; }
        int cublasGetVersion_v2(P h, int* v) { *v = 120401; return 0; }
        int cublasSetStream_v2(P h, P s) { blas_stream = s; return 0; }
        int cublasGetStream_v2(P h, P* s) { *s = blas_stream; return 0; }
        int cublasSetWorkspace_v2(P h, P w, size_t b) { note("workspace %zu\n", b); return 0; }
        int cublasSetMathMode(P h, int m) { blas_mode = m; return 0; }
        int cublasGetMathMode(P h, int* m) { *m = blas_mode; return 0; }
        int cublasSgemm_v2(P h, int ta, int tb, int m, int n, int k, float* alpha, P a, int lda, P b, int ldb, float* beta, P c, int ldc) {
            TRY(cublasSgemm); note("sgemm %d %d %d %d %d %g %g %d %d %d\n", ta, tb, m, n, k, *alpha, *beta, lda, ldb, ldc); return 0; }
        int cublasGemmEx(P h, int ta, int tb, int m, int n, int k, float* alpha, P a, int at, int lda, P b, int bt, int ldb, float* beta, P c, int ct, int ldc, int compute, int algo) {
            note("gemmex %d %d %d %d %d %g %g %d %d %d %d %d %d %d %d\n", ta, tb, m, n, k, *alpha, *beta, at, lda, bt, ldb, ct, ldc, compute, algo); return 0; }
        int cublasGemmStridedBatchedEx(P h, int ta, int tb, int m, int n, int k, float* alpha, P a, int at, int lda, long long sa, P b, int bt, int ldb, long long sb, float* beta, P c, int ct, int ldc, long long sc, int batch, int compute, int algo) {
            note("batched %d %d %d %d %d %g %g %d %d %lld %d %d %lld %d %d %lld %d %d %d\n", ta, tb, m, n, k, *alpha, *beta, at, lda, sa, bt, ldb, sb, ct, ldc, sc, batch, compute, algo); return 0; }
        // --- cuDNN 9.1.0
        size_t cudnnGetVersion() { return 90100; }
        const char* cudnnGetErrorString(int s) { return "CUDNN_STATUS_NOT_SUPPORTED"; }
        static P dnn_stream;
        int cudnnCreate(P* h) { *h = malloc(8); return 0; }
        int cudnnDestroy(P h) { note("cudnnDestroy\n"); free(h); return 0; }
        int cudnnSetStream(P h, P s) { dnn_stream = s; return 0; }
        int cudnnGetStream(P h, P* s) { *s = dnn_stream; return 0; }
        #define DESCRIPTOR(n) int cudnnCreate##n##Descriptor(P* d) { *d = malloc(8); return 0; } int cudnnDestroy##n##Descriptor(P d) { free(d); return 0; }
        DESCRIPTOR(Tensor) DESCRIPTOR(Filter) DESCRIPTOR(Convolution)
        int cudnnSetTensor4dDescriptor(P d, int f, int t, int n, int c, int h, int w) { note("tensor %d %d %d %d %d %d\n", f, t, n, c, h, w); return 0; }
        int cudnnSetFilter4dDescriptor(P d, int t, int f, int k, int c, int h, int w) { note("filter %d %d %d %d %d %d\n", t, f, k, c, h, w); return 0; }
        int cudnnSetConvolution2dDescriptor(P d, int a, int b, int u, int v, int x, int y, int m, int t) { note("convolution %d %d %d %d %d %d %d %d\n", a, b, u, v, x, y, m, t); return 0; }
        int cudnnSetConvolutionGroupCount(P d, int g) { note("groups %d\n", g); return 0; }
        int cudnnSetConvolutionMathType(P d, int m) { note("math %d\n", m); return 0; }
        int cudnnGetConvolution2dForwardOutputDim(P d, P x, P f, int* n, int* c, int* h, int* w) { *n = 1; *c = 2; *h = 3; *w = 4; return 0; }
        struct perf { int algo, status; float time; size_t memory; int determinism, math, reserved[3]; };
        static int algorithms(int wanted, int* n, struct perf* r) {
            *n = 3; for (int i = 0; i < 3; i++) { memset(r + i, 0, sizeof *r); r[i].algo = 2 - i; r[i].status = i == 1 ? 3000 : 0; r[i].memory = 1000 + i; r[i].determinism = i == 2; r[i].math = 3; } return 0; }
        int cudnnGetConvolutionForwardAlgorithm_v7(P h, P x, P w, P c, P y, int k, int* n, struct perf* r) { return algorithms(k, n, r); }
        int cudnnGetConvolutionBackwardDataAlgorithm_v7(P h, P w, P dy, P c, P dx, int k, int* n, struct perf* r) { return algorithms(k, n, r); }
        int cudnnGetConvolutionBackwardFilterAlgorithm_v7(P h, P x, P dy, P c, P dw, int k, int* n, struct perf* r) { return algorithms(k, n, r); }
        int cudnnGetConvolutionForwardWorkspaceSize(P h, P x, P w, P c, P y, int a, size_t* b) { *b = 100 + a; return 0; }
        int cudnnGetConvolutionBackwardDataWorkspaceSize(P h, P w, P dy, P c, P dx, int a, size_t* b) { *b = 200 + a; return 0; }
        int cudnnGetConvolutionBackwardFilterWorkspaceSize(P h, P x, P dy, P c, P dw, int a, size_t* b) { *b = 300 + a; return 0; }
        int cudnnConvolutionForward(P h, float* alpha, P xd, P x, P wd, P w, P c, int a, P ws, size_t wb, float* beta, P yd, P y) { TRY(cudnnConvolutionForward); note("forward %g %g algo %d workspace %zu %d\n", *alpha, *beta, a, wb, ws != 0); return 0; }
        int cudnnConvolutionBackwardData(P h, float* alpha, P wd, P w, P dyd, P dy, P c, int a, P ws, size_t wb, float* beta, P dxd, P dx) { note("data %g %g algo %d workspace %zu\n", *alpha, *beta, a, wb); return 0; }
        int cudnnConvolutionBackwardFilter(P h, float* alpha, P xd, P x, P dyd, P dy, P c, int a, P ws, size_t wb, float* beta, P dwd, P dw) { note("weights %g %g algo %d workspace %zu\n", *alpha, *beta, a, wb); return 0; }
        """;
}
