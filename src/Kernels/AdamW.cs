using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

// Elementwise, 16384 elements per chunk, memory-bound: reads parameter, gradient, mean and variance once, writes all but the gradient.
//   p -= lr * decay * p
//   m += (1 - beta1) (g - m);   v = beta2 v + (1 - beta2) g^2
//   p -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)

/// <summary>
/// The update rule of AdamW (Loshchilov and Hutter 2019, "Decoupled weight decay regularization") as torch.optim.AdamW computes it.
/// State: the mean m and the variance v.
/// </summary>
/// <param name="LearningRate">lr.</param>
/// <param name="Beta1">Decay of the mean gradient.</param>
/// <param name="Beta2">Decay of the mean squared gradient.</param>
/// <param name="Epsilon">Keeps the quotient finite.</param>
/// <param name="WeightDecay">Decay of the parameter itself, times the learning rate.</param>
public sealed record AdamW(double LearningRate, double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8, double WeightDecay = 0.01)
    : UpdateRule
{
    private protected override string Kernel => "adamw";

    private protected override IReadOnlyList<string> StateNames => ["mean", "variance"];

    /// <inheritdoc />
    public override float[] Settings(int step) =>
    [
        (float)(1 - LearningRate * WeightDecay), (float)(1 - Beta1), (float)Beta2, (float)(1 - Beta2), (float)Epsilon,
        (float)(LearningRate / (1 - Math.Pow(Beta1, step))), (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, step))),
    ];

    private protected override unsafe void Update<T>(UpdatedParameter parameter, int step)
    {
        T* p = parameter.Value.Pointer<T>(), g = parameter.Gradient.Pointer<T>();
        T* m = parameter.State[0].Pointer<T>(), v = parameter.State[1].Pointer<T>();
        T keep = T.CreateChecked(1 - LearningRate * WeightDecay), gain1 = T.CreateChecked(1 - Beta1);
        T beta2 = T.CreateChecked(Beta2), gain2 = T.CreateChecked(1 - Beta2), epsilon = T.CreateChecked(Epsilon);
        T rate = T.CreateChecked(LearningRate / (1 - Math.Pow(Beta1, step)));
        T root = T.CreateChecked(1 / Math.Sqrt(1 - Math.Pow(Beta2, step)));
        Workers.Split(parameter.Value.Count, Simd.Grain, (start, end) =>
        {
            var keeps = new Vector<T>(keep);
            var gains1 = new Vector<T>(gain1);
            var betas2 = new Vector<T>(beta2);
            var gains2 = new Vector<T>(gain2);
            var epsilons = new Vector<T>(epsilon);
            var rates = new Vector<T>(-rate);
            var roots = new Vector<T>(root);
            long i = start;
            for (; i + Vector<T>.Count <= end; i += Vector<T>.Count)
            {
                Vector<T> slope = Simd.Load(g + i), first = Simd.Load(m + i);
                first = Simd.Fma(gains1, slope - first, first);
                Vector<T> second = Simd.Fma(gains2 * slope, slope, betas2 * Simd.Load(v + i));
                Vector<T> direction = first / Simd.Fma(Vector.SquareRoot(second), roots, epsilons);
                first.Store(m + i);
                second.Store(v + i);
                Simd.Fma(rates, direction, keeps * Simd.Load(p + i)).Store(p + i);
            }
            for (; i < end; i++)
            {
                m[i] = T.FusedMultiplyAdd(gain1, g[i] - m[i], m[i]);
                v[i] = T.FusedMultiplyAdd(gain2 * g[i], g[i], beta2 * v[i]);
                T direction = m[i] / T.FusedMultiplyAdd(T.Sqrt(v[i]), root, epsilon);
                p[i] = T.FusedMultiplyAdd(-rate, direction, keep * p[i]);
            }
        });
    }
}
