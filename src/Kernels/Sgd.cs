using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

// Elementwise, 16384 elements per chunk, memory-bound: reads and writes parameter and momentum buffer once, reads the gradient once.
//   d = g + decay * p;   u = momentum * u + d;   p -= lr * u        (momentum 0: p -= lr * d)

/// <summary>
/// The update rule of stochastic gradient descent with momentum as torch.optim.SGD computes it, without dampening or Nesterov.
/// </summary>
/// <param name="LearningRate">lr.</param>
/// <param name="Momentum">Factor of the previous update that is kept; 0: plain gradient descent.</param>
/// <param name="WeightDecay">Factor of the parameter that is added to the gradient.</param>
public sealed record Sgd(double LearningRate, double Momentum = 0, double WeightDecay = 0)
{
    /// <summary>Updates a parameter and its momentum buffer in place.</summary>
    /// <param name="parameter">The parameter, float32 or float64.</param>
    /// <param name="gradient">Its gradient, with the same shape and type; unchanged.</param>
    /// <param name="velocity">u, zero before the first step, which then equals torch's first step; null only if the momentum is 0.</param>
    /// <exception cref="ShapeException">A tensor does not match the parameter, or the buffer is missing.</exception>
    public void Update(Tensor parameter, Tensor gradient, Tensor? velocity)
    {
        if (velocity is null && Momentum != 0)
            throw new ShapeException(nameof(Sgd), nameof(velocity), null, $"{parameter} like the parameter, since momentum is {Momentum}");
        UpdateRule.RequireLike(nameof(Sgd), parameter, (nameof(gradient), gradient), (nameof(velocity), velocity ?? parameter));
        if (parameter.Device.Kind == DeviceKind.Cuda)
            Update(new TensorTable([gradient], [parameter], velocity is null ? null : [velocity], null),
                UpdateRule.OnDevice(Settings(), parameter.Device), null);
        else if (parameter.DType == DType.Float32)
            Update<float>(parameter, gradient, velocity);
        else
            Update<double>(parameter, gradient, velocity);
    }

    private unsafe void Update<T>(Tensor parameter, Tensor gradient, Tensor? velocity) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* p = parameter.Pointer<T>(), g = gradient.Pointer<T>(), u = velocity is null ? null : velocity.Pointer<T>();
        T rate = T.CreateChecked(LearningRate), momentum = T.CreateChecked(Momentum), decay = T.CreateChecked(WeightDecay);
        Workers.Split(parameter.Count, Simd.Grain, (start, end) =>
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
        UpdateRule.KeepAlive(parameter, gradient, velocity);
    }

    /// <summary>
    /// The numbers that <see cref="Update(TensorTable, Tensor, Tensor?)"/> reads from device memory, because they change from step to step.
    /// </summary>
    public float[] Settings() => [(float)LearningRate, (float)Momentum, (float)WeightDecay];

    /// <summary>Updates all parameters of a table in one launch of kernels/optimizer.cu.</summary>
    /// <param name="table">Gradients, parameters, and velocities unless the momentum is 0.</param>
    /// <param name="settings">The numbers of <see cref="Settings"/> in device memory.</param>
    /// <param name="factor">A number in device memory that multiplies every gradient; null: 1.</param>
    public static void Update(TensorTable table, Tensor settings, Tensor? factor) => UpdateRule.Launch(table, "sgd", settings, factor);
}
