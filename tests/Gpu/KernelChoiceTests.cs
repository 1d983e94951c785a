using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Kernels.Cuda;
using CsUnet.Lab;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;
using CsUnet.Verification;

namespace CsUnet.Tests.Gpu;

/// <summary>A stored choice selects the kernel that is launched.</summary>
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

    /// <summary>The forms in which a network's convolutions run: one with its batch norm, or a chain of two and three.</summary>
    public static TheoryData<string> FusedConvolutions() =>
    [
        "ConvBatchNormReLU training 3x3 (1,6,5,16)->8",
        OperatorCases.All.First(item => item.Op is ConvBatchNormChain { First.Training: true }).Name,
    ];

    [Theory]
    [MemberData(nameof(FusedConvolutions))]
    public void A_stored_choice_launches_other_kernels_of_fused_convolutions_in_both_passes(string name)
    {
        Device device = CudaDeviceFixture.Require();
        CudaDeviceFixture.ClearFindings();
        using var tuning = new TuningFolder();
        OperatorCase item = OperatorCases.All.Single(item => item.Name == name);
        string[] usual = Launched();
        Assert.Contains(usual, kernel => kernel.StartsWith("conv2d_forward", StringComparison.Ordinal));
        Assert.DoesNotContain(usual, IsLarge);
        Store(new KernelChoice("large_tiles"));
        string[] large = Launched();
        Assert.Contains(large, kernel => IsLarge(kernel) && kernel.StartsWith("conv2d_forward", StringComparison.Ordinal));
        Assert.Equal(usual.Length, large.Length);
        Store(new KernelChoice("any"));
        string[] any = Launched();
        Assert.All(any.Where(kernel => kernel.StartsWith("conv2d_", StringComparison.Ordinal)),
            kernel => Assert.Matches("(_any_bf16|_total)$", kernel));
        Assert.Contains("conv2d_forward_any_bf16", any);
        Assert.Contains("conv2d_backward_weight_any_bf16", any);
        CudaDeviceFixture.AssertNoFindings();

        static bool IsLarge(string kernel) => kernel.Contains("_large_", StringComparison.Ordinal);

        void Store(KernelChoice choice) =>
            KernelChoices.Store(device, item.Op, [.. item.CreateInputs(DType.BFloat16, device).Select(input => input?.Value)], choice);

        string[] Launched()
        {
            using var launches = new LaunchTrace();
            item.RunWithGradients(Precision.Bf16, device);
            return [.. launches.Entries.Select(launch => launch.Kernel)];
        }
    }

    [Fact]
    public void A_residual_block_trains_with_the_choice_that_is_stored_for_its_convolutions()
    {
        Device device = CudaDeviceFixture.Require();
        using var tuning = new TuningFolder();
        var block = new BasicBlock(16, 16, stride: 1, DType.Float32);
        block.Allocate();
        block.To(device);
        var images = new Variable(OperatorCase.CreateCotangent([1, 6, 6, 16], DType.Float32).To(device));
        Assert.Contains("conv2d_forward_float32", Launched());
        OperatorTrace.Entry call;
        using (var trace = new OperatorTrace())
        {
            block.Forward(images);
            call = Assert.Single(trace.Entries);
        }
        Tensor?[] inputs = [.. call.Inputs.Select(shape => shape is { } given ? Tensor.Zeros(given, DType.Float32, device) : null)];
        KernelChoices.Store(device, call.Operator, inputs, new KernelChoice("any"));
        string[] chosen = Launched();
        Assert.Contains("conv2d_forward_any_float32", chosen);
        Assert.DoesNotContain("conv2d_forward_float32", chosen);

        string[] Launched()
        {
            using var launches = new LaunchTrace();
            Variable output = block.Forward(images);
            output.Backward(OperatorCase.CreateCotangent(output.Shape, DType.Float32).To(device));
            return [.. launches.Entries.Select(launch => launch.Kernel)];
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
        // The two smallest calls of each operator, because checked kernels are slow.
        List<StepCall> calls = [.. all.GroupBy(call => call.Case.Op.GetType()).SelectMany(group =>
            group.OrderBy(call => call.Case.Inputs.Sum(input => input?.Shape.Count ?? 0)).Take(2))];
        Assert.True(calls.Count >= 5 && calls.Count < all.Count, $"{calls.Count} of {all.Count} calls");
        (IReadOnlyList<OperatorTrace.Entry> usual, HashSet<string> usualKernels) = Step();
        Assert.All(usual, entry => Assert.Null(entry.Choice));
        // Times on the emulator mean nothing, so the last choice that a call supports counts as the fastest.
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
            var model = options.ModelOptions(3).Create();
            model.Initialize(options.Seed);
            model.To(device);
            using var arena = new StepArena();
            var state = new TrainingState(options, model, new SegmentationLoss(), options.CreateOptimizer(model), arena);
            using var batches = options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet);
            using TrainingStep step = TrainingStep.Create(state, new ExecutionOptions { Device = device, UsesGraph = false });
            using var launches = new LaunchTrace();
            using var operators = new OperatorTrace();
            step.Run(batches, 0, 1e-3);
            return (operators.Entries, [.. launches.Entries.Select(launch => launch.Kernel)]);
        }
    }
}
