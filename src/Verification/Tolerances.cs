using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>Every tolerance of the project's checks; nothing else decides what is close enough.</summary>
public static class Tolerances
{
    /// <summary>
    /// Largest difference over the tensor's largest entry that a golden case allows: four times what the reference's own float32 run is
    /// off, at least 1e-5; in float64 1e-6, the rounding of the stored float32 references and a margin.
    /// </summary>
    public static double Golden(DType type, double float32Error) => type == DType.Float64 ? 1e-6 : Math.Max(4 * float32Error, 1e-5);

    /// <summary>
    /// A gradient is taken to be zero in exact arithmetic if its largest entry is below this share of the case's largest gradient norm:
    /// far above the rounding of a float64 reference (1e-14), far below any gradient that means something (1e-7 and up).
    /// </summary>
    public const double ZeroGradient = 1e-10;

    /// <summary>Such a gradient is compared relative to this share of the case's largest gradient norm.</summary>
    public const double ZeroGradientScale = 1e-4;

    /// <summary>float32 against double for one operator, relative to the tensor's largest entry.</summary>
    public static double Float32(Exactness exactness) => exactness switch
    {
        Exactness.Moves => 0,
        Exactness.Elementwise => 1e-6,
        _ => 1e-5,
    };

    /// <summary>
    /// tf32 or bf16 against double for one operator, relative to the tensor's largest entry: twice what the reference arithmetic of the
    /// precision is off, which is what rounding operands and results costs at best. Where chance made the plain one exact, its error counts
    /// as one rounding of the largest entry.
    /// </summary>
    public static double Reduced(Precision precision, double plainError) => 2 * Math.Max(plainError, Rounding(precision));

    /// <summary>
    /// Output and gradients of a whole network in tf32 or bf16, the length of the error over the tensor's: twice the reference arithmetic's,
    /// and more for few entries. Rounding moves each entry by chance, so that of two errors of n entries that are as long on average one is
    /// at times 1 + 3 / sqrt(n) times the other: gradients of 8 entries were seen at 3.3 times the plain one's, of 500 and more at 1.8 at most.
    /// </summary>
    public static double ReducedLength(Precision precision, double plainError, long entries) =>
        (1 + 3 / Math.Sqrt(entries)) * Reduced(precision, plainError);

    /// <summary>The loss of a step in tf32 or bf16 relative to fp32's, over five steps of cs-unet-mini; measured 3e-4 and 2.4e-3.</summary>
    public static double LossOfNetwork(Precision precision) => precision == Precision.Bf16 ? 1e-2 : 1e-3;

    /// <summary>Its logits then in tf32 or bf16 against the processor's, relative to the largest; measured 4e-4 and 6e-3.</summary>
    public static double LogitsOfNetwork(Precision precision) => precision == Precision.Bf16 ? 2e-2 : 2e-3;

    /// <summary>
    /// Radians between a parameter's gradient in bf16 and in float32, where no rectifier follows: a cosine of 0.998; the farthest of
    /// cs-unet-mini's is at 0.9989.
    /// </summary>
    public const double GradientAngle = 0.0632;

    /// <summary>
    /// That angle over the one by which rounding weights and images turns float32's gradient, where rectifiers follow. It counts no
    /// rounding of activations, so more than twice: at most 2.3 times in cs-unet-mini.
    /// </summary>
    public const double AngleOverRounding = 3;

    /// <summary>Relative difference of the lengths of a parameter's gradient in bf16 and in float32; 0.10 at most in cs-unet-mini.</summary>
    public const double GradientLength = 0.15;

    /// <summary>The largest relative error of rounding one number to a precision's operands: half the distance of neighbours.</summary>
    private static double Rounding(Precision precision) => Math.ScaleB(1, precision switch
    {
        Precision.Bf16 => -8,
        Precision.Tf32 => -11,
        _ => -24,
    });

    /// <summary>
    /// Two gradients of a device that are equal in exact arithmetic, as twice a gradient and a gradient that was added to itself, relative
    /// to the largest entry: sums may be taken in another order.
    /// </summary>
    public static double GradientSum(DType type) => type == DType.BFloat16 ? 1.0 / 64 : Float32(Exactness.Sums);

    /// <summary>Gradient checks of single operators in double, relative to the gradient's largest entry; central differences resolve 1e-9.</summary>
    public const double GradientOfOperator = 1e-8;

    /// <summary>
    /// Gradient checks of modules and networks in double: rounding grows with depth, and a difference step must stay below the distance
    /// to the nearest kink of thousands of rectifiers.
    /// </summary>
    public const double GradientOfNetwork = 1e-6;
}
