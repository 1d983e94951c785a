using CsUnet.Kernels.Custom;

namespace CsUnet.Kernels;

/// <summary>A tensor times a number. Input: input, any shape. output = Factor * input; dInput = Factor * dOutput.</summary>
/// <param name="Factor">The number.</param>
public sealed record Scale(double Factor) : Elementwise
{
    /// <inheritdoc />
    public override string CudaValue => "p0 * x";

    /// <inheritdoc />
    public override string CudaDerivative => "p0";

    /// <inheritdoc />
    protected override IReadOnlyList<double> Constants => [Factor];

    /// <inheritdoc />
    public override T Value<T>(T x) => T.CreateChecked(Factor) * x;

    /// <inheritdoc />
    public override T Derivative<T>(T x) => T.CreateChecked(Factor);
}
