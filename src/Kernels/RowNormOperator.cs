using System.Numerics;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;
using static CsUnet.Kernels.Ceiling;

namespace CsUnet.Kernels;

/// <summary>
/// The base of the operators that normalise rows: <see cref="LayerNorm"/>, which documents the formulas, and its fused forms. They differ
/// in where the rows come from.
/// </summary>
/// <param name="Eps">Added to the variance.</param>
public abstract record RowNormOperator(double Eps) : Operator
{
    // kernels/layer_norm.cu: each lane of a row owns 12 channels. Rows that do not fit go to kernels/layer_norm_any.cu, one warp per row.
    private const int CudaThreads = 128, CudaChannelsOfLane = 12, CudaLargest = 1536, AnyWarps = CudaThreads / 32, AnyRows = 32;

    private const string Registers = "registers", Any = "any";

    private static readonly LaunchParameter s_forwardBlocks = new("forward_blocks_per_multiprocessor", [4, 7, 12], Usual: 7);
    private static readonly LaunchParameter s_backwardBlocks = new("backward_blocks_per_multiprocessor", [2, 4, 6], Usual: 4);

    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) => device == DeviceKind.Cpu ? s_cpuVariants : s_cudaVariants;

    private static readonly IReadOnlyList<KernelVariant> s_cpuVariants =
        CpuVariants.Of("vectors", "chunks of rows on all threads, a vector of channels at a time", choosesVectors: false);

    private static readonly IReadOnlyList<KernelVariant> s_cudaVariants =
    [
        new(Registers, "rows stay in registers, 12 channels a lane; up to 1536 channels in fours",
            s_forwardBlocks, s_backwardBlocks),
        new(Any, "a warp reads its row again for every pass; any number of channels"),
    ];

    /// <summary>Checks weight and bias, inputs <paramref name="weight"/> and the next one, against C channels.</summary>
    private protected void RequireParameters(OperatorCall call, int weight, int channels, string meaning)
    {
        for (int i = 0; i < 2; i++)
        {
            (string name, Tensor tensor) = (i == 0 ? "weight" : "bias", call[weight + i]);
            Require(tensor.Shape == new Shape(channels), name, tensor.Shape, $"({channels}) = {meaning}");
            RequireParameterType(call, name, tensor);
        }
    }

    /// <summary>Normalises rows of <paramref name="input"/> into output (..., C), on the CPU. Saves mean and rstd.</summary>
    /// <param name="call">The call.</param>
    /// <param name="input">The tensor that contains the rows.</param>
    /// <param name="places">The position of each row in it.</param>
    /// <param name="weight">The index of the weight among the inputs; the bias is the next.</param>
    /// <param name="output">Receives the normalised rows.</param>
    private protected void Normalise<T, TPlaces>(OperatorCall call, Tensor input, TPlaces places, int weight, Tensor output)
        where T : unmanaged, IFloatingPointIeee754<T> where TPlaces : struct, IRowPlaces
    {
        (Tensor mean, Tensor rstd) = SaveStatistics(call, input, output);
        if (CpuVariants.IsReference(call))
            RowNormReference.Forward<T, TPlaces>(input, places, call[weight], call[weight + 1], Eps, output, mean, rstd);
        else
            RowNorm.Forward<T, TPlaces>(input, places, call[weight], call[weight + 1], Eps, output, mean, rstd);
    }

    private static (Tensor Mean, Tensor Rstd) SaveStatistics(OperatorCall call, Tensor input, Tensor output)
    {
        Tensor mean = Tensor.Empty([output.Shape.Rows], input.DType.OfParameters(), input.Device), rstd = Tensor.EmptyLike(mean);
        call.Save(mean);
        call.Save(rstd);
        return (mean, rstd);
    }

    /// <summary>Differentiates <see cref="Normalise"/>. The tensors of Normalise must be the first that the call saved.</summary>
    /// <param name="call">The call.</param>
    /// <param name="dOutput">The gradient of the normalised rows.</param>
    /// <param name="input">The tensor that contains the rows.</param>
    /// <param name="places">The position of each row in it.</param>
    /// <param name="weight">The index of the weight among the inputs.</param>
    /// <param name="dInput">The input's gradient, written, or added to if <paramref name="accumulate"/>; null if not needed.</param>
    /// <param name="accumulate">Whether dInput already holds a gradient.</param>
    /// <param name="gradients">Receives the gradients of weight and bias.</param>
    private protected static void Differentiate<T, TPlaces>(
        OperatorCall call, Tensor dOutput, Tensor input, TPlaces places, int weight, Tensor? dInput, bool accumulate,
        GradientSink gradients)
        where T : unmanaged, IFloatingPointIeee754<T> where TPlaces : struct, IRowPlaces
    {
        Tensor mean = call.Saved[0], rstd = call.Saved[1];
        Tensor sums = CpuVariants.IsReference(call)
            ? RowNormReference.Backward<T, TPlaces>(dOutput, input, places, call[weight], mean, rstd, dInput, accumulate)
            : RowNorm.Backward<T, TPlaces>(
                dOutput, input, places, call[weight], mean, rstd, dInput, accumulate, call.Needs(weight) || call.Needs(weight + 1));
        int channels = call[weight].Shape.Last;
        TensorMath.GiveRow(gradients, call, weight, sums, 0, channels);
        TensorMath.GiveRow(gradients, call, weight + 1, sums, channels, channels);
    }

    /// <summary>
    /// <see cref="Normalise"/> with CUDA kernels, which take the positions of the rows from <see cref="IRowPlaces.Cuda"/>.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="input">The tensor that contains the rows.</param>
    /// <param name="place">The positions of the rows in it.</param>
    /// <param name="weight">The index of the weight among the inputs; the bias is the next.</param>
    /// <param name="output">Receives the normalised rows.</param>
    private protected void CudaNormalise(
        OperatorCall call, Tensor input, (int Layout, int Width, int Scale) place, int weight, Tensor output)
    {
        (Tensor mean, Tensor rstd) = SaveStatistics(call, input, output);
        int rows = output.Shape.Rows, channels = output.Shape.Last;
        int lanes = Lanes(call, place.Layout, channels, input, call[weight], call[weight + 1], output);
        var launch = lanes > 0
            ? new CudaLaunch(input, "layer_norm", $"layer_norm_forward_{CudaChannelsOfLane * lanes}")
            : new CudaLaunch(input, "layer_norm_any", "layer_norm_any_forward");
        launch.Add(input, call[weight], call[weight + 1], output, mean, rstd);
        launch.Add(rows, channels);
        launch.Add((float)Eps);
        launch.Add(place.Layout, place.Width, place.Scale);
        int blocks = lanes > 0 ? Blocks(rows, lanes, input, call.Parameter(s_forwardBlocks)) : Divide(rows, AnyWarps);
        launch.Run(new dim3(blocks), new dim3(CudaThreads));
    }

    /// <summary><see cref="Differentiate"/> with CUDA kernels.</summary>
    private protected static void CudaDifferentiate(
        OperatorCall call, Tensor dOutput, Tensor input, (int Layout, int Width, int Scale) place, int weight, Tensor? dInput,
        bool accumulate, GradientSink gradients)
    {
        Tensor mean = call.Saved[0], rstd = call.Saved[1];
        int rows = mean.Shape[0], channels = call[weight].Shape.Last;
        int lanes = Lanes(call, place.Layout, channels, input, call[weight], dOutput, dInput);
        // Partial sums of dWeight and dBias, one per block. The kernel of layer_norm.cu computes them together with dInput.
        int blockRows = Math.Max(AnyRows, Divide(rows, CudaLaunch.MostBlocksDown));
        int blocks = lanes > 0 ? Blocks(rows, lanes, input, call.Parameter(s_backwardBlocks)) : Divide(rows, blockRows);
        Tensor partials = Tensor.Empty([blocks, 2, channels], DType.Float32, input.Device);
        if (lanes > 0)
        {
            var launch = new CudaLaunch(input, "layer_norm", $"layer_norm_backward_{CudaChannelsOfLane * lanes}");
            launch.Add(dOutput, input, call[weight], mean, rstd);
            launch.Add(dInput);
            launch.Add(partials);
            launch.Add(rows, channels, place.Layout, place.Width, place.Scale);
            launch.Add(accumulate);
            launch.Run(new dim3(blocks), new dim3(CudaThreads));
        }
        else
        {
            if (dInput is not null)
            {
                var launch = new CudaLaunch(input, "layer_norm_any", "layer_norm_any_backward_input");
                launch.Add(dOutput, input, call[weight], mean, rstd);
                launch.Add(dInput);
                launch.Add(rows, channels, place.Layout, place.Width, place.Scale);
                launch.Add(accumulate);
                launch.Run(new dim3(Divide(rows, AnyWarps)), new dim3(CudaThreads));
            }
            var partial = new CudaLaunch(input, "layer_norm_any", "layer_norm_any_backward_partial");
            partial.Add(dOutput, input, mean, rstd, partials);
            partial.Add(rows, channels, blockRows, place.Layout, place.Width, place.Scale);
            partial.Run(new dim3(Divide(channels, CudaThreads), blocks), new dim3(CudaThreads));
        }
        if (!call.Needs(weight) && !call.Needs(weight + 1))
            return;
        bool addsWeight = false, addsBias = false;
        Tensor? dWeight = call.Needs(weight) ? gradients.Target(weight, out addsWeight) : null;
        Tensor? dBias = call.Needs(weight + 1) ? gradients.Target(weight + 1, out addsBias) : null;
        var total = new CudaLaunch(input, "layer_norm", "layer_norm_backward_parameters", typed: false);
        total.Add(partials);
        total.Add(dWeight);
        total.Add(dBias);
        total.Add(blocks, channels);
        total.Add(addsWeight);
        total.Add(addsBias);
        total.Run(new dim3(Divide(channels, 32)), new dim3(256));
    }

    /// <summary>Lanes per row in layer_norm.cu, which loads four channels at once; 0 for rows that do not fit.</summary>
    private static int Lanes(OperatorCall call, int layout, int channels, params ReadOnlySpan<Tensor?> tensors)
    {
        bool fits = channels % (layout == 1 ? 16 : 4) == 0 && channels <= CudaLargest;
        foreach (Tensor? tensor in tensors)
            fits &= tensor is null || tensor.DevicePointer.Pointer % (4 * (uint)tensor.DType.Size()) == 0;
        if (!fits && call.Choice?.Variant == Registers)
            throw new VariantNotTakenException("layer norm", Registers, $"up to {CudaLargest} channels in fours, not {channels}");
        return fits && call.Choice?.Variant != Any
            ? Math.Max(8, (int)BitOperations.RoundUpToPowerOf2((uint)Divide(channels, CudaChannelsOfLane)))
            : 0;
    }

    // As many blocks as run at the same time; each takes its share of the rows.
    private static int Blocks(int rows, int lanes, Tensor like, int perMultiprocessor) => Math.Clamp(
        Divide(rows, CudaThreads / lanes), 1, perMultiprocessor * like.CudaDevice.Properties.MultiProcessorCount);
}
