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
    protected override Tensor Output(OperatorCall call)
    {
        Require(Probability is >= 0 and < 1, "probability", Probability, "from 0 to below 1");
        Require(call[0].DType.IsFloat(), "input", call[0], "a floating-point tensor");
        return Tensor.EmptyLike(call[0]);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call) => Mask<T>(call[0], call.Output);

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(dOutput);
        Mask<T>(dOutput, dInput);
        gradients.Give(0, dInput);
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) => CudaMask(call[0], call.Output);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(dOutput);
        CudaMask(dOutput, dInput);
        gradients.Give(0, dInput);
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
