using System.Numerics;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Stochastic depth (Huang et al. 2016) per sample. Input: input (B, ...). Sample b is multiplied by keep_b / (1 - Probability), where
/// keep_b is 0 with that probability, else 1; dInput = dOutput times the same factor.
/// </summary>
/// <param name="Probability">Probability that a sample is dropped, at least 0 and below 1.</param>
/// <param name="Key">Seed, step and layer of the draw; the element's index is the sample's number.</param>
public sealed record DropPath(double Probability, RandomKey Key) : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        RequireProbability();
        Require(call[0].Shape.Rank >= 1 && call[0].DType.IsFloat(), "input", call[0], "a floating-point tensor (B, ...)");
        return Tensor.EmptyLike(call[0]);
    }

    /// <inheritdoc />
    protected override void Forward<T>(OperatorCall call) => Scale<T>(call[0], call.Output);

    /// <inheritdoc />
    protected override void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(dOutput);
        Scale<T>(dOutput, dInput);
        gradients.Give(0, dInput);
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call) => CudaScale(call[0], call.Output);

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = Tensor.EmptyLike(dOutput);
        CudaScale(dOutput, dInput);
        gradients.Give(0, dInput);
    }

    /// <summary>Throws unless the probability is valid.</summary>
    internal void RequireProbability() => Require(Probability is >= 0 and < 1, "probability", Probability, "from 0 to below 1");

    /// <summary>The factor that multiplies a sample.</summary>
    internal T Factor<T>(int sample) where T : unmanaged, IFloatingPointIeee754<T> =>
        Key.Uniform((ulong)sample) < Probability ? T.Zero : T.CreateChecked(1 / (1 - Probability));

    /// <summary>
    /// target = source times the factor of each sample: the branch in the forward pass, its gradient in the backward pass.
    /// </summary>
    internal unsafe void Scale<T>(Tensor source, Tensor target) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int samples = source.Shape[0];
        long perSample = samples == 0 ? 0 : source.Count / samples;
        T* x = source.Pointer<T>(), y = target.Pointer<T>();
        for (int sample = 0; sample < samples; sample++)
        {
            T factor = Factor<T>(sample);
            T* from = x + sample * perSample, to = y + sample * perSample;
            Workers.Split(perSample, Simd.Grain, (start, end) => Simd.Scale(from + start, factor, to + start, end - start));
        }
    }

    // kernels/drop_path.cu: y of the grid loops over samples.
    private void CudaScale(Tensor source, Tensor target)
    {
        int samples = source.Shape[0];
        long perSample = source.Count / Math.Max(1, samples);
        var launch = new CudaLaunch(source, "drop_path", "drop_path");
        launch.Add(source, target, CudaRandom.StepWord(Key, source.Device));
        launch.Add(perSample);
        launch.Add(samples);
        CudaRandom.AddDraw(ref launch, Key, Probability);
        launch.Add(false);
        launch.Run(new dim3((int)Math.Clamp((perSample + 1023) / 1024, 1, 1024), Math.Clamp(samples, 1, CudaLaunch.MostBlocksDown)),
            new dim3(CudaLaunch.Threads));
    }
}
