using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Code shared by the update rules.</summary>
internal static class UpdateRule
{
    /// <summary>
    /// Keeps tensors alive until a loop over their memory is done; the garbage collector does not see the addresses that the loop holds.
    /// </summary>
    public static void KeepAlive(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (Tensor? tensor in tensors)
            GC.KeepAlive(tensor);
    }

    public static void RequireLike(string rule, Tensor parameter, params ReadOnlySpan<(string Name, Tensor Tensor)> others)
    {
        if (!parameter.DType.IsFloat())
            throw new ShapeException(rule, "parameter", parameter, "a float32 or float64 tensor");
        foreach ((string name, Tensor tensor) in others)
            if (tensor.Shape != parameter.Shape || tensor.DType != parameter.DType || tensor.Device != parameter.Device)
                throw new ShapeException(rule, name, $"{tensor} on {tensor.Device}",
                    $"{parameter} on {parameter.Device} like the parameter");
    }

    public static Tensor OnDevice(float[] settings, Device device) => Tensor.From(settings, [settings.Length]).To(device);

    public static void Launch(TensorTable table, string kernel, Tensor settings, Tensor? factor)
    {
        CudaLaunch launch = table.Launch(kernel);
        launch.Add(settings);
        launch.Add(factor);
        table.Run(ref launch);
        KeepAlive(settings, factor);
    }
}
