using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CsUnet.Cuda;

/// <summary>
/// The arguments of a launch, copied in sequence into a buffer on the stack, so that a launch allocates nothing. The types must be
/// the parameters', in order: <c>int</c> for <c>int</c>, <c>CUdeviceptr</c> for any pointer, a struct for a struct of the same layout.
/// </summary>
/// <example><code>
/// var arguments = new KernelArguments();
/// arguments.Add(output.DevicePointer);
/// arguments.Add(rows);
/// kernel.Launch(stream, ref arguments);
/// </code></example>
public ref struct KernelArguments
{
    /// <summary>Maximum arguments of one launch.</summary>
    public const int MaxCount = 64;

    /// <summary>Maximum bytes of all arguments of one launch.</summary>
    public const int MaxBytes = 1024;

    private Block _values;
    private Offsets _offsets;
    private int _used;

    [InlineArray(MaxBytes / sizeof(ulong))]
    private struct Block
    {
        private ulong _first; // whole words, so that the buffer is aligned for every argument type
    }

    [InlineArray(MaxCount)]
    private struct Offsets
    {
        private short _first;
    }

    /// <summary>Number of arguments.</summary>
    public int Count { get; private set; }

    /// <summary>Adds an argument.</summary>
    /// <typeparam name="T">A type with the size and layout of the kernel's parameter.</typeparam>
    /// <param name="value">Its value.</param>
    /// <exception cref="InvalidOperationException">There are more than <see cref="MaxCount"/> arguments or <see cref="MaxBytes"/>
    /// bytes.</exception>
    public void Add<T>(T value) where T : unmanaged
    {
        int size = Unsafe.SizeOf<T>();
        int offset = (_used + 7) & ~7;
        if (Count == MaxCount || offset + size > MaxBytes)
            throw new InvalidOperationException($"KernelArguments: argument {Count} ({typeof(T).Name}, {size} bytes) is beyond " +
                $"{MaxCount} arguments or {MaxBytes} bytes.");
        MemoryMarshal.Write(MemoryMarshal.AsBytes((Span<ulong>)_values)[offset..], in value);
        _offsets[Count++] = (short)offset;
        _used = offset + size;
    }

    /// <summary>
    /// Writes the address of each value. The values must not move while the addresses are in use: keep this struct on the stack.
    /// </summary>
    [UnscopedRef]
    internal unsafe void Point(void** pointers)
    {
        byte* start = (byte*)Unsafe.AsPointer(ref _values);
        for (int i = 0; i < Count; i++)
            pointers[i] = start + _offsets[i];
    }
}
