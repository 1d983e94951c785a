using System.Globalization;
using System.Text.RegularExpressions;
using CsUnet.Cli;
using CsUnet.Tests.Cli;
using CsUnet.Tests.Cuda;

namespace CsUnet.Tests.Lab;

/// <summary><c>csunet lab</c> on the emulated device. The program runs as a separate process, since a process has one driver.</summary>
public sealed class LabEmulatedTests
{
    [Fact]
    public void A_projection_counts_what_shapes_say()
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        using var kernels = new KernelFolder();
        ProgramRun run = kernels.Run(["lab", "project", "--op", "add", "--shape", "50000x96", "--gpu", "h200"]);
        Assert.True(run.Code == 0, run.Error);
        Assert.StartsWith("projected, not measured: NVIDIA H200", run.Out);
        // Three tensors of 19.2 MB at nine tenths of 4.8 TB/s.
        string row = run.Out.Split('\n').Single(line => line.StartsWith("  add_forward_float32", StringComparison.Ordinal));
        double microseconds = double.Parse(Regex.Match(row, @"([\d.]+) memory").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(microseconds, 0.999 * 3 * 19.2e6 / 4.32e6, 1.001 * 3 * 19.2e6 / 4.32e6);
    }

    [Fact]
    public void A_check_runs_every_variant_and_says_what_one_does_not_take()
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        using var kernels = new KernelFolder();
        ProgramRun run = kernels.Run(["lab", "check", "--op", "layer_norm", "--device", "cuda:emulated"]);
        Assert.True(run.Code == 0, run.Error + run.Out);
        Assert.Matches(@"[1-9]\d* passed, 0 failed, [1-9]\d* not taken", run.Out);
        Assert.Contains("variant registers supports only", run.Out);
    }

    [Fact]
    public void An_operator_that_does_not_take_bfloat16_says_so_and_the_others_go_on()
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        using var kernels = new KernelFolder();
        ProgramRun run = kernels.Run(["lab", "check", "--op", "s", "--variant", "only", "--dtype", "bf16", "--device", "cuda:emulated"]);
        Assert.True(run.Code == 0, run.Error + run.Out);
        Assert.Contains("CrossEntropyDice: logits is bfloat16", run.Out);
        Assert.Matches(@"[1-9]\d* passed, 0 failed, [1-9]\d* not taken", run.Out);
    }

    [Fact]
    public void Watch_compares_a_changed_kernel_with_the_embedded_one()
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        using var kernels = new KernelFolder();
        kernels.Replace("activation.cu", "Pack x = load_pack(input + i, V);",
            "Pack x = load_pack(input + (V == 4 ? i / 4 * 5 % (count / 4) * 4 : i), V);");
        ProgramRun run = kernels.Run(["lab", "watch", "--op", "gelu", "--shape", "64x96", "--device", "cuda:emulated", "--rounds", "1"]);
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("version 1", run.Out);
        Assert.Contains("FAILED", run.Out);
        Assert.Matches(@"against embedded: sectors \+[1-9]", run.Out);
        Assert.Contains("projected, not measured", run.Out);
    }

    [Fact]
    public void A_kernel_that_does_not_compile_is_shown_and_watched_on()
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        using var kernels = new KernelFolder();
        kernels.Replace("activation.cu", "load_pack(input + i, V);", "load_pack(inputs + i, V);");
        ProgramRun run = kernels.Run(["lab", "watch", "--op", "gelu", "--shape", "64x96", "--device", "cuda:emulated", "--rounds", "1"]);
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("FAILED: ", run.Out);
        Assert.Matches("inputs.*(not declared|undeclared|undefined)", run.Out);
    }
}
