using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

// Elementwise, 16384 elements per chunk, memory-bound: reads and writes parameter and momentum buffer once, reads the gradient once.
//   d = g + decay * p;   u = momentum * u + d;   p -= lr * u        (momentum 0: p -= lr * d)

/// <summary>
/// The update rule of stochastic gradient descent with momentum as torch.optim.SGD computes it, without dampening or Nesterov.
/// State: the velocity u, whose start at 0 makes the first step torch's; it may be left out if the momentum is 0.
/// </summary>
/// <param name="LearningRate">lr.</param>
/// <param name="Momentum">Factor of the previous update that is kept; 0: plain gradient descent.</param>
/// <param name="WeightDecay">Factor of the parameter that is added to the gradient.</param>
public sealed record Sgd(double LearningRate, double Momentum = 0, double WeightDecay = 0) : UpdateRule
{
    private protected override string Kernel => "sgd";

    private protected override IReadOnlyList<string> StateNames => ["velocity"];

    private protected override bool NeedsState => Momentum != 0;

    /// <inheritdoc />
    public override float[] Settings(int step) => [(float)LearningRate, (float)Momentum, (float)WeightDecay];

    private protected override unsafe void Update<T>(UpdatedParameter parameter, int step)
    {
        T* p = parameter.Value.Pointer<T>(), g = parameter.Gradient.Pointer<T>();
        T* u = parameter.State.Count == 0 ? null : parameter.State[0].Pointer<T>();
        T rate = T.CreateChecked(LearningRate), momentum = T.CreateChecked(Momentum), decay = T.CreateChecked(WeightDecay);
        Workers.Split(parameter.Value.Count, Simd.Grain, (start, end) =>
        {
            var rates = new Vector<T>(-rate);
            var momenta = new Vector<T>(momentum);
            var decays = new Vector<T>(decay);
            long i = start;
            for (; i + Vector<T>.Count <= end; i += Vector<T>.Count)
            {
                Vector<T> value = Simd.Load(p + i), slope = Simd.Fma(decays, value, Simd.Load(g + i));
                if (u != null)
                {
                    slope = Simd.Fma(momenta, Simd.Load(u + i), slope);
                    slope.Store(u + i);
                }
                Simd.Fma(rates, slope, value).Store(p + i);
            }
            for (; i < end; i++)
            {
                T slope = T.FusedMultiplyAdd(decay, p[i], g[i]);
                if (u != null)
                    slope = u[i] = T.FusedMultiplyAdd(momentum, u[i], slope);
                p[i] = T.FusedMultiplyAdd(-rate, slope, p[i]);
            }
        });
    }
}
