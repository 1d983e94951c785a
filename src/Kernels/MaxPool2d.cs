using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Max pooling. Input: input (B, H, W, C). output[b,y,x,c] = max over ky, kx of input[b, y*Stride+ky-Padding, x*Stride+kx-Padding, c];
/// positions outside the image are skipped. H' = (H + 2 Padding - Kernel) / Stride + 1. Each dOutput goes to the dInput of the first
/// maximum of its window, in row-major order. Saves the position of the maximum in the window as a byte. Memory-bound.
/// </summary>
/// <param name="Kernel">Side of the window, at most 15.</param>
/// <param name="Stride">Stride of the window.</param>
/// <param name="Padding">Rows and columns around the image, at most half the window.</param>
public sealed record MaxPool2d(int Kernel, int Stride, int Padding = 0) : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor input = call[0];
        Require(Kernel is >= 1 and <= 15, "kernel", Kernel, "from 1 to 15");
        Require(Stride >= 1, "stride", Stride, "at least 1");
        Require(Padding >= 0 && 2 * Padding <= Kernel, "padding", Padding, $"from 0 to half the kernel {Kernel}");
        Require(input.Shape.Rank == 4 && input.DType.IsFloat(), "input", input, "a floating-point tensor (B, H, W, C)");
        Require(input.Shape[1] + 2 * Padding >= Kernel && input.Shape[2] + 2 * Padding >= Kernel, "input", input.Shape,
            $"at least {Kernel} rows and columns with padding {Padding}");
        int height = (input.Shape[1] + 2 * Padding - Kernel) / Stride + 1, width = (input.Shape[2] + 2 * Padding - Kernel) / Stride + 1;
        return Tensor.Empty([input.Shape[0], height, width, input.Shape[3]], input.DType, input.Device);
    }

    private static Tensor SaveWinners(OperatorCall call)
    {
        Tensor winners = Tensor.Empty(call.Output.Shape, DType.UInt8, call.Output.Device);
        call.Save(winners);
        return winners;
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        Tensor input = call[0], output = call.Output, winners = SaveWinners(call);
        T* source = input.Pointer<T>(), target = output.Pointer<T>();
        byte* places = winners.Pointer<byte>();
        int inHeight = input.Shape[1], inWidth = input.Shape[2], channels = input.Shape[3], height = output.Shape[1],
            width = output.Shape[2];
        Workers.Run(output.Shape[0] * height, outRow =>
        {
            int b = outRow / height, y = outRow % height;
            for (int x = 0; x < width; x++)
            {
                long o = ((long)outRow * width + x) * channels;
                bool first = true;
                for (int ky = 0; ky < Kernel; ky++)
                {
                    for (int kx = 0; kx < Kernel; kx++)
                    {
                        int iy = y * Stride + ky - Padding, ix = x * Stride + kx - Padding;
                        if ((uint)iy >= (uint)inHeight || (uint)ix >= (uint)inWidth)
                            continue;
                        T* pixel = source + (((long)b * inHeight + iy) * inWidth + ix) * channels;
                        byte place = (byte)(ky * Kernel + kx);
                        for (int c = 0; c < channels; c++)
                        {
                            if (!first && !(pixel[c] > target[o + c]) && !T.IsNaN(pixel[c]))
                                continue;
                            target[o + c] = pixel[c];
                            places[o + c] = place;
                        }
                        first = false;
                    }
                }
            }
        });
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        if (!accumulate)
            dInput.Clear();
        T* source = dOutput.Pointer<T>(), target = dInput.Pointer<T>();
        byte* places = call.Saved[0].Pointer<byte>();
        int inHeight = dInput.Shape[1], inWidth = dInput.Shape[2], channels = dInput.Shape[3];
        int height = dOutput.Shape[1], width = dOutput.Shape[2];
        // Windows overlap. A chunk owns a block of channels of one image, so that no two threads add to the same element.
        const int block = 16;
        int blocks = Ceiling.Divide(channels, block);
        Workers.Run(dOutput.Shape[0] * blocks, chunk =>
        {
            int b = chunk / blocks, start = chunk % blocks * block, end = Math.Min(channels, start + block);
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    long o = (((long)b * height + y) * width + x) * channels;
                    for (int c = start; c < end; c++)
                    {
                        int place = places[o + c], iy = y * Stride + place / Kernel - Padding, ix = x * Stride + place % Kernel - Padding;
                        target[(((long)b * inHeight + iy) * inWidth + ix) * channels + c] += source[o + c];
                    }
                }
            }
        });
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) =>
        CudaRun("forward", [call[0], call.Output, SaveWinners(call)], call[0].Shape, call.Output.Shape, accumulate: null);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        CudaRun("backward", [dOutput, call.Saved[0], dInput], dInput.Shape, dOutput.Shape, accumulate);
    }

    // kernels/max_pool.cu: the backward pass gathers.
    private void CudaRun(string pass, ReadOnlySpan<Tensor> tensors, Shape input, Shape output, bool? accumulate)
    {
        var launch = new CudaLaunch(tensors[0], "max_pool", $"max_pool_{pass}");
        foreach (Tensor tensor in tensors)
            launch.Add(tensor);
        launch.Add(input[0], input[1], input[2], input[3], output[1], output[2], Kernel, Stride, Padding);
        if (accumulate is { } adds)
            launch.Add(adds);
        Shape walked = accumulate is null ? output : input;
        launch.RunOverRows((long)walked[0] * walked[1], walked[2] * walked[3]);
    }
}
