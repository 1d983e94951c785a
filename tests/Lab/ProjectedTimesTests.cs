using CsUnet.Cli.Commands.Lab;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Tests.Cli;

namespace CsUnet.Tests.Lab;

/// <summary>Projected times next to measured ones.</summary>
public sealed class ProjectedTimesTests
{
    [Fact]
    public void What_was_projected_is_read_again_and_judged_by_what_is_measured()
    {
        Gpu h200 = Gpu.Named("h200");
        // 43.2 MB at nine tenths of 4.8 TB/s: 10 us.
        ProjectedLaunch copy = Projection.Of(new CountedLaunch(
            new LaunchTrace.Entry("add", "add_forward_float32", new dim3(2112), new dim3(256), 0, 43_200_000), 1_350_000, 1_350_000, 0, 0,
            0, 0, "Add"), h200, new KernelResources(h200.Architecture));
        BenchRow slow = Row("gelu", 30e-6), close = Row("relu", 11e-6), unknown = Row("add", 1);
        using var workspace = new Workspace();
        ProjectedTimes projected = ProjectedTimes.Read(workspace.Write("projected.json",
            ProjectedTimes.ToJson(h200, [(slow.Name, [copy]), (close.Name, [copy])], "a command")));
        Assert.Equal(10e-6, projected.Seconds[slow.Name], 1e-9);
        (double median, double least, double most, int rows) = projected.Errors([slow, close, unknown])!.Value;
        Assert.Equal((3.0, 1.1, 3.0, 2), (Math.Round(median, 3), Math.Round(least, 3), Math.Round(most, 3), rows));
        Assert.Contains("2 of 3 rows", projected.Summary([slow, close, unknown]));
        Assert.Null(projected.Errors([unknown]));
        Assert.Contains("none of the 1 rows", projected.Summary([unknown]));
    }

    [Fact]
    public void A_file_that_is_no_projection_or_of_another_device_is_refused()
    {
        using var workspace = new Workspace();
        string[] bench = ["lab", "bench", "--op", "gelu", "--device", "cpu", "--projected"];
        ProgramRun.Refuses([.. bench, workspace["none.json"]], "none.json", "csunet lab project --json");
        ProgramRun.Refuses([.. bench, workspace.Write("bench.json", """{"what":"kernel bench","rows":[]}""")], "bench.json",
            "kernel bench");
        ProgramRun.Refuses([.. bench, workspace.Write("cut.json", """{"what":"projection","gpu":"""), ], "cut.json", "not a projection");
        ProgramRun.Refuses([.. bench, workspace.Write("h200.json", ProjectedTimes.ToJson(Gpu.Named("h200"), [], ""))], "NVIDIA H200 SXM",
            "--device cuda");
    }

    private static BenchRow Row(string op, double seconds) => new(
        op, "1x1", Pass.Forward, "only", "float32", Times.Of([seconds]), 1, 0, [], null, 0, null, null);
}
