namespace CsUnet.Tensors;

/// <summary>Facts about precisions.</summary>
public static class Precisions
{
    [ThreadStatic] private static Precision t_current;

    /// <summary>The name in files and messages: fp32, tf32 or bf16.</summary>
    public static string Label(this Precision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>The names of all precisions.</summary>
    public static IReadOnlyList<string> Labels { get; } = [.. Enum.GetValues<Precision>().Select(Label)];

    /// <summary>Whether a device supports the precision.</summary>
    public static bool RunsOn(this Precision precision, Device device) => precision == Precision.Fp32 || device.Kind == DeviceKind.Cuda;

    /// <summary>The precision with a given <see cref="Label"/>, or null.</summary>
    public static Precision? Find(string label) =>
        Enum.GetValues<Precision>().Select(precision => (Precision?)precision)
            .FirstOrDefault(precision => precision!.Value.Label() == label);

    /// <summary>The element type of activations between float32 images and float32 logits.</summary>
    public static DType ActivationType(this Precision precision) => precision == Precision.Bf16 ? DType.BFloat16 : DType.Float32;

    /// <summary>The precision of this thread's operator calls: that of the innermost <see cref="Use"/>, or fp32.</summary>
    public static Precision Current
    {
        get => t_current;
        internal set => t_current = value;
    }

    /// <summary>
    /// The arithmetic of an operator that is called now on a tensor of the given type and device: bf16 for bfloat16; tf32 for float32 on a
    /// CUDA device if <see cref="Current"/> is tf32; otherwise fp32.
    /// </summary>
    public static Precision Of(DType type, Device device) => type switch
    {
        DType.BFloat16 => Precision.Bf16,
        DType.Float32 when device.Kind == DeviceKind.Cuda && t_current == Precision.Tf32 => Precision.Tf32,
        _ => Precision.Fp32,
    };

    /// <summary>
    /// Sets the precision of this thread's operator calls until the result is disposed. A call remembers its precision, so its backward
    /// pass uses the same one on whichever thread it runs. Other threads have their own precision.
    /// </summary>
    /// <exception cref="NotSupportedException">The device is the CPU, and the precision is not fp32.</exception>
    public static PrecisionScope Use(this Precision precision, Device device)
    {
        if (!precision.RunsOn(device))
            throw new NotSupportedException(
                $"precision {precision.Label()} needs a CUDA device: the CPU computes in fp32 only");
        var scope = new PrecisionScope(t_current);
        t_current = precision;
        return scope;
    }
}
