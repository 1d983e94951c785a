using System.Numerics;

namespace CsUnet.Kernels.Cpu;

/// <summary>The table of the activation functions: one row per kind, with the name of its kernels in kernels/activation.cu.</summary>
internal abstract unsafe class ActivationFunction(string kernel)
{
    private static readonly Dictionary<ActivationKind, ActivationFunction> s_table = new()
    {
        [ActivationKind.ReLU] = new On<ReLU>("relu"),
        [ActivationKind.ReLU6] = new On<ReLU6>("relu6"),
        [ActivationKind.GELU] = new On<GELU>("gelu"),
        [ActivationKind.SiLU] = new On<SiLU>("silu"),
        [ActivationKind.Sigmoid] = new On<Sigmoid>("sigmoid"),
        [ActivationKind.HardSwish] = new On<HardSwish>("hard_swish"),
    };

    /// <summary>The function of a kind.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public static ActivationFunction Of(ActivationKind kind) => s_table.TryGetValue(kind, out ActivationFunction? found)
        ? found
        : throw new ArgumentOutOfRangeException(nameof(kind), kind,
            $"Activation: kind is {kind}, expected one of {string.Join(", ", s_table.Keys)}");

    /// <summary>The first part of the names of its kernels.</summary>
    public string Kernel => kernel;

    /// <summary>Whether <see cref="Backward"/> takes the output; otherwise it takes the input.</summary>
    public abstract bool ReadsOutput { get; }

    /// <summary>y = f(x) over n elements, on the calling thread.</summary>
    public abstract void Forward<T>(T* x, T* y, long n) where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>dx = [dx +] dy f'(x) over n elements, on the calling thread; <paramref name="saved"/> holds x or f(x).</summary>
    public abstract void Backward<T>(T* saved, T* dy, T* dx, long n, bool accumulate) where T : unmanaged, IFloatingPointIeee754<T>;

    private struct ReLU : IActivation
    {
        public static bool ReadsOutput => true;

        public static Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T> =>
            Vector.ConditionalSelect(Vector.LessThan(x, Vector<T>.Zero), Vector<T>.Zero, x);

        public static Vector<T> Gradient<T>(Vector<T> y, Vector<T> dy) where T : unmanaged, IFloatingPointIeee754<T> =>
            Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<T>.Zero), dy, Vector<T>.Zero);
    }

    private struct ReLU6 : IActivation
    {
        public static bool ReadsOutput => true;

        public static Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T> => ZeroToSix(x);

        public static Vector<T> Gradient<T>(Vector<T> y, Vector<T> dy) where T : unmanaged, IFloatingPointIeee754<T> =>
            Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<T>.Zero) & Vector.LessThan(y, Number<T>(6)), dy, Vector<T>.Zero);
    }

    private struct GELU : IActivation
    {
        public static bool ReadsOutput => false;

        public static Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T> => VectorMath.Gelu(x);

        public static Vector<T> Gradient<T>(Vector<T> x, Vector<T> dy) where T : unmanaged, IFloatingPointIeee754<T> =>
            VectorMath.GeluDerivative(x) * dy;
    }

    private struct SiLU : IActivation
    {
        public static bool ReadsOutput => false;

        public static Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T> => x * Logistic(x);

        // f'(x) = s + x s (1 - s) with s = sigmoid(x).
        public static Vector<T> Gradient<T>(Vector<T> x, Vector<T> dy) where T : unmanaged, IFloatingPointIeee754<T>
        {
            Vector<T> s = Logistic(x);
            return dy * (s * (Vector<T>.One + x * (Vector<T>.One - s)));
        }
    }

    private struct Sigmoid : IActivation
    {
        // The derivative is y (1 - y), but a y rounded to bfloat16 says little about 1 - y. So the backward pass reads the input.
        public static bool ReadsOutput => false;

        public static Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T> => Logistic(x);

        public static Vector<T> Gradient<T>(Vector<T> x, Vector<T> dy) where T : unmanaged, IFloatingPointIeee754<T>
        {
            Vector<T> s = Logistic(x);
            return dy * (s * (Vector<T>.One - s));
        }
    }

    private struct HardSwish : IActivation
    {
        public static bool ReadsOutput => false;

        public static Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T> =>
            x * (ZeroToSix(x + Number<T>(3)) / Number<T>(6));

        // f'(x) = (2 x + 3) / 6 = x / 3 + 1 / 2 between -3 and 3.
        public static Vector<T> Gradient<T>(Vector<T> x, Vector<T> dy) where T : unmanaged, IFloatingPointIeee754<T> =>
            Vector.ConditionalSelect(Vector.LessThanOrEqual(x, Number<T>(-3)), Vector<T>.Zero,
                Vector.ConditionalSelect(Vector.GreaterThanOrEqual(x, Number<T>(3)), dy, dy * (x / Number<T>(3) + Number<T>(0.5))));
    }

    private static Vector<T> Number<T>(double value) where T : unmanaged, IFloatingPointIeee754<T> => new(T.CreateChecked(value));

    // A NaN is neither below 0 nor above 6, so it stays.
    private static Vector<T> ZeroToSix<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        x = Vector.ConditionalSelect(Vector.LessThan(x, Vector<T>.Zero), Vector<T>.Zero, x);
        return Vector.ConditionalSelect(Vector.GreaterThan(x, Number<T>(6)), Number<T>(6), x);
    }

    private static Vector<T> Logistic<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T> =>
        Vector<T>.One / (Vector<T>.One + VectorMath.Exp(-x));

    /// <summary>Loops over n elements, one vector at a time; the remaining elements fill part of a last vector.</summary>
    private sealed class On<TFunction>(string kernel) : ActivationFunction(kernel) where TFunction : struct, IActivation
    {
        public override bool ReadsOutput => TFunction.ReadsOutput;

        public override void Forward<T>(T* x, T* y, long n)
        {
            long i = 0;
            for (; i + Vector<T>.Count <= n; i += Vector<T>.Count)
                TFunction.Value(Simd.Load(x + i)).Store(y + i);
            if (i < n)
                TFunction.Value(Simd.LoadPart(x + i, n - i)).StorePart(y + i, n - i);
        }

        public override void Backward<T>(T* saved, T* dy, T* dx, long n, bool accumulate)
        {
            long i = 0;
            for (; i + Vector<T>.Count <= n; i += Vector<T>.Count)
            {
                Vector<T> gradient = TFunction.Gradient(Simd.Load(saved + i), Simd.Load(dy + i));
                (accumulate ? Simd.Load(dx + i) + gradient : gradient).Store(dx + i);
            }
            if (i < n)
            {
                Vector<T> gradient = TFunction.Gradient(Simd.LoadPart(saved + i, n - i), Simd.LoadPart(dy + i, n - i));
                (accumulate ? Simd.LoadPart(dx + i, n - i) + gradient : gradient).StorePart(dx + i, n - i);
            }
        }
    }
}
