using CsUnet.Cuda.BasicTypes;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>The launches of kernels/batch_norm.cu, shared by batch norm and the fused conv-batchnorm-ReLU.</summary>
internal static class CudaBatchNorm
{
    private const string File = "batch_norm";
    private const int TilesChannels = 8;

    /// <summary>
    /// Sets mean, rstd, scale = weight * rstd and shift = bias - mean * scale, each (C), and updates the running statistics in training.
    /// </summary>
    /// <param name="norm">The settings.</param>
    /// <param name="input">The matrix (rows, C) to normalise; may be null in evaluation.</param>
    /// <param name="parameters">Weight, bias, running mean, running variance.</param>
    /// <param name="results">Mean, rstd, scale, shift.</param>
    public static void Coefficients(BatchNorm norm, Tensor? input, ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> results)
    {
        if (!norm.Training)
        {
            int channels = (int)parameters[0].Count;
            var running = new CudaLaunch(parameters[0], File, "batch_norm_forward_running", typed: false);
            running.Add(parameters[2], parameters[3], parameters[0], parameters[1]);
            foreach (Tensor result in results)
                running.Add(result);
            running.Add(channels);
            running.Add((float)norm.Eps);
            running.Run(new dim3(Ceiling.Divide(channels, CudaLaunch.Threads)), ColumnBlocks.Block);
            return;
        }
        var blocks = new ColumnBlocks(input!);
        Tensor partials = Partials(blocks, input!.Device);
        using var temporary = new Temporary(partials);
        var statistics = new CudaLaunch(input, File, "batch_norm_forward_statistics");
        statistics.Add(input, partials);
        statistics.Add(blocks.Rows, blocks.Channels, blocks.BlockRows);
        statistics.Run(blocks.SumGrid, ColumnBlocks.Block);
        var coefficients = new CudaLaunch(input, File, "batch_norm_forward_coefficients");
        coefficients.Add(input, partials);
        AddTensors(ref coefficients, parameters, results);
        coefficients.Add(blocks.Rows, blocks.Channels, blocks.Count);
        AddSettings(ref coefficients, norm);
        coefficients.Run(blocks.TotalGrid, ColumnBlocks.Block);
    }

    /// <summary>
    /// The same in training, from the statistics that a convolution wrote along with its <paramref name="rows"/> rows of output.
    /// </summary>
    public static void Coefficients(
        BatchNorm norm, TileStatistics statistics, int rows, ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> results)
    {
        int channels = (int)parameters[0].Count;
        var launch = new CudaLaunch(parameters[0], File, "batch_norm_forward_coefficients_of_tiles", typed: false);
        launch.Add(statistics.Values);
        AddTensors(ref launch, parameters, results);
        launch.Add(rows, channels, statistics.TileRows);
        AddSettings(ref launch, norm);
        launch.Run(new dim3(Ceiling.Divide(channels, TilesChannels)), ColumnBlocks.Block);
    }

    private static void AddTensors(ref CudaLaunch launch, ReadOnlySpan<Tensor> parameters, ReadOnlySpan<Tensor> results)
    {
        foreach (Tensor parameter in parameters)
            launch.Add(parameter);
        foreach (Tensor result in results)
            launch.Add(result);
    }

    private static void AddSettings(ref CudaLaunch launch, BatchNorm norm)
    {
        launch.Add((float)norm.Eps);
        launch.Add((float)norm.Momentum);
    }

    /// <summary>output = input * scale + shift (+ residual), then ReLU if asked for; output may be input.</summary>
    public static void Apply(Tensor input, Tensor scale, Tensor shift, Tensor? residual, Tensor output, bool relu)
    {
        var blocks = new ColumnBlocks(input);
        var launch = new CudaLaunch(input, File, "batch_norm_forward_apply");
        launch.Add(input, scale, shift);
        launch.Add(residual);
        launch.Add(output);
        launch.Add(blocks.Rows, blocks.Channels);
        launch.Add(relu);
        launch.Run(blocks.ApplyGrid, ColumnBlocks.Block);
    }

    /// <summary>weight * scale per filter, in the type of the activations: the weight of a convolution with batch norm folded in.</summary>
    public static Tensor Fold(Tensor weight, Tensor scale, DType type)
    {
        Tensor folded = Tensor.Empty(weight.Shape, type, weight.Device);
        int filters = weight.Shape[0];
        var launch = new CudaLaunch(folded, File, "batch_norm_fold");
        launch.Add(weight, scale, folded);
        launch.Add(filters, (int)(weight.Count / filters));
        launch.Run(new dim3(filters), ColumnBlocks.Block);
        return folded;
    }

    /// <summary>
    /// Writes the gradients of weight and bias, and the masked gradient if the mask has one. Returns the coefficients (4, C) from which
    /// <see cref="BackwardInput"/>, or a convolution's <see cref="GradientThroughNorm"/>, computes the gradient of the input.
    /// </summary>
    public static Tensor Backward(
        BatchNorm norm, OperatorCall call, GradientSink gradients, Tensor input, ReLUMask mask, Tensor dOutput, int weight, int bias,
        Tensor mean, Tensor rstd)
    {
        var blocks = new ColumnBlocks(input);
        Tensor partials = Partials(blocks, input.Device), result = Tensor.Empty([4, blocks.Channels], DType.Float32, input.Device);
        using var temporary = new Temporary(partials);
        var sums = new CudaLaunch(input, File, "batch_norm_backward_sums");
        sums.Add(input);
        sums.Add(mask.Output);
        sums.Add(mask.Scale);
        sums.Add(mask.Shift);
        sums.Add(dOutput, mean);
        sums.Add(mask.Masked);
        sums.Add(partials);
        sums.Add(blocks.Rows, blocks.Channels, blocks.BlockRows);
        sums.Run(blocks.SumGrid, ColumnBlocks.Block);
        bool addsWeight = false, addsBias = false;
        Tensor dWeight = call.Needs(weight) ? gradients.Target(weight, out addsWeight) : Tensor.EmptyLike(mean);
        Tensor dBias = call.Needs(bias) ? gradients.Target(bias, out addsBias) : Tensor.EmptyLike(mean);
        var coefficients = new CudaLaunch(input, File, "batch_norm_backward_coefficients", typed: false);
        coefficients.Add(partials, call[weight], mean, rstd);
        coefficients.Add(mask.Shift);
        coefficients.Add(result, dWeight, dBias);
        coefficients.Add(blocks.Rows, blocks.Channels, blocks.Count);
        coefficients.Add(norm.Training);
        coefficients.Add(addsWeight);
        coefficients.Add(addsBias);
        coefficients.Run(blocks.TotalGrid, ColumnBlocks.Block);
        return result;
    }

    /// <summary>
    /// dInput = a g + b input + d per channel. If the mask was input * scale + shift &gt; 0, g is dOutput where that holds; otherwise g is
    /// dOutput everywhere.
    /// </summary>
    public static void BackwardInput(Tensor input, Tensor dOutput, Tensor coefficients, Tensor dInput, bool accumulate)
    {
        var blocks = new ColumnBlocks(input);
        var launch = new CudaLaunch(input, File, "batch_norm_backward_input");
        launch.Add(input, dOutput, coefficients, dInput);
        launch.Add(blocks.Rows, blocks.Channels);
        launch.Add(accumulate);
        launch.Run(blocks.ApplyGrid, ColumnBlocks.Block);
    }

    private static Tensor Partials(ColumnBlocks blocks, Device device) =>
        Tensor.Empty([blocks.Count, 2, blocks.Channels, 2], DType.Float32, device);
}
