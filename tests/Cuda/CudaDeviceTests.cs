using System.Runtime.CompilerServices;
using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Cuda;

/// <summary>Failures of the engine's device, on an emulator of its own: exhausted memory and failing kernels.</summary>
public sealed class CudaDeviceTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public void Memory_of_tensors_that_are_gone_is_found_again() => Run(FillMemory);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_fault_in_a_training_step_is_the_exception_that_surfaces(bool isRecorded) =>
        Run(isRecorded ? FailInRecordedStep : FailInFirstStep);

    private static void Run(Action<string> test)
    {
        Assert.SkipWhen(EmulatorLibrary.Path is null, EmulatorLibrary.Missing);
        Isolated.Run(test, EmulatorLibrary.Path!);
    }

    private static void FillMemory(string library)
    {
        CudaLibraries.UseEmulator(library);
        CudaDevice device = CudaDevice.Get(Device.Cuda);
        // Other tests of this process may have left allocations in the emulator's memory.
        ulong total = device.Context.GetTotalDeviceMemorySize(), left = total - device.Context.GetFreeDeviceMemorySize();
        CudaEmulator.SetMemory(left + 64 * MiB);
        try
        {
            // The garbage collector is told of each allocation, but need not run: unless forced, it leaves some of the 400 MiB.
            for (int i = 0; i < 50; i++)
                Drop();
            var failure = Assert.Throws<CudaException>(() => Tensor.Empty([80 * MiB], DType.UInt8, Device.Cuda));
            Assert.Equal(CUResult.ErrorOutOfMemory, failure.CudaError);
            Assert.Contains($"bytes={80 * MiB}", failure.Message);
            Assert.Matches("64 of [0-9]+ MiB are free on the device: use a smaller batch or image size", failure.Message);
            Tensor kept = Tensor.Empty([40 * MiB], DType.UInt8, Device.Cuda);
            Assert.Contains(" 24 of ", Assert.Throws<CudaException>(() => Tensor.Empty([40 * MiB], DType.UInt8, Device.Cuda)).Message);
            GC.KeepAlive(kept);
        }
        finally
        {
            CudaEmulator.SetMemory(total);
            device.Context.Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Drop() => Tensor.Empty([8 * MiB], DType.UInt8, Device.Cuda).Clear();

    private static void FailInFirstStep(string library) => Train(library, failsAt: 0);

    private static void FailInRecordedStep(string library) => Train(library, failsAt: 1);

    /// <summary>Errors from disposing a lost device do not hide the first exception.</summary>
    private static void Train(string library, int failsAt)
    {
        CudaLibraries.UseEmulator(library);
        using var workshop = new TrainingFixture();
        TrainingOptions options = TrainingFixture.Options with { ValidateEvery = 0, CheckpointEvery = 0, Steps = 3 };
        CudaException? first = null;
        Exception? surfaced = Record.Exception(() =>
        {
            var model = new FailingModel(failsAt);
            model.Initialize(1);
            using var trainer = new Trainer(options, model, TrainingFixture.Header(model),
                options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet), null, workshop.NewFolder("run"),
                new ExecutionOptions { Device = Device.Cuda });
            try
            {
                trainer.Run(new Recorder(), TestContext.Current.CancellationToken);
            }
            catch (CudaException failure)
            {
                first = failure;
                throw;
            }
        });
        Assert.NotNull(first);
        Assert.Same(first, surfaced);
        Assert.Contains("write_far_outside", first.Message);
        CudaDevice.Get(Device.Cuda).Context.Dispose();
    }

    /// <summary>A pixel classifier whose step fails on the device.</summary>
    private sealed class FailingModel : SegmentationModel
    {
        private readonly CsUnet.Nn.Linear _head;
        private readonly int _failsAt;
        private int _calls;

        public FailingModel(int failsAt) : base(new Architecture { FailsAt = failsAt, Height = 32, Width = 32 }, DType.Float32)
        {
            _head = Register("head", new CsUnet.Nn.Linear(3, 3, true, DType.Float32));
            _failsAt = failsAt;
        }

        protected override Variable Logits(Variable images) =>
            _head.Forward(_calls++ == _failsAt ? Variable.Apply(new WriteFarOutside(), images) : images);

        private sealed record Architecture : ModelOptions
        {
            public int FailsAt { get; init; }

            public override string Kind => "tests-failing";

            public override SegmentationModel Create(DType type = DType.Float32) => new FailingModel(FailsAt);
        }
    }

    private sealed record WriteFarOutside : Operator
    {
        private static readonly KernelSource s_source = new("write_far_outside.cu",
            "extern \"C\" __global__ void write_far_outside(float* output) { output[threadIdx.x + 4000000000000ull] = 1.0f; }\n")
        {
            NameExpressions = ["write_far_outside"], Options = ["--std=c++17"],
        };

        public override Tensor Forward(OperatorCall call)
        {
            CudaModule module = new KernelCache(KernelCache.DefaultFolder).Load(s_source, new KernelArchitecture(80), out _);
            Tensor output = Tensor.EmptyLike(call[0]);
            module.GetKernel("write_far_outside").RunAsync(CudaDevice.Get(Device.Cuda).Stream.Stream, output.DevicePointer);
            return output;
        }

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients) => gradients.Pass(0, dOutput);
    }
}
