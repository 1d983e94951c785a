using CsUnet.Cli;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Tests.Cli;

/// <summary>
/// <c>csunet kernels</c>. A profile needs the emulated device, and a process has one driver. Therefore the program runs as a process of its
/// own, with a copy of the kernels that a test can change.
/// </summary>
public sealed class KernelProfileTests
{
    [Fact]
    public void A_planted_stride_shows_on_its_line()
    {
        const string Right = "Pack x = load_pack(input + i, V);";
        using var kernels = new KernelFolder();
        string table = kernels["right.csv"];
        ProgramRun right = kernels.Profile("--op", "Activation", "--csv", table);
        Assert.Equal(ExitCode.Success, right.Code);
        int line = kernels.Replace("activation.cu", Right, "Pack x = load_pack(input + (V == 4 ? i / 4 * 5 % (count / 4) * 4 : i), V);");
        Assert.Equal(1, Ratio(right, "gelu_forward_float32", $"activation.cu:{line} global read, 16 bytes"));

        ProgramRun wrong = kernels.Profile("--op", "Activation", "--check", table);
        Assert.True(Ratio(wrong, "gelu_forward_float32", $"activation.cu:{line} global read, 16 bytes") > 1.5, wrong.Out);
        Assert.Equal(ExitCode.Failure, wrong.Code);
        Assert.Matches($@"gelu_forward_float32: sectors of global memory rose from 1\.000 to .*, most of it at activation\.cu:{line}\n",
            wrong.Error);
        Assert.DoesNotContain("gelu_backward", wrong.Error);
    }

    [Fact]
    public void A_planted_bank_conflict_shows_on_its_line()
    {
        using var kernels = new KernelFolder();
        int line = kernels.Replace("column_sum.cu", "&sums[ty][k * LANES + lane]", "&sums[ty][V * lane + k]");
        ProgramRun run = kernels.Profile("--op", "conv_*2D");
        Assert.Equal(ExitCode.Success, run.Code);
        Assert.Matches(@"^\d+ cases of Conv2d\n", run.Out);
        Assert.True(Ratio(run, "column_sum_partial_float32", $"column_sum.cu:{line} shared write, 8 bytes", wavefronts: true) > 1.2,
            run.Out);
    }

    [Fact]
    public void An_unwritten_element_fails_the_profile()
    {
        using var kernels = new KernelFolder();
        int line = kernels.Replace("activation.cu", "store_pack(output + i, x, V);", "if (i != 8) store_pack(output + i, x, V);");
        ProgramRun run = kernels.Profile("--op", "Activation", "--totals");
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("unwritten: kernel gelu_forward_float32", run.Error);
        Assert.Contains($"activation.cu:{line}", run.Error);
    }

    [Fact]
    public void Without_a_compiler_the_package_is_named()
    {
        using var kernels = new KernelFolder();
        ProgramRun run = kernels.Run(["kernels", "profile", "--op", "Activation"], ("CSUNET_EMULATOR_CXX", "/nonexistent/g++"),
            ("CSUNET_CACHE", kernels["cache"]));
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("install the package g++", run.Error);
    }

    [Fact]
    public void A_wrong_call_is_refused()
    {
        ProgramRun.Refuses(["kernels", "profile", "--op", "LayrNorm"], "--op LayrNorm", "did you mean 'LayerNorm'?", ", expected one of A");
        ProgramRun.Refuses(["kernels", "profile", "--op", "Conv*x"], "no operator has such a name");
        ProgramRun.Refuses(["kernels", "profile", "--check", "no-such.csv"], "--check no-such.csv: there is no such file");
    }

    [Fact]
    public void The_list_has_every_kernel_of_every_file()
    {
        ProgramRun run = ProgramRun.Of("kernels", "list");
        Assert.Equal(ExitCode.Success, run.Code);
        Assert.All(KernelLibrary.Files, file => Assert.Contains($"{file}.cu\n", run.Out));
        Assert.Contains("  gelu_backward_bf16\n", run.Out);
    }

    [Fact]
    public void A_rise_names_the_line_and_a_fall_is_none()
    {
        const string Before =
            "a,x.cu:1,global,read,4,1,128,4,4,1.000\na,x.cu:2,global,write,4,1,128,8,4,2.000\nb,x.cu:9,shared,read,4,1,128,4,4,1.000\n";
        IReadOnlyList<KernelCost> before = Table(Before);
        Assert.Empty(KernelProfile.Rises(before, before));
        IReadOnlyList<KernelCost> worse =
            Table(Before.Replace("x.cu:1,global,read,4,1,128,4", "x.cu:1,global,read,4,1,128,16", StringComparison.Ordinal));
        Assert.Equal(["a: sectors of global memory rose from 1.500 to 3.000 times the ideal, most of it at x.cu:1"],
            KernelProfile.Rises(before, worse));
        Assert.Empty(KernelProfile.Rises(worse, before));
        Assert.Contains("no-table.csv, line 2: 'a,b' is no row", Assert.Throws<InvalidFileException>(
            () => KernelProfile.Parse($"{KernelProfile.Heading}\na,b\n", "no-table.csv")).Message);

        static IReadOnlyList<KernelCost> Table(string rows) => KernelProfile.Parse($"{KernelProfile.Heading}\n{rows}", "table");
    }

    /// <summary>The ratio in the row of a kernel's line; on request the second of two ratios, that of shared memory.</summary>
    private static double Ratio(ProgramRun run, string kernel, string line, bool wavefronts = false)
    {
        string row = run.Out.Split('\n').SkipWhile(text => !text.StartsWith($"{kernel} ", StringComparison.Ordinal))
            .First(text => text.StartsWith($"  {line} ", StringComparison.Ordinal));
        string[] numbers = row[(2 + line.Length)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(numbers.Length == 5, $"{row}: expected requests, bytes, actual, ideal, ratio");
        Assert.Equal(wavefronts, line.Contains("shared", StringComparison.Ordinal));
        return double.Parse(numbers[4], System.Globalization.CultureInfo.InvariantCulture);
    }
}
