using System.Collections.Concurrent;
using System.Numerics;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Custom;

/// <summary>
/// An operator of your own that maps each element x to f(x): output = f(input), dInput = dOutput f'(input). The two methods are the rule
/// for the CPU; the two expressions are the rule for CUDA devices. <c>GradientCheck.Require</c> compares all four.
/// </summary>
/// <example><code>
/// sealed record Swish : Elementwise
/// {
///     public override T Value&lt;T&gt;(T x) => x / (T.One + T.Exp(-x));
///     public override T Derivative&lt;T&gt;(T x) => (T.One + T.Exp(-x) * (T.One + x)) / ((T.One + T.Exp(-x)) * (T.One + T.Exp(-x)));
///     public override string CudaValue => "x / (1 + expf(-x))";
///     public override string CudaDerivative => "(1 + expf(-x) * (1 + x)) / ((1 + expf(-x)) * (1 + expf(-x)))";
/// }
/// </code></example>
public abstract record Elementwise : Operator
{
    /// <summary>Most entries of <see cref="Constants"/>.</summary>
    public const int MostConstants = 4;

    private static readonly ConcurrentDictionary<(string Name, string Value, string Derivative), CudaSource> s_sources = [];

    /// <summary>f(x), in float or double.</summary>
    public abstract T Value<T>(T x) where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>f'(x), in float or double.</summary>
    public abstract T Derivative<T>(T x) where T : unmanaged, IFloatingPointIeee754<T>;

    /// <summary>f(x) as an expression of CUDA C++: x is a float, and p0 to p3 are the <see cref="Constants"/>.</summary>
    public abstract string CudaValue { get; }

    /// <summary>f'(x), written like <see cref="CudaValue"/>.</summary>
    public abstract string CudaDerivative { get; }

    /// <summary>
    /// Numbers that the two expressions read as p0 to p3. With other numbers, the kernels stay the same and are not compiled again.
    /// </summary>
    protected virtual IReadOnlyList<double> Constants => [];

    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Require(call[0].DType.IsFloat(), "input", call[0], "a floating-point tensor");
        return Tensor.EmptyLike(call[0]);
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        T* x = call[0].Pointer<T>(), y = call.Output.Pointer<T>();
        // The delegate finds the method once; calling the generic method would look it up for every element.
        Func<T, T> value = Value;
        Workers.Split(call[0].Count, Simd.Grain, (start, end) =>
        {
            for (long i = start; i < end; i++)
                y[i] = value(x[i]);
        });
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        T* x = call[0].Pointer<T>(), dy = dOutput.Pointer<T>(), dx = gradients.Target(0, out bool accumulate).Pointer<T>();
        Func<T, T> derivative = Derivative;
        Workers.Split(call[0].Count, Simd.Grain, (start, end) =>
        {
            for (long i = start; i < end; i++)
            {
                T gradient = dy[i] * derivative(x[i]);
                dx[i] = accumulate ? dx[i] + gradient : gradient;
            }
        });
    }

    /// <inheritdoc />
    protected sealed override void CudaForward(OperatorCall call) => Launch("forward", [call[0], call.Output], null);

    /// <inheritdoc />
    protected sealed override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = gradients.Target(0, out bool accumulate);
        Launch("backward", [call[0], dOutput, dInput], accumulate);
    }

    /// <summary>The source of the kernels.</summary>
    internal CudaSource Source => s_sources.GetOrAdd(
        (Name, CudaValue, CudaDerivative), key => CudaSource.FromText($"{key.Name}.cu", Text(key.Name, key.Value, key.Derivative)));

    private void Launch(string pass, ReadOnlySpan<Tensor> tensors, bool? accumulate)
    {
        IReadOnlyList<double> constants = Constants;
        Require(constants.Count <= MostConstants, nameof(Constants), constants.Count, $"at most {MostConstants}");
        var launch = new CudaLaunch(tensors[0], Source.Key, pass);
        foreach (Tensor tensor in tensors)
            launch.Add(tensor);
        launch.Add(tensors[0].Count);
        if (accumulate is { } adds)
            launch.Add(adds);
        for (int i = 0; i < MostConstants; i++)
            launch.Add(i < constants.Count ? (float)constants[i] : 0);
        launch.RunOver(tensors[0].Count);
    }

    // The #line directives make the compiler's messages name the expression.
    private static string Text(string name, string value, string derivative) => $$"""
        #include "common.cuh"

        __device__ __forceinline__ float value_at(float x, float p0, float p1, float p2, float p3) { return
        #line 1 "{{name}}.CudaValue"
        {{value}}
        ; }
        __device__ __forceinline__ float derivative_at(float x, float p0, float p1, float p2, float p3) { return
        #line 1 "{{name}}.CudaDerivative"
        {{derivative}}
        ; }

        #line 1 "{{name}}.cu"
        template <typename T>
        __global__ void __launch_bounds__(256) map(const T* __restrict__ input, T* __restrict__ output, long long count,
            float p0, float p1, float p2, float p3) {
            for_each_pack(count, aligned16(input, output), [&](long long i, int V) {
                Pack x = load_pack(input + i, V);
        #pragma unroll
                for (int k = 0; k < 4; k++) x.v[k] = value_at(x.v[k], p0, p1, p2, p3);
                store_pack(output + i, x, V);
            });
        }

        template <typename T>
        __global__ void __launch_bounds__(256) map_back(const T* __restrict__ input, const T* __restrict__ dOutput, T* __restrict__ dInput,
            long long count, int accumulate, float p0, float p1, float p2, float p3) {
            for_each_pack(count, aligned16(input, dOutput, dInput), [&](long long i, int V) {
                Pack x = load_pack(input + i, V), g = load_pack(dOutput + i, V);
        #pragma unroll
                for (int k = 0; k < 4; k++) g.v[k] *= derivative_at(x.v[k], p0, p1, p2, p3);
                give_pack(dInput + i, g, accumulate, V);
            });
        }

        EXPORT_KERNEL(forward_float32, (map<float>));
        EXPORT_KERNEL(forward_bf16, (map<bf16>));
        EXPORT_KERNEL(backward_float32, (map_back<float>));
        EXPORT_KERNEL(backward_bf16, (map_back<bf16>));
        """;
}
