using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>
/// Copies of channel runs. The index maps of patch merging, pixel shuffle, concatenation, padding and cropping move whole rows of channels,
/// so they copy bytes of any element type.
/// </summary>
internal static unsafe class Rearrange
{
    /// <summary>Copies n bytes.</summary>
    public static void Copy(byte* source, byte* target, long bytes) => Buffer.MemoryCopy(source, target, bytes, bytes);

    /// <summary>Runs a copy for each row, on all threads, in chunks of about 64 KiB.</summary>
    public static void Rows(long rows, long bytesPerRow, Action<long> copyRow) =>
        Workers.Split(rows, Math.Max(1, 65536 / Math.Max(1, bytesPerRow)), (start, end) =>
        {
            for (long row = start; row < end; row++)
                copyRow(row);
        });
}
