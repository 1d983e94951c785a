using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Conversion to another floating-point type. Input: input (...). output = input, rounded to nearest, ties to even; dInput = dOutput in the
/// input's type. An input that already has the type is passed through. The CPU converts between float32 and float64, a CUDA device
/// between float32 and bfloat16. Saves nothing. Memory-bound.
/// </summary>
/// <param name="Type">Element type of the output.</param>
public sealed record Cast(DType Type) : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        DType other = call[0].Device.Kind == DeviceKind.Cuda ? DType.BFloat16 : DType.Float64;
        string types = $"float32 or {other.Label()}, which are what {call[0].Device} converts";
        Require(call[0].DType is DType.Float32 || call[0].DType == other, "input", call[0], types);
        Require(Type is DType.Float32 || Type == other, "type", Type.Label(), types);
        return Convert(call[0], Type);
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (call[0].DType == Type)
            gradients.Pass(0, dOutput);
        else
            gradients.Give(0, Convert(dOutput, call[0].DType));
    }

    /// <summary>A tensor's numbers in another type, on the same device; the tensor itself if it already has that type.</summary>
    internal static Tensor Convert(Tensor source, DType type)
    {
        if (source.DType == type || source.Device.Kind == DeviceKind.Cpu)
            return source.To(type);
        Tensor target = Tensor.Empty(source.Shape, type, source.Device);
        // kernels/tensor_math.cu
        string kernel = type == DType.BFloat16 ? "tensor_math_copy_float32_to_bf16" : "tensor_math_copy_bf16_to_float32";
        var launch = new CudaLaunch(source, "tensor_math", kernel, typed: false);
        launch.Add(source, target);
        launch.Add(source.Count);
        launch.RunOver(source.Count);
        return target;
    }
}
