using CsUnet.Kernels.Custom;

namespace CsUnet.Tests.Support;

/// <summary>x / (1 + exp(-x)) as a custom operator from outside the engine, with optional mistakes.</summary>
/// <param name="DerivativeFactor">A wrong factor of the derivative on the CPU; 1: right.</param>
/// <param name="CudaFactor">A wrong factor of the derivative in the CUDA kernels; 1: right.</param>
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
