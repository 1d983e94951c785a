using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Dropout (Srivastava et al. 2014). Input: input, any shape. Each element is multiplied by keep / (1 - Probability), where keep is 0 with
/// that probability, else 1; dInput = dOutput times the same factor. The mask is not stored: the backward pass draws it again.
/// </summary>
/// <param name="Probability">Probability that an element is dropped, at least 0 and below 1.</param>
/// <param name="Key">Seed, step and layer of the draw; the element is its row-major index.</param>
public sealed record Dropout(double Probability, RandomKey Key) : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Require(Probability is >= 0 and < 1, "probability", Probability, "from 0 to below 1");
        Require(call[0].DType.IsFloat(), "input", call[0], "a floating-point tensor");
        Tensor output = Tensor.EmptyLike(call[0]);
        Mask(call[0], output);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(dOutput);
        Mask(dOutput, dInput);
        gradients.Give(0, dInput);
    }

    private void Mask(Tensor source, Tensor target)
    {
        if (source.Device.Kind == DeviceKind.Cuda)
            CudaMask(source, target);
        else if (source.DType == DType.Float32)
            Mask<float>(source, target);
        else
            Mask<double>(source, target);
    }

    private unsafe void Mask<T>(Tensor source, Tensor target) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = source.Pointer<T>(), y = target.Pointer<T>();
        T factor = T.CreateChecked(1 / (1 - Probability));
        Workers.Split(source.Count, Simd.Grain, (start, end) =>
        {
            for (long i = start; i < end; i++)
                y[i] = Key.Uniform((ulong)i) < Probability ? T.Zero : x[i] * factor;
        });
    }

    // kernels/drop_path.cu
    private void CudaMask(Tensor source, Tensor target)
    {
        var launch = new CudaLaunch(source, "drop_path", "dropout");
        launch.Add(source, target, CudaRandom.StepWord(Key, source.Device));
        launch.Add(source.Count);
        CudaRandom.AddDraw(ref launch, Key, Probability);
        launch.Add(false);
        launch.RunOver(source.Count);
    }
}
