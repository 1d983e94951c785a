namespace CsUnet.Cuda;

/// <summary>Compiled kernels.</summary>
/// <param name="Image">The cubin or the PTX text, for <see cref="CudaModule"/>.</param>
/// <param name="LoweredNames">For each of <see cref="KernelSource.NameExpressions"/>, its name in the module.</param>
/// <param name="Log">The compiler's log.</param>
/// <param name="FromCache">Whether it was read from disk instead of compiled.</param>
public sealed record CompiledKernels(byte[] Image, IReadOnlyDictionary<string, string> LoweredNames, string Log, bool FromCache);
