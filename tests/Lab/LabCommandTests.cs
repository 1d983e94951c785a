using CsUnet.Cli;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Tensors;
using CsUnet.Tests.Cli;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Lab;

/// <summary><c>csunet lab</c> and <c>csunet bench compare</c> on the CPU.</summary>
public sealed class LabCommandTests
{
    [Fact]
    public void List_names_operators_shapes_and_variants()
    {
        ProgramRun run = ProgramRun.Of("lab", "list", "--op", "layer_norm");
        Assert.Equal(0, run.Code);
        Assert.Contains("6272x96", run.Out);
        Assert.Contains("cpu variant vectors", run.Out);
        Assert.Contains("cpu variant reference", run.Out);
        Assert.Contains("cuda variant registers", run.Out);
        Assert.Contains("forward_blocks_per_multiprocessor", run.Out);
    }

    [Fact]
    public void A_bench_prints_checks_and_writes_what_was_asked_for()
    {
        using var workspace = new Workspace();
        ProgramRun run = ProgramRun.Of("lab", "bench", "--op", "layer_norm", "--shape", "64x32", "--device", "cpu", "--milliseconds", "20",
            "--csv", workspace["a.csv"], "--json", workspace["a.json"]);
        Assert.True(run.Code == 0, run.Error + run.Out);
        Assert.Contains("ceilings: ", run.Out);
        // A heading, and two passes for each of two variants.
        Assert.Equal(5, File.ReadAllLines(workspace["a.csv"]).Length);
        ProgramRun same = ProgramRun.Of("bench", "compare", workspace["a.json"], workspace["a.json"]);
        Assert.True(same.Code == 0, same.Error);
        Assert.Contains("4 compared, 0 slower", same.Out);
    }

    [Fact]
    public void A_report_holds_a_roofline()
    {
        using var workspace = new Workspace();
        ProgramRun run = ProgramRun.Of("lab", "report", "--op", "linear", "--shape", "64x32->32", "--device", "cpu", "--milliseconds", "20",
            "--out", workspace["lab.html"]);
        Assert.True(run.Code == 0, run.Error + run.Out);
        Assert.Equal(["lab.csv", "lab.html", "lab.json", "lab.svg"], workspace.Files());
        string page = File.ReadAllText(workspace["lab.html"]);
        Assert.Contains("<svg class=\"chart\"", page);
        Assert.Contains("64x32-&gt;32", page);
    }

    [Fact]
    public void A_check_passes_on_the_processor()
    {
        ProgramRun run = ProgramRun.Of("lab", "check", "--op", "softmax", "--device", "cpu");
        Assert.True(run.Code == 0, run.Error + run.Out);
        Assert.Matches(@"[1-9]\d* passed, 0 failed", run.Out);
    }

    [Fact]
    public void Tuning_writes_the_file_that_it_names()
    {
        using var tuning = new TuningFolder();
        ProgramRun run = ProgramRun.Of("lab", "tune", "--device", "cpu", "--milliseconds", "20", "--op", "layer_norm", "--shape", "6x16");
        Assert.True(run.Code == 0, run.Error + run.Out);
        string path = Path.Combine(tuning.Path, "cpu.json");
        Assert.Contains($"choices: {path}", run.Out);
        KernelChoices.Reload();
        var call = new OperatorCall(new LayerNorm(), [Tensor.Zeros([2, 3, 16]), Tensor.Zeros([16]), Tensor.Zeros([16])]);
        KernelChoice? stored = KernelChoices.For(call);
        Assert.NotNull(stored);
        Assert.Contains($"stored {stored} (", run.Out);
    }

    [Fact]
    public void Tuning_a_network_stores_choices_for_the_calls_of_its_own_step()
    {
        using var tuning = new TuningFolder();
        ProgramRun run = ProgramRun.Of(
            "lab", "tune", "--model", "cs-unet-mini", "--size", "32", "--batch", "2", "--device", "cpu", "--milliseconds", "1", "--op",
            "LayerNorm", "--variant", "vectors");
        Assert.True(run.Code == 0, run.Error + run.Out);
        Assert.Contains($"choices: {Path.Combine(tuning.Path, "cpu.json")}", run.Out);
        KernelChoices.Reload();
        var options = CsUnet.Models.Networks.SegmentationModels.Preset("cs-unet-mini", 32, 32, 3);
        using var trace = new CsUnet.Autograd.OperatorTrace();
        StepBenchmark.RunOnce(options, 2, Device.Cpu, Precision.Fp32);
        List<CsUnet.Autograd.OperatorTrace.Entry> norms = [.. trace.Entries.Where(entry => entry.Operator is LayerNorm)];
        Assert.NotEmpty(norms);
        Assert.All(norms, entry => Assert.Equal("vectors", entry.Choice?.Variant));
        Assert.All(trace.Entries.Where(entry => entry.Operator is not LayerNorm), entry => Assert.Null(entry.Choice));
    }

    [Fact]
    public void Compare_fails_where_the_second_is_slower()
    {
        using var workspace = new Workspace();
        string before = workspace.Write("before.json",
            """{"what":"training step","model":"cs-unet-tiny","stepSeconds":0.5,"inferenceSeconds":0.2}""");
        string after = workspace.Write("after.json",
            """{"what":"training step","model":"cs-unet-mini","stepSeconds":0.6,"inferenceSeconds":0.2}""");
        ProgramRun run = ProgramRun.Of("bench", "compare", before, after);
        Assert.Equal(ExitCode.Failure, run.Code);
        Assert.Contains("SLOWER", run.Out);
        Assert.Contains("warning: model differs", run.Out);
        Assert.Equal(0, ProgramRun.Of("bench", "compare", before, after, "--limit", "1.3").Code);
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        using var workspace = new Workspace();
        ProgramRun.Refuses(["lab", "bench", "--op", "layer_nrm"], "--op layer_nrm", "layer_norm");
        ProgramRun.Refuses(["lab", "bench", "--shape", "64x32"], "--shape", "needs --op");
        ProgramRun.Refuses(["lab", "bench", "--op", "gelu", "--dtype", "bf16", "--device", "cpu"], "--dtype bf16", "only CUDA devices");
        ProgramRun.Refuses(["lab", "check", "--op", "gelu", "--variant", "fast", "--device", "cpu"], "--variant fast");
        ProgramRun.Refuses(["lab", "project", "--gpu", "h300"], "--gpu h300", "h200");
        ProgramRun.Refuses(["lab", "project", "--dtype", "float64"], "float64");
        ProgramRun.Refuses(["lab", "tune", "--batch", "4"], "--batch", "needs --model");
        ProgramRun.Refuses(["lab", "tune", "--model", "cs-unet-tny"], "--model cs-unet-tny", "cs-unet-tiny");
        ProgramRun.Refuses(["lab", "tune", "--model", "cs-unet-mini", "--op", "linear", "--shape", "64x32->32"], "--shape 64x32->32");
        ProgramRun.Refuses(["lab", "tune", "--model", "cs-unet-mini", "--size", "32", "--device", "cpu", "--op", "nothing"], "--op nothing",
            "LayerNorm");
        ProgramRun.Refuses(["lab", "watch", "--op", "layer_norm"], "CSUNET_KERNELS");
        ProgramRun.Refuses(["bench", "compare", "missing.json", "missing.json"], "missing.json");
        ProgramRun.Refuses(["bench", "compare", workspace.Write("x.json", "{}"), workspace["x.json"]], "holds no times");
    }
}
