using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CsUnet.Cuda.BasicTypes;

[assembly: DisableRuntimeMarshalling]

namespace CsUnet.Cuda.Native;

/// <summary>
/// The C functions of the CUDA driver that this engine calls, with entry points that all drivers for CUDA 11.4 to 13 export.
/// If a newer version of a function exists (<c>cuGraphExecUpdate_v2</c>), this uses the old symbol, which no driver has dropped.
/// </summary>
internal static unsafe partial class DriverNative
{
    private const string Library = CudaLibraries.DriverName;

    [LibraryImport(Library)]
    internal static partial CUResult cuInit(uint flags);

    [LibraryImport(Library)]
    internal static partial CUResult cuDriverGetVersion(int* version);

    [LibraryImport(Library)]
    internal static partial CUResult cuGetErrorName(CUResult error, byte** text);

    [LibraryImport(Library)]
    internal static partial CUResult cuGetErrorString(CUResult error, byte** text);

    [LibraryImport(Library)]
    internal static partial CUResult cuDeviceGetCount(int* count);

    [LibraryImport(Library)]
    internal static partial CUResult cuDeviceGet(CUdevice* device, int ordinal);

    [LibraryImport(Library)]
    internal static partial CUResult cuDeviceGetName(byte* name, int length, CUdevice device);

    [LibraryImport(Library, EntryPoint = "cuDeviceTotalMem_v2")]
    internal static partial CUResult cuDeviceTotalMem(nuint* bytes, CUdevice device);

    [LibraryImport(Library)]
    internal static partial CUResult cuDeviceGetAttribute(int* value, CUDeviceAttribute attribute, CUdevice device);

    [LibraryImport(Library)]
    internal static partial CUResult cuDeviceGetDefaultMemPool(CUmemoryPool* pool, CUdevice device);

    [LibraryImport(Library)]
    internal static partial CUResult cuDeviceGetMemPool(CUmemoryPool* pool, CUdevice device);

    [LibraryImport(Library)]
    internal static partial CUResult cuDeviceSetMemPool(CUdevice device, CUmemoryPool pool);

    [LibraryImport(Library)]
    internal static partial CUResult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device);

    [LibraryImport(Library, EntryPoint = "cuDevicePrimaryCtxRelease_v2")]
    internal static partial CUResult cuDevicePrimaryCtxRelease(CUdevice device);

    [LibraryImport(Library, EntryPoint = "cuCtxCreate_v2")]
    internal static partial CUResult cuCtxCreate(CUcontext* context, CUCtxFlags flags, CUdevice device);

    [LibraryImport(Library, EntryPoint = "cuCtxDestroy_v2")]
    internal static partial CUResult cuCtxDestroy(CUcontext context);

    [LibraryImport(Library)]
    internal static partial CUResult cuCtxSetCurrent(CUcontext context);

    [LibraryImport(Library)]
    internal static partial CUResult cuCtxGetCurrent(CUcontext* context);

    [LibraryImport(Library)]
    internal static partial CUResult cuCtxSynchronize();

    [LibraryImport(Library)]
    internal static partial CUResult cuModuleLoadData(CUmodule* module, void* image);

    [LibraryImport(Library)]
    internal static partial CUResult cuModuleLoadDataEx(CUmodule* module, void* image, uint options, int* names, void** values);

    [LibraryImport(Library)]
    internal static partial CUResult cuModuleUnload(CUmodule module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial CUResult cuModuleGetFunction(CUfunction* function, CUmodule module, string name);

    [LibraryImport(Library, EntryPoint = "cuModuleGetGlobal_v2", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial CUResult cuModuleGetGlobal(CUdeviceptr* pointer, nuint* bytes, CUmodule module, string name);

    [LibraryImport(Library)]
    internal static partial CUResult cuFuncGetAttribute(int* value, CUFunctionAttribute attribute, CUfunction function);

    [LibraryImport(Library)]
    internal static partial CUResult cuFuncSetAttribute(CUfunction function, CUFunctionAttribute attribute, int value);

    [LibraryImport(Library)]
    internal static partial CUResult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int blockSize,
        nuint dynamicSharedBytes);

    [LibraryImport(Library)]
    internal static partial CUResult cuLaunchKernel(CUfunction function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY,
        uint blockZ, uint dynamicSharedBytes, CUstream stream, void** arguments, void** extra);

    [LibraryImport(Library, EntryPoint = "cuMemGetInfo_v2")]
    internal static partial CUResult cuMemGetInfo(nuint* free, nuint* total);

    [LibraryImport(Library, EntryPoint = "cuMemAlloc_v2")]
    internal static partial CUResult cuMemAlloc(CUdeviceptr* pointer, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemFree_v2")]
    internal static partial CUResult cuMemFree(CUdeviceptr pointer);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemAllocAsync(CUdeviceptr* pointer, nuint bytes, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemFreeAsync(CUdeviceptr pointer, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemHostAlloc(nint* pointer, nuint bytes, CUMemHostAllocFlags flags);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemFreeHost(nint pointer);

    [LibraryImport(Library, EntryPoint = "cuMemGetAddressRange_v2")]
    internal static partial CUResult cuMemGetAddressRange(CUdeviceptr* start, nuint* bytes, CUdeviceptr pointer);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoD_v2")]
    internal static partial CUResult cuMemcpyHtoD(CUdeviceptr destination, void* source, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoH_v2")]
    internal static partial CUResult cuMemcpyDtoH(void* destination, CUdeviceptr source, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoD_v2")]
    internal static partial CUResult cuMemcpyDtoD(CUdeviceptr destination, CUdeviceptr source, nuint bytes);

    [LibraryImport(Library, EntryPoint = "cuMemcpyHtoDAsync_v2")]
    internal static partial CUResult cuMemcpyHtoDAsync(CUdeviceptr destination, void* source, nuint bytes, CUstream stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoHAsync_v2")]
    internal static partial CUResult cuMemcpyDtoHAsync(void* destination, CUdeviceptr source, nuint bytes, CUstream stream);

    [LibraryImport(Library, EntryPoint = "cuMemcpyDtoDAsync_v2")]
    internal static partial CUResult cuMemcpyDtoDAsync(CUdeviceptr destination, CUdeviceptr source, nuint bytes, CUstream stream);

    [LibraryImport(Library, EntryPoint = "cuMemsetD8_v2")]
    internal static partial CUResult cuMemsetD8(CUdeviceptr destination, byte value, nuint count);

    [LibraryImport(Library, EntryPoint = "cuMemsetD16_v2")]
    internal static partial CUResult cuMemsetD16(CUdeviceptr destination, ushort value, nuint count);

    [LibraryImport(Library, EntryPoint = "cuMemsetD32_v2")]
    internal static partial CUResult cuMemsetD32(CUdeviceptr destination, uint value, nuint count);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemsetD8Async(CUdeviceptr destination, byte value, nuint count, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemsetD16Async(CUdeviceptr destination, ushort value, nuint count, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemsetD32Async(CUdeviceptr destination, uint value, nuint count, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemPoolCreate(CUmemoryPool* pool, CUmemPoolProps* properties);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemPoolDestroy(CUmemoryPool pool);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemPoolTrimTo(CUmemoryPool pool, nuint bytesToKeep);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void* value);

    [LibraryImport(Library)]
    internal static partial CUResult cuMemAllocFromPoolAsync(CUdeviceptr* pointer, nuint bytes, CUmemoryPool pool, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuStreamCreate(CUstream* stream, CUStreamFlags flags);

    [LibraryImport(Library)]
    internal static partial CUResult cuStreamCreateWithPriority(CUstream* stream, CUStreamFlags flags, int priority);

    [LibraryImport(Library, EntryPoint = "cuStreamDestroy_v2")]
    internal static partial CUResult cuStreamDestroy(CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuStreamSynchronize(CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuStreamQuery(CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuStreamWaitEvent(CUstream stream, CUevent waitFor, uint flags);

    [LibraryImport(Library, EntryPoint = "cuStreamBeginCapture_v2")]
    internal static partial CUResult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode mode);

    [LibraryImport(Library)]
    internal static partial CUResult cuStreamEndCapture(CUstream stream, CUgraph* graph);

    [LibraryImport(Library)]
    internal static partial CUResult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* status);

    [LibraryImport(Library)]
    internal static partial CUResult cuEventCreate(CUevent* created, CUEventFlags flags);

    [LibraryImport(Library, EntryPoint = "cuEventDestroy_v2")]
    internal static partial CUResult cuEventDestroy(CUevent destroyed);

    [LibraryImport(Library)]
    internal static partial CUResult cuEventRecord(CUevent recorded, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuEventSynchronize(CUevent waitFor);

    [LibraryImport(Library)]
    internal static partial CUResult cuEventQuery(CUevent queried);

    [LibraryImport(Library)]
    internal static partial CUResult cuEventElapsedTime(float* milliseconds, CUevent start, CUevent stop);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphCreate(CUgraph* graph, uint flags);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphDestroy(CUgraph graph);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, nuint* count);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, ulong flags);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphExecUpdate(CUgraphExec executable, CUgraph graph, CUgraphNode* errorNode,
        CUgraphExecUpdateResult* result);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphLaunch(CUgraphExec executable, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphUpload(CUgraphExec executable, CUstream stream);

    [LibraryImport(Library)]
    internal static partial CUResult cuGraphExecDestroy(CUgraphExec executable);
}
