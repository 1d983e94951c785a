using CsUnet.Cuda;
using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>
/// The memory that a training or a prediction will need, found without allocating it: one step runs as a <see cref="DryRun"/>, on the
/// shapes alone.
/// </summary>
/// <param name="Host">Bytes of the process.</param>
/// <param name="Device">Bytes on the CUDA device; 0 without one.</param>
public sealed record MemoryNeed(double Host, double Device)
{
    /// <summary>Bytes of these for parameters, gradients, the optimiser's state and the temporaries of a step.</summary>
    public double Steps { get; init; }

    // The runtime, the compiled program, the image library and the stacks of its threads.
    private const double Program = 100 << 20;

    // Working buffers grow by a quarter more than was asked for.
    private const double GrownScratch = 1.25;

    // A dry run of more pixels than these takes longer than a tenth of a second.
    private const long MostPixels = 1 << 21;

    // Value, gradient and, at least, one moment.
    private const double BytesOfParameter = 3 * sizeof(float);

    private const int ImageBytes = 3 * sizeof(float), LabelBytes = sizeof(int);

    /// <summary>The memory of training steps and of the validations between them, without the data set.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">The options of the run: batch, loss, optimiser, precision.</param>
    /// <param name="device">The device of the network.</param>
    public static MemoryNeed OfTraining(ModelOptions network, TrainingOptions options, Device device) =>
        OfBatch(options.Batch, network, batch => OfStep(network, options, device, batch, trains: true));

    /// <summary>The memory of predictions, without the images.</summary>
    /// <param name="network">The network.</param>
    /// <param name="precision">Its arithmetic.</param>
    /// <param name="device">Its device.</param>
    /// <param name="batch">Tiles per forward pass.</param>
    public static MemoryNeed OfPrediction(ModelOptions network, Precision precision, Device device, int batch) =>
        OfBatch(batch, network, tiles => OfStep(network, new TrainingOptions { Precision = precision }, device, tiles, trains: false));

    /// <summary>
    /// The memory of one image besides the network's: first that of reading it, then levels, labels, overlay and the sums for a row of
    /// tiles.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="tileHeight">Rows of a tile.</param>
    /// <param name="classes">Number of classes.</param>
    public static double OfImage(ImageHeader image, int tileHeight, int classes)
    {
        double sums = (double)image.Width * tileHeight * classes * sizeof(float), pixels = (double)image.Height * image.Width;
        return Math.Max(image.ReadBytes, pixels * (image.Channels + 1 + 3) + sums);
    }

    /// <summary>Refuses a training that does not fit into memory: the system would grant it and later kill the process.</summary>
    /// <param name="network">The network.</param>
    /// <param name="options">The options of the run.</param>
    /// <param name="device">The device of the network.</param>
    /// <param name="dataBytes">Bytes of the data set in memory.</param>
    /// <param name="available">Bytes of memory; null: what this process may use.</param>
    /// <exception cref="InvalidValueException">It does not fit; the message names the largest batch that does.</exception>
    public static void RequireTraining(
        ModelOptions network, TrainingOptions options, Device device, long dataBytes = 0, long? available = null)
    {
        var known = new Dictionary<int, MemoryNeed>();
        long limit = available ?? MachineMemory.Limit();
        // Without a dry run, which takes long for a network that is much too large.
        double parameters = BytesOfParameter * network.Create().ParameterCount;
        if (parameters > limit)
        {
            throw new InvalidValueException("batch",
                $"parameters, gradients and moments alone need {ProblemText.Memory(parameters)} of memory; "
                    + $"the machine, or the limit of this process, has {ProblemText.Memory(limit)}", remedy: "take a smaller model");
        }
        MemoryNeed Of(int batch)
        {
            MemoryNeed estimate = OfBatch(batch, network, Step);
            // Blocks are rounded up, by up to an eighth, so a close decision takes the dry run of the batch itself.
            bool isClose = Math.Abs(estimate.Host / limit - 1) < 0.15;
            return (isClose ? OfBatch(batch, network, Step, mostPixels: long.MaxValue) : estimate).With(dataBytes);
        }
        MemoryNeed Step(int images) => known.TryGetValue(images, out MemoryNeed? need)
            ? need
            : known[images] = OfStep(network, options, device, images, trains: true);
        MemoryNeed need = Of(options.Batch);
        if (need.Excess(device, limit) is not { } excess)
        {
            if (available is null)
                HugePages.AvoidIfScarce(need.Host, limit);
            return;
        }
        int fits = 0;
        for (int low = 1, high = options.Batch - 1; low <= high;)
        {
            int middle = low + (high - low) / 2;
            if (Of(middle).Excess(device, limit) is null)
                (fits, low) = (middle, middle + 1);
            else
                high = middle - 1;
        }
        throw new InvalidValueException("batch", $"a training step of batch {options.Batch} {excess}",
            remedy: fits > 0 ? $"a batch of {fits} fits"
                : options.Batch > 1 ? "not even one image fits: take a smaller size or model"
                : "take a smaller size or model");
    }

    /// <summary>The same with more bytes of the process.</summary>
    public MemoryNeed With(double bytes) => this with { Host = Host + bytes };

    /// <summary>Needed and available memory if it does not fit, as a predicate for messages; null if it fits.</summary>
    /// <param name="device">The device.</param>
    /// <param name="available">Bytes of memory; null: what this process may use.</param>
    public string? Excess(Device device, long? available = null)
    {
        long limit = available ?? MachineMemory.Limit();
        if (Host > limit)
        {
            return double.IsFinite(Host)
                ? $"needs about {ProblemText.Memory(Host)} of memory; "
                    + $"the machine, or the limit of this process, has {ProblemText.Memory(limit)}"
                : "needs more memory than the system can address";
        }
        if (Device == 0)
            return null;
        double free = (double)(ulong)CudaDevice.Get(device).Context.GetFreeDeviceMemorySize();
        return Device > free ? $"needs about {ProblemText.Memory(Device)} of device memory; {ProblemText.Memory(free)} are free" : null;
    }

    /// <summary>
    /// Memory grows by the same amount with every image of a batch. So the need of a large batch follows from two smaller ones: where a dry
    /// run would take long, and where one tensor is so large that the system does not even reserve addresses for it.
    /// </summary>
    private static MemoryNeed OfBatch(int batch, ModelOptions network, Func<int, MemoryNeed> dryRun, long mostPixels = MostPixels)
    {
        int large = (int)Math.Min(batch, Math.Max(2, mostPixels / ((long)network.Height * network.Width)));
        MemoryNeed? most = Try(large);
        while (most is null && large > 2)
            most = Try(large /= 2);
        if (most is null)
            return new MemoryNeed(double.PositiveInfinity, 0);
        if (large == batch)
            return most;
        MemoryNeed least = Try(large / 2)!;
        double more = (double)(batch - large) / (large - large / 2);
        return new MemoryNeed(most.Host + more * (most.Host - least.Host), most.Device + more * (most.Device - least.Device))
        {
            Steps = most.Steps + more * (most.Steps - least.Steps),
        };

        MemoryNeed? Try(int images)
        {
            try
            {
                return dryRun(images);
            }
            catch (Exception failure) when (failure is OutOfMemoryException or OverflowException)
            {
                // Too large for this machine's addresses: the caller takes fewer.
                return null;
            }
        }
    }

    private static MemoryNeed OfStep(ModelOptions network, TrainingOptions options, Device device, int batch, bool trains)
    {
        using DryRun run = DryRun.Begin();
        SegmentationModel model = network.Create();
        model.To(device);
        model.Allocate();
        model.Precision = options.Precision;
        using var arena = new StepArena();
        if (trains)
            Train(model, options, arena, batch);
        Predict(model, arena, batch);
        double steps = run.PersistentBytes(device.Kind) + arena.ReservedBytes, pixels = (double)batch * network.Height * network.Width;
        double host = Program, staged = 0;
        if (trains)
        {
            // The batches that are prepared ahead, and the labels as whole numbers, once in the forward and once in the backward pass.
            int batches = new BatchOptions(batch, network.Height, network.Width, options.Seed).Prefetch + 1;
            host += pixels * (batches * (ImageBytes + 1) + 2 * LabelBytes);
            // A checkpoint is written from copies in the layout of the file.
            host += model.State().Where(entry => entry.Layout != ParameterLayout.Same).Sum(entry => 4.0 * entry.Shape.Count);
            staged = pixels * (ImageBytes + 1);
        }
        if (device.Kind == DeviceKind.Cpu)
            return new MemoryNeed(host + steps + GrownScratch * run.ScratchBytes, 0) { Steps = steps };
        // Inputs are staged twice, in pinned memory and on the device, and used from a third copy.
        return new MemoryNeed(host + run.PersistentBytes(DeviceKind.Cpu) + 2 * staged, steps + 2 * staged) { Steps = steps };
    }

    private static void Train(SegmentationModel model, TrainingOptions options, StepArena arena, int batch)
    {
        Optimizer optimizer = options.CreateOptimizer(model);
        SegmentationLoss loss = options.CreateLoss(model.Classes);
        Tensor images = Tensor.Empty([batch, model.Height, model.Width, 3], model.DType, model.Device);
        Tensor labels = Tensor.Empty([batch, model.Height, model.Width], DType.UInt8, model.Device);
        using StepArena.StepScope scope = arena.BeginStep();
        (Variable logits, Variable output) = TrainingPass.Run(model, loss, images, labels, options.Seed, 0);
        output.Backward();
        Argmax.Run(logits.Value);
        optimizer.Step();
    }

    private static void Predict(SegmentationModel model, StepArena arena, int batch)
    {
        model.Eval();
        using NoGrad noGrad = NoGrad.Begin();
        using StepArena.StepScope scope = arena.BeginStep();
        Tensor tiles = Tensor.Empty([batch, model.Height, model.Width, 3], model.DType, model.Device);
        OperatorCall.Run(new Softmax(), model.Forward(new Variable(tiles)).Value);
    }
}
