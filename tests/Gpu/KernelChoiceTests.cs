using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Gpu;

/// <summary>A stored choice decides which kernel is launched.</summary>
public sealed class KernelChoiceTests
{
    [Fact]
    public void A_stored_choice_launches_other_kernels_until_its_file_is_deleted()
    {
        Device device = CudaDeviceFixture.Require();
        using var tuning = new TuningFolder();
        var op = new CsUnet.Kernels.LayerNorm();
        Tensor[] inputs = [Tensor.Full([5, 32], 1).To(device), Tensor.Full([32], 1).To(device), Tensor.Full([32], 1).To(device)];
        Assert.StartsWith("layer_norm_forward_", Launched());
        KernelChoices.Store(device, op, inputs, new KernelChoice("any"));
        Assert.StartsWith("layer_norm_any_forward", Launched());
        KernelChoices.Reload();
        Assert.StartsWith("layer_norm_any_forward", Launched());
        File.Delete(KernelChoices.PathOf(device));
        KernelChoices.Reload();
        Assert.StartsWith("layer_norm_forward_", Launched());

        string Launched()
        {
            using var launches = new LaunchTrace();
            OperatorCall.Run(op, inputs);
            return Assert.Single(launches.Entries).Kernel;
        }
    }

    [Fact]
    public void A_training_step_runs_what_was_tuned_for_its_own_calls()
    {
        Device device = CudaDeviceFixture.Require();
        using var tuning = new TuningFolder();
        TrainingOptions options = TrainingFixture.CsUnetOptions;
        IReadOnlyList<StepCall> all = StepCall.Record(
            () => StepBenchmark.RunOnce(options.ModelOptions(3), options.Batch, device, Precision.Fp32), device);
        // Two of each operator: watched kernels take long.
        List<StepCall> calls = [.. all.GroupBy(call => call.Case.Op.GetType()).SelectMany(group => group.Take(2))];
        Assert.True(calls.Count >= 5 && calls.Count < all.Count, $"{calls.Count} of {all.Count} calls");
        (IReadOnlyList<OperatorTrace.Entry> usual, HashSet<string> usualKernels) = Step();
        Assert.All(usual, entry => Assert.Null(entry.Choice));
        // Time on the emulator says nothing: of the choices that a call takes the last one counts as the fastest.
        var stored = new Dictionary<string, KernelChoice>();
        var report = new List<string>();
        var tuner = new KernelTuner(device, DType.Float32, variant: null, report.Add);
        int measured = 0;
        foreach (StepCall call in calls)
            tuner.Tune(call, (_, choice) =>
            {
                stored[call.Case.Label] = choice;
                return 1.0 / ++measured;
            });
        Assert.True(tuner.Failed == 0, string.Join('\n', report));
        Assert.Equal(calls.Count, tuner.Stored);

        (IReadOnlyList<OperatorTrace.Entry> tuned, HashSet<string> kernels) = Step();
        List<OperatorTrace.Entry> chosen = [.. tuned.Where(entry => entry.Choice is not null)];
        Assert.All(chosen, entry => Assert.Equal($"{stored[StepCall.TuningKey(entry)]}", $"{entry.Choice}"));
        Assert.Equal(stored.Keys.Order(), chosen.Select(StepCall.TuningKey).Distinct().Order());
        Assert.Contains("layer_norm_any_forward_float32", kernels.Except(usualKernels));

        (IReadOnlyList<OperatorTrace.Entry>, HashSet<string> Kernels) Step()
        {
            var model = new CsUnetModel(options.ModelOptions(3));
            model.Initialize(options.Seed);
            model.To(device);
            using var arena = new StepArena();
            var parts = new StepParts(options, model, new SegmentationLoss(), options.CreateOptimizer(model), arena);
            using var batches = options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet);
            using TrainingStep step = TrainingStep.Create(parts, new ExecutionOptions { Device = device, UsesGraph = false });
            using var launches = new LaunchTrace();
            using var operators = new OperatorTrace();
            step.Run(batches, 0, 1e-3);
            return (operators.Entries, [.. launches.Entries.Select(launch => launch.Kernel)]);
        }
    }
}
