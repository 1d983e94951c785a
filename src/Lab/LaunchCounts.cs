using System.Globalization;
using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Lab;

/// <summary>
/// Counts the accesses and instructions of kernels on the emulator. A few blocks of each launch run, and their counts are scaled to the
/// grid, which is exact if blocks are alike. Results are then incomplete; only the counts are valid.
/// </summary>
public static class LaunchCounts
{
    /// <summary>Blocks of a launch that run. Eight cover the borders and the inside of an image.</summary>
    public const int SampledBlocks = 8;

    /// <summary>Runs operators on the emulated device and counts their launches.</summary>
    /// <param name="run">Creates tensors, applies operators, runs backward passes.</param>
    /// <param name="sample">Blocks of a launch that run; 0 for all.</param>
    /// <param name="once">
    /// With a sample, runs only one of several launches with the same kernel, grid, numbers and tensor alignment. This is valid because no
    /// kernel that a network launches twice in a step with the same numbers computes addresses from the contents of memory.
    /// </param>
    /// <exception cref="InvalidOperationException">The driver is not the emulator.</exception>
    public static IReadOnlyList<CountedLaunch> Of(Action run, int sample = SampledBlocks, bool once = true)
    {
        CudaEmulator.SetMode(CudaEmulatorMode.Hook);
        CudaEmulator.SetSample(sample);
        CudaEmulator.SetCountOnce(once);
        CudaEmulator.ClearProfile();
        try
        {
            using var launches = new LaunchTrace();
            using var operators = new OperatorTrace();
            run();
            CudaDevice.Get(Device.Cuda).Synchronize();
            return Join(launches.Entries, operators.Entries, CudaEmulator.GetLaunchesCsv());
        }
        finally
        {
            CudaEmulator.SetSample(0);
            CudaEmulator.SetCountOnce(false);
            CudaEmulator.ClearProfile();
            // Skipped blocks have written nothing, and later launches read their output: that is not a finding.
            CudaEmulator.ClearReport();
        }
    }

    private static List<CountedLaunch> Join(
        IReadOnlyList<LaunchTrace.Entry> launches, IReadOnlyList<OperatorTrace.Entry> operators, string csv)
    {
        string[] lines = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..];
        if (lines.Length != launches.Count)
            throw new InvalidOperationException($"the emulator counted {lines.Length} launches, but {launches.Count} were traced");
        var counted = new List<CountedLaunch>();
        int at = 0;
        foreach (OperatorTrace.Entry entry in operators)
        {
            Add(entry.LaunchesSoFar, $"{entry.Operator.Name}{(entry.IsBackward ? CountedLaunch.Backward : "")}", PassFlops(entry));
        }
        Add(launches.Count, "other", 0);
        return counted;

        void Add(int end, string name, double flops)
        {
            string[][] cells = [.. lines[at..end].Select(line => line.Split(','))];
            // On the matrix units instructions give the operations; elsewhere the product's kernels share the operations of the pass.
            bool hasMatrix = cells.Any(row => row[5] != "0");
            int products = hasMatrix ? 0 : Enumerable.Range(at, end - at).Count(i => IsProduct(launches[i].Kernel));
            for (int i = at; i < end; i++)
            {
                double[] numbers = [.. cells[i - at][1..].Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
                double share = !hasMatrix && products > 0 && IsProduct(launches[i].Kernel) ? flops / products : 0;
                counted.Add(new CountedLaunch(launches[i], numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], share, name));
            }
            at = end;
        }
    }

    /// <summary>Whether a kernel computes a product, rather than summing its partial results or copying operands.</summary>
    private static bool IsProduct(string kernel) =>
        (kernel.StartsWith("gemm", StringComparison.Ordinal) || kernel.StartsWith("linear", StringComparison.Ordinal)
            || kernel.StartsWith("conv2d", StringComparison.Ordinal) || kernel.StartsWith("window_attention", StringComparison.Ordinal))
        && !kernel.Contains("_total", StringComparison.Ordinal) && !kernel.Contains("_table", StringComparison.Ordinal)
        && !kernel.Contains("_reduce", StringComparison.Ordinal) && !kernel.Contains("_pack", StringComparison.Ordinal);

    // Two operations per multiply-add; a backward pass has two products for each one of the forward pass, and attention's recomputes one
    // of the two forward products: five for two.
    internal static double PassFlops(OperatorTrace.Entry entry) =>
        2.0 * entry.MultiplyAdds * (!entry.IsBackward ? 1 : entry.Operator is WindowAttention ? 2.5 : 2);
}
