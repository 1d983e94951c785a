namespace CsUnet.Tensors;

/// <summary>Facts about precisions.</summary>
public static class Precisions
{
    /// <summary>The name in files and messages: fp32, tf32 or bf16.</summary>
    public static string Label(this Precision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>The names of all precisions.</summary>
    public static IReadOnlyList<string> Labels { get; } = [.. Enum.GetValues<Precision>().Select(Label)];

    /// <summary>Whether a device computes in the precision.</summary>
    public static bool RunsOn(this Precision precision, Device device) => precision == Precision.Fp32 || device.Kind == DeviceKind.Cuda;

    /// <summary>The precision of a name as <see cref="Label"/> gives it, or null.</summary>
    public static Precision? Find(string label) =>
        Enum.GetValues<Precision>().Select(precision => (Precision?)precision).FirstOrDefault(precision => precision!.Value.Label() == label);

    /// <summary>The element type of activations between float32 images and float32 logits.</summary>
    public static DType ActivationType(this Precision precision) => precision == Precision.Bf16 ? DType.BFloat16 : DType.Float32;

    /// <summary>The arithmetic that a device's products of float32 matrices are set to: tf32 or fp32.</summary>
    public static Precision InUse(Device device) =>
        device.Kind == DeviceKind.Cuda && CudaDevice.Get(device).AllowTf32 ? Precision.Tf32 : Precision.Fp32;

    /// <summary>
    /// Makes the matrix products of a device work in a precision until the result is disposed: <see cref="CudaDevice.AllowTf32"/> is true
    /// for tf32, else false, and then what it was.
    /// </summary>
    /// <exception cref="NotSupportedException">The device is the processor, and the precision is not fp32.</exception>
    public static PrecisionScope Use(this Precision precision, Device device)
    {
        if (!precision.RunsOn(device))
            throw new NotSupportedException(
                $"precision {precision.Label()} needs a CUDA device: the processor computes in fp32 only");
        return new PrecisionScope(device.Kind == DeviceKind.Cuda ? CudaDevice.Get(device) : null, precision == Precision.Tf32);
    }
}
