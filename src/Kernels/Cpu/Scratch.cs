using System.Runtime.InteropServices;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Native buffers per thread, 64-byte aligned. They grow to the largest request and stay, so the steady state allocates nothing.
/// </summary>
internal sealed unsafe class Scratch
{
    [ThreadStatic] private static Scratch? t_scratch;

    private readonly void*[] _blocks = new void*[(int)ScratchSlot.Attention + 1];
    private readonly nuint[] _bytes = new nuint[(int)ScratchSlot.Attention + 1];

    ~Scratch()
    {
        foreach (void* block in _blocks)
            NativeMemory.AlignedFree(block);
    }

    /// <summary>The calling thread's buffer of a slot, with at least <paramref name="count"/> elements, uninitialised.</summary>
    public static T* Rent<T>(ScratchSlot slot, long count) where T : unmanaged
    {
        Scratch scratch = t_scratch ??= new Scratch();
        // One extra cache line: vector copies may write past the last element.
        nuint bytes = checked((nuint)count * (nuint)sizeof(T)) + 64;
        DryRun.CountScratch((int)slot, (long)bytes);
        if (scratch._bytes[(int)slot] < bytes)
        {
            NativeMemory.AlignedFree(scratch._blocks[(int)slot]);
            scratch._blocks[(int)slot] = null;
            scratch._bytes[(int)slot] = 0;
            nuint grown = (bytes + bytes / 4 + 63) / 64 * 64;
            scratch._blocks[(int)slot] = NativeMemory.AlignedAlloc(grown, 64);
            scratch._bytes[(int)slot] = grown;
        }
        return (T*)scratch._blocks[(int)slot];
    }
}
