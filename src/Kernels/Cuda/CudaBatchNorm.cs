using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cuda;

/// <summary>The launches of kernels/batch_norm.cu, shared by batch norm and the fused conv-batchnorm-ReLU.</summary>
internal static class CudaBatchNorm
{
    private const string File = "batch_norm";

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
            running.Run(new dim3((channels + CudaLaunch.Threads - 1) / CudaLaunch.Threads), ColumnBlocks.Block);
            return;
        }
        var blocks = new ColumnBlocks(input!);
        Tensor partials = Partials(blocks, input!.Device);
        var statistics = new CudaLaunch(input, File, "batch_norm_forward_statistics");
        statistics.Add(input, partials);
        statistics.Add(blocks.Rows, blocks.Channels, blocks.BlockRows);
        statistics.Run(blocks.SumGrid, ColumnBlocks.Block);
        var coefficients = new CudaLaunch(input, File, "batch_norm_forward_coefficients");
        coefficients.Add(input, partials);
        foreach (Tensor parameter in parameters)
            coefficients.Add(parameter);
        foreach (Tensor result in results)
            coefficients.Add(result);
        coefficients.Add(blocks.Rows, blocks.Channels, blocks.Count);
        coefficients.Add((float)norm.Eps);
        coefficients.Add((float)norm.Momentum);
        coefficients.Run(blocks.TotalGrid, ColumnBlocks.Block);
    }

    /// <summary>output = input * scale + shift (+ residual), rectified if asked for; output may be input.</summary>
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

    /// <summary>
    /// Gives the gradients of weight and bias, writes the masked gradient if wanted, and returns the coefficients (3, C) of
    /// <see cref="BackwardInput"/>.
    /// </summary>
    public static Tensor Backward(
        BatchNorm norm, OperatorCall call, GradientSink gradients, Tensor input, Tensor? output, Tensor dOutput, Tensor? masked,
        int weight, int bias, Tensor mean, Tensor rstd)
    {
        var blocks = new ColumnBlocks(input);
        Tensor partials = Partials(blocks, input.Device), result = Tensor.Empty([3, blocks.Channels], DType.Float32, input.Device);
        var sums = new CudaLaunch(input, File, "batch_norm_backward_sums");
        sums.Add(input);
        sums.Add(output);
        sums.Add(dOutput, mean);
        sums.Add(masked);
        sums.Add(partials);
        sums.Add(blocks.Rows, blocks.Channels, blocks.BlockRows);
        sums.Run(blocks.SumGrid, ColumnBlocks.Block);
        bool addsWeight = false, addsBias = false;
        Tensor dWeight = call.Needs(weight) ? gradients.Target(weight, out addsWeight) : Tensor.EmptyLike(mean);
        Tensor dBias = call.Needs(bias) ? gradients.Target(bias, out addsBias) : Tensor.EmptyLike(mean);
        var coefficients = new CudaLaunch(input, File, "batch_norm_backward_coefficients", typed: false);
        coefficients.Add(partials, call[weight], mean, rstd, result, dWeight, dBias);
        coefficients.Add(blocks.Rows, blocks.Channels, blocks.Count);
        coefficients.Add(norm.Training);
        coefficients.Add(addsWeight);
        coefficients.Add(addsBias);
        coefficients.Run(blocks.TotalGrid, ColumnBlocks.Block);
        return result;
    }

    /// <summary>dInput = a g + b input + d per channel, g being dOutput where output is positive (everywhere if it is null).</summary>
    public static void BackwardInput(Tensor input, Tensor? output, Tensor dOutput, Tensor coefficients, Tensor dInput, bool accumulate)
    {
        var blocks = new ColumnBlocks(input);
        var launch = new CudaLaunch(input, File, "batch_norm_backward_input");
        launch.Add(input);
        launch.Add(output);
        launch.Add(dOutput, coefficients, dInput);
        launch.Add(blocks.Rows, blocks.Channels);
        launch.Add(accumulate);
        launch.Run(blocks.ApplyGrid, ColumnBlocks.Block);
    }

    private static Tensor Partials(ColumnBlocks blocks, Device device) =>
        Tensor.Empty([blocks.Count, 2, blocks.Channels, 2], DType.Float32, device);
}
