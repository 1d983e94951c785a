using System.Numerics;

namespace CsUnet.Kernels.Cpu;

/// <summary>An activation function on vectors of float or double.</summary>
internal interface IActivation
{
    /// <summary>Whether <see cref="Gradient"/> takes the output; otherwise it takes the input.</summary>
    static abstract bool ReadsOutput { get; }

    /// <summary>f(x).</summary>
    static abstract Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>dy f'(x), given x or f(x) as <see cref="ReadsOutput"/> says.</summary>
    static abstract Vector<T> Gradient<T>(Vector<T> saved, Vector<T> dy) where T : unmanaged, IFloatingPointIeee754<T>;
}
