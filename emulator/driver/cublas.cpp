// The cuBLAS functions that src/Cuda calls, as plain loops on the host. They are ordered with a stream's other work and can be captured.
// Matrices are column-major; sums are float32 in the order of k; operands are rounded as the compute type or the math mode says.
#include "driver.h"
#include "../machine/device_memory.h"
#include <algorithm>
#include <cstring>

namespace csunet {

enum BlasStatus { BlasSuccess = 0, BlasNotInitialized = 1, BlasInvalidValue = 7, BlasExecutionFailed = 13, BlasNotSupported = 15 };
enum DataType { Float32 = 0, BFloat16 = 14 };
enum ComputeType { Compute32F = 68, Compute32FPedantic = 69, Compute32FFast16BF = 75, Compute32FFastTF32 = 77 };
enum Rounding { None, ToTf32, ToBf16 };
static constexpr int Tf32Math = 3;

struct Blas { void* stream = nullptr; int mode = 0; };
static Handles<Blas>& blas_handles() {
    static auto* all = new Handles<Blas>;
    return *all;
}

struct Matrix {
    uint64_t address;
    int type, leading, rows, columns;                   // as stored, before transposition
    long long stride;                                   // to the next matrix of a batch, in elements
    size_t element() const { return type == BFloat16 ? 2 : 4; }
    uint64_t at(int batch) const { return address + uint64_t(batch) * uint64_t(stride) * element(); }
    size_t bytes() const { return rows && columns ? (size_t(columns - 1) * size_t(leading) + size_t(rows)) * element() : 0; }
};
struct Product {
    bool transpose_a, transpose_b;
    int m, n, k, batches;
    float alpha, beta;
    Matrix a, b, c;
    Rounding rounding;
};

static float load(const Matrix& matrix, int batch, size_t row, size_t column) {
    const uint64_t address = matrix.at(batch) + (column * size_t(matrix.leading) + row) * matrix.element();
    uint32_t bits = 0;
    if (matrix.type == BFloat16) {
        uint16_t half;
        memcpy(&half, reinterpret_cast<const void*>(address), 2);
        bits = uint32_t(half) << 16;
    } else memcpy(&bits, reinterpret_cast<const void*>(address), 4);
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
// To the nearest number with 10 (tf32: ties away from zero) or 7 bits (bf16: ties to even) of mantissa.
static float rounded(float value, Rounding rounding) {
    if (rounding == None || value != value) return value;
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bits = rounding == ToTf32 ? (bits + 0x1000u) & 0xffffe000u : (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;
    memcpy(&value, &bits, 4);
    return value;
}
static void store(const Matrix& matrix, int batch, size_t row, size_t column, float value) {
    const uint64_t address = matrix.at(batch) + (column * size_t(matrix.leading) + row) * matrix.element();
    uint32_t bits;
    if (matrix.type == BFloat16) value = rounded(value, ToBf16);
    memcpy(&bits, &value, 4);
    auto half = uint16_t(bits >> 16);
    if (matrix.type == BFloat16) memcpy(reinterpret_cast<void*>(address), &half, 2);
    else memcpy(reinterpret_cast<void*>(address), &bits, 4);
}

static int execute_product(const Product& p) {
    const Matrix* all[] = {&p.a, &p.b, &p.c};
    for (int batch = 0; batch < p.batches; batch++)
        for (const Matrix* matrix : all)
            if (matrix->bytes() && check_device_range(matrix->at(batch), matrix->bytes())) return LaunchIllegalAddress;
    std::vector<float> a(size_t(p.m) * size_t(p.k)), b(size_t(p.n) * size_t(p.k));
    const auto m = size_t(p.m), n = size_t(p.n), k = size_t(p.k);
    for (int batch = 0; batch < p.batches; batch++) {
        for (size_t l = 0; l < k; l++) {
            for (size_t i = 0; i < m; i++) a[i * k + l] = rounded(p.transpose_a ? load(p.a, batch, l, i) : load(p.a, batch, i, l), p.rounding);
            for (size_t j = 0; j < n; j++) b[j * k + l] = rounded(p.transpose_b ? load(p.b, batch, j, l) : load(p.b, batch, l, j), p.rounding);
        }
        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < m; i++) {
                float sum = 0;
                for (size_t l = 0; l < k; l++) sum += a[i * k + l] * b[j * k + l];
                // With beta = 0, C is not read, because it may be NaN.
                store(p.c, batch, i, j, p.beta == 0 ? p.alpha * sum : p.alpha * sum + p.beta * load(p.c, batch, i, j));
            }
        for (size_t j = 0; j < n && m; j++) mark_written(p.c.at(batch) + j * size_t(p.c.leading) * p.c.element(), m * p.c.element());
    }
    return Success;
}

static int multiply(void* handle, int transpose_a, int transpose_b, int m, int n, int k, const float* alpha, Matrix a, Matrix b,
    const float* beta, Matrix c, int batches, int compute) {
    if (ready()) return BlasExecutionFailed;
    Blas* blas = blas_handles().find(handle);
    if (!blas) return BlasNotInitialized;
    if (transpose_a < 0 || transpose_a > 1 || transpose_b < 0 || transpose_b > 1 || m < 0 || n < 0 || k < 0 || batches < 0 || !alpha || !beta)
        return BlasInvalidValue;
    a.rows = transpose_a ? k : m, a.columns = transpose_a ? m : k;
    b.rows = transpose_b ? n : k, b.columns = transpose_b ? k : n;
    c.rows = m, c.columns = n;
    for (const Matrix& matrix : {a, b, c}) {
        if (matrix.leading < std::max(1, matrix.rows)) return BlasInvalidValue;
        if (matrix.type != Float32 && matrix.type != BFloat16) return BlasNotSupported;
    }
    if (a.type != b.type || (a.type == Float32 && c.type != Float32)) return BlasNotSupported;
    Rounding rounding = None;
    if (compute == Compute32FFastTF32 || (compute == Compute32F && blas->mode == Tf32Math)) rounding = ToTf32;
    else if (compute == Compute32FFast16BF) rounding = ToBf16;
    else if (compute != Compute32F && compute != Compute32FPedantic) return BlasNotSupported;
    Stream* stream = find_stream(blas->stream);
    if (!stream) return BlasInvalidValue;
    Product product{transpose_a == 1, transpose_b == 1, m, n, k, batches, *alpha, *beta, a, b, c, rounding};
    Work work;
    work.kind = Work::Host;
    work.host = [product] { return execute_product(product); };
    return submit(stream, std::move(work)) ? BlasExecutionFailed : BlasSuccess;
}

}

using namespace csunet;

CSUNET_API const char* cublasGetStatusString(int status) {
    switch (status) {
        case BlasSuccess: return "the operation completed successfully";
        case BlasNotInitialized: return "the library was not initialized";
        case BlasInvalidValue: return "an unsupported value or parameter was passed to the function";
        case BlasExecutionFailed: return "the function failed to launch on the GPU";
        case BlasNotSupported: return "the functionality requested is not supported";
        default: return "unknown status";
    }
}
CSUNET_API int cublasCreate_v2(void** handle) {
    if (!handle) return BlasInvalidValue;
    if (ready()) return BlasNotInitialized;
    *handle = blas_handles().add(new Blas);
    return BlasSuccess;
}
CSUNET_API int cublasDestroy_v2(void* handle) {
    Blas* found = blas_handles().remove(handle);
    delete found;
    return found ? BlasSuccess : BlasNotInitialized;
}
CSUNET_API int cublasGetVersion_v2(void*, int* version) {
    if (!version) return BlasInvalidValue;
    *version = 120401;                                  // the version of its NVRTC
    return BlasSuccess;
}
CSUNET_API int cublasSetStream_v2(void* handle, void* stream) {
    Blas* blas = blas_handles().find(handle);
    if (!blas) return BlasNotInitialized;
    if (!find_stream(stream)) return BlasInvalidValue;
    blas->stream = stream;
    return BlasSuccess;
}
CSUNET_API int cublasGetStream_v2(void* handle, void** stream) {
    Blas* blas = blas_handles().find(handle);
    if (!blas) return BlasNotInitialized;
    if (!stream) return BlasInvalidValue;
    *stream = blas->stream;
    return BlasSuccess;
}
CSUNET_API int cublasSetWorkspace_v2(void* handle, uint64_t workspace, size_t bytes) {
    if (!blas_handles().find(handle)) return BlasNotInitialized;
    return bytes && check_device_range(workspace, bytes) ? BlasInvalidValue : BlasSuccess;
}
CSUNET_API int cublasSetMathMode(void* handle, int mode) {
    Blas* blas = blas_handles().find(handle);
    if (!blas) return BlasNotInitialized;
    blas->mode = mode;
    return BlasSuccess;
}
CSUNET_API int cublasGetMathMode(void* handle, int* mode) {
    Blas* blas = blas_handles().find(handle);
    if (!blas) return BlasNotInitialized;
    if (!mode) return BlasInvalidValue;
    *mode = blas->mode;
    return BlasSuccess;
}
CSUNET_API int cublasSgemm_v2(void* handle, int transpose_a, int transpose_b, int m, int n, int k, const float* alpha, uint64_t a, int lda,
    uint64_t b, int ldb, const float* beta, uint64_t c, int ldc) {
    return multiply(handle, transpose_a, transpose_b, m, n, k, alpha, {a, Float32, lda, 0, 0, 0}, {b, Float32, ldb, 0, 0, 0}, beta,
        {c, Float32, ldc, 0, 0, 0}, 1, Compute32F);
}
CSUNET_API int cublasGemmEx(void* handle, int transpose_a, int transpose_b, int m, int n, int k, const float* alpha, uint64_t a, int type_a,
    int lda, uint64_t b, int type_b, int ldb, const float* beta, uint64_t c, int type_c, int ldc, int compute, int) {
    return multiply(handle, transpose_a, transpose_b, m, n, k, alpha, {a, type_a, lda, 0, 0, 0}, {b, type_b, ldb, 0, 0, 0}, beta,
        {c, type_c, ldc, 0, 0, 0}, 1, compute);
}
CSUNET_API int cublasGemmStridedBatchedEx(void* handle, int transpose_a, int transpose_b, int m, int n, int k, const float* alpha, uint64_t a,
    int type_a, int lda, long long stride_a, uint64_t b, int type_b, int ldb, long long stride_b, const float* beta, uint64_t c, int type_c,
    int ldc, long long stride_c, int batches, int compute, int) {
    return multiply(handle, transpose_a, transpose_b, m, n, k, alpha, {a, type_a, lda, 0, 0, stride_a}, {b, type_b, ldb, 0, 0, stride_b}, beta,
        {c, type_c, ldc, 0, 0, stride_c}, batches, compute);
}
