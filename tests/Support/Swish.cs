using CsUnet.Kernels.Custom;

namespace CsUnet.Tests.Support;

/// <summary>x / (1 + exp(-x)) as an operator from outside of the engine, with mistakes on request.</summary>
/// <param name="DerivativeFactor">What the derivative on the processor is wrong by.</param>
/// <param name="CudaFactor">What the CUDA kernels' derivative is wrong by.</param>
internal sealed record Swish(double DerivativeFactor = 1, double CudaFactor = 1) : Elementwise
{
    /// <inheritdoc />
    public override string CudaValue => "x / (1 + expf(-x))";

    /// <inheritdoc />
    public override string CudaDerivative => "p0 * (1 + expf(-x) * (1 + x)) / ((1 + expf(-x)) * (1 + expf(-x)))";

    /// <inheritdoc />
    protected override IReadOnlyList<double> Constants => [CudaFactor];

    /// <inheritdoc />
    public override T Value<T>(T x) => x / (T.One + T.Exp(-x));

    /// <inheritdoc />
    public override T Derivative<T>(T x)
    {
        T e = T.Exp(-x);
        return T.CreateChecked(DerivativeFactor) * (T.One + e * (T.One + x)) / ((T.One + e) * (T.One + e));
    }
}
