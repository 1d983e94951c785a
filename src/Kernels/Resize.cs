using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Resampling with align_corners = false and without antialiasing. Input: input (B, H, W, C); output (B, Height, Width, C):
/// output[b,y,x,c] = sum over taps i, j of u[y,i] v[x,j] input[b, clamp(r(y)+i), clamp(s(x)+j), c]. The source position of y is (y + 0.5) H
/// / Height - 0.5, for bilinear clamped to 0 from below. For nearest it is floor(y H / Height), and the only weight is 1. dInput is dOutput
/// under the transpose of this linear map.
/// </summary>
/// <param name="Height">Rows of the output.</param>
/// <param name="Width">Columns of the output.</param>
/// <param name="Mode">The interpolation.</param>
public sealed record Resize(int Height, int Width, ResizeMode Mode) : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        Require(Height >= 1 && Width >= 1, "size", $"{Height} x {Width}", "at least 1 x 1");
        Require(shape.Rank == 4 && shape[1] >= 1 && shape[2] >= 1 && call[0].DType.IsFloat(), "input", call[0],
            "a floating-point tensor (B, H, W, C)");
        return Tensor.Empty([shape[0], Height, Width, shape[3]], call[0].DType, call[0].Device);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call)
    {
        call.Output.Clear();
        Map<T>(call[0], call.Output, transposed: false);
    }

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.ZerosLike(call[0]);
        Map<T>(dInput, dOutput, transposed: true);
        gradients.Give(0, dInput);
    }

    private unsafe void Map<T>(Tensor input, Tensor output, bool transposed) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int inHeight = input.Shape[1], inWidth = input.Shape[2], channels = input.Shape[3], height = Height, width = Width;
        (int[] rows, double[] rowWeights) = Taps(inHeight, height);
        (int[] columns, double[] columnWeights) = Taps(inWidth, width);
        int taps = rows.Length / height;
        T* source = input.Pointer<T>(), target = output.Pointer<T>();

        void Row(int b, int y)
        {
            for (int x = 0; x < width; x++)
            {
                T* pixel = target + (((long)b * height + y) * width + x) * channels;
                for (int i = 0; i < taps; i++)
                {
                    for (int j = 0; j < taps; j++)
                    {
                        T weight = T.CreateChecked(rowWeights[y * taps + i] * columnWeights[x * taps + j]);
                        T* tap = source + (((long)b * inHeight + rows[y * taps + i]) * inWidth + columns[x * taps + j]) * channels;
                        T* from = transposed ? pixel : tap, to = transposed ? tap : pixel;
                        for (int c = 0; c < channels; c++)
                            to[c] += weight * from[c];
                    }
                }
            }
        }

        if (!transposed)
        {
            Workers.Run(input.Shape[0] * height, row => Row(row / height, row % height));
            return;
        }
        // In the transpose, neighbouring outputs add to the same input, so a chunk is a whole image.
        Workers.Run(input.Shape[0], b =>
        {
            for (int y = 0; y < height; y++)
                Row(b, y);
        });
    }

    /// <summary>Source index and weight of every tap of every output position along one axis, position-major.</summary>
    private (int[] Indices, double[] Weights) Taps(int inSize, int outSize)
    {
        int taps = Mode switch { ResizeMode.Nearest => 1, ResizeMode.Bilinear => 2, _ => 4 };
        int[] indices = new int[outSize * taps];
        double[] weights = new double[outSize * taps];
        for (int position = 0; position < outSize; position++)
        {
            if (Mode == ResizeMode.Nearest)
            {
                indices[position] = (int)((long)position * inSize / outSize);
                weights[position] = 1;
                continue;
            }
            double center = (position + 0.5) * inSize / outSize - 0.5;
            if (Mode == ResizeMode.Bilinear)
                center = Math.Max(center, 0);
            int first = (int)Math.Floor(center);
            double t = center - first;
            for (int tap = 0; tap < taps; tap++)
            {
                int offset = Mode == ResizeMode.Bilinear ? tap : tap - 1;
                indices[position * taps + tap] = Math.Clamp(first + offset, 0, inSize - 1);
                weights[position * taps + tap] = Mode == ResizeMode.Bilinear ? 1 - Math.Abs(t - offset) : Cubic(Math.Abs(t - offset));
            }
        }
        return (indices, weights);
    }

    /// <summary>The cubic convolution kernel (Keys 1981) at distance d from 0 to 2.</summary>
    private static double Cubic(double d)
    {
        const double a = -0.75;
        return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }

    // kernels/resize.cu: the backward pass gathers.
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        Shape shape = call[0].Shape;
        var launch = new CudaLaunch(call[0], "resize", $"resize_forward_{Mode.ToString().ToLowerInvariant()}");
        launch.Add(call[0], call.Output);
        launch.Add(shape[0], shape[1], shape[2], shape[3], Height, Width);
        launch.RunOverRows((long)shape[0] * Height, Width * shape[3]);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        Shape shape = dInput.Shape;
        var launch = new CudaLaunch(dOutput, "resize", $"resize_backward_{Mode.ToString().ToLowerInvariant()}");
        launch.Add(dOutput, dInput);
        launch.Add(shape[0], shape[1], shape[2], shape[3], Height, Width);
        launch.Add(accumulate);
        launch.RunOverRows((long)shape[0] * shape[1], shape[2] * shape[3]);
    }
}
