using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>All tolerances of the project's checks; they are defined nowhere else.</summary>
public static class Tolerances
{
    /// <summary>
    /// Largest difference of a golden case over the tensor's largest entry: four times the error of the reference's own float32 run,
    /// at least 1e-5; in float64 1e-6, the rounding of the stored float32 references plus a margin.
    /// </summary>
    public static double Golden(DType type, double float32Error) => type == DType.Float64 ? 1e-6 : Math.Max(4 * float32Error, 1e-5);

    /// <summary>
    /// A gradient counts as zero in exact arithmetic if its largest entry is below this fraction of the case's largest gradient norm:
    /// far above the rounding of a float64 reference (1e-14), far below any meaningful gradient (1e-7 and up).
    /// </summary>
    public const double ZeroGradient = 1e-10;

    /// <summary>Such a gradient is compared relative to this fraction of the case's largest gradient norm.</summary>
    public const double ZeroGradientScale = 1e-4;

    /// <summary>float32 against double for one operator, relative to the tensor's largest entry.</summary>
    public static double Float32(Exactness exactness) => exactness switch
    {
        Exactness.Moves => 0,
        Exactness.Elementwise => 1e-6,
        _ => 1e-5,
    };

    /// <summary>
    /// tf32 or bf16 against double for one operator, relative to the tensor's largest entry: twice the error of the reference arithmetic of
    /// the precision, which rounds only operands and results. If the reference is exact by chance, its error counts
    /// as one rounding of the largest entry.
    /// </summary>
    public static double Reduced(Precision precision, double plainError) => 2 * Math.Max(plainError, Rounding(precision));

    /// <summary>
    /// Output and gradients of a whole network in tf32 or bf16, the norm of the error over the tensor's norm: twice the reference
    /// arithmetic's, and more for few entries. Rounding changes each entry at random. Of two errors of n entries with equal average
    /// norm, one is sometimes 1 + 3 / sqrt(n) times the other: observed 3.3 times the reference's error for gradients of 8 entries, at most
    /// 1.8 for 500 and more.
    /// </summary>
    public static double ReducedLength(Precision precision, double plainError, long entries) =>
        (1 + 3 / Math.Sqrt(entries)) * Reduced(precision, plainError);

    /// <summary>The loss of a step in tf32 or bf16 relative to fp32's, over five steps of cs-unet-mini; measured 3e-4 and 2.4e-3.</summary>
    public static double LossOfNetwork(Precision precision) => precision == Precision.Bf16 ? 1e-2 : 1e-3;

    /// <summary>Its logits then in tf32 or bf16 against the CPU's, relative to the largest; measured 4e-4 and 6e-3.</summary>
    public static double LogitsOfNetwork(Precision precision) => precision == Precision.Bf16 ? 2e-2 : 2e-3;

    /// <summary>
    /// Angle in radians between a parameter's gradient in bf16 and in float32, if no rectifier follows: a cosine of 0.998; the worst of
    /// cs-unet-mini's is at 0.9989.
    /// </summary>
    public const double GradientAngle = 0.0632;

    /// <summary>
    /// That angle, if rectifiers follow, over the angle by which rounding weights and images turns float32's gradient. The latter includes
    /// no rounding of activations, so more than twice: at most 2.3 times in cs-unet-mini.
    /// </summary>
    public const double AngleOverRounding = 3;

    /// <summary>Relative difference of the norms of a parameter's gradient in bf16 and in float32; at most 0.10 in cs-unet-mini.</summary>
    public const double GradientLength = 0.15;

    /// <summary>The unit roundoff of a precision's operands: the largest relative error of rounding one number.</summary>
    private static double Rounding(Precision precision) => Math.ScaleB(1, precision switch
    {
        Precision.Bf16 => -8,
        Precision.Tf32 => -11,
        _ => -24,
    });

    /// <summary>
    /// Two variants of one operator on the same inputs, the length of the difference over the tensor's: the order of sums differs. Where
    /// rectifiers follow sums, a value next to zero may fall on the other side in one of them, which changes single entries of gradients.
    /// </summary>
    public static double OtherVariant(DType type, bool isRectified) => Math.Max(GradientSum(type), isRectified ? 1.0 / 64 : 0);

    /// <summary>
    /// Two gradients of a device that are equal in exact arithmetic, such as twice a gradient and a gradient added to itself, relative
    /// to the largest entry: the order of sums may differ.
    /// </summary>
    public static double GradientSum(DType type) => type == DType.BFloat16 ? 1.0 / 64 : Float32(Exactness.Sums);

    /// <summary>
    /// Gradient checks of single operators in double, relative to the gradient's largest entry; central differences resolve 1e-9.
    /// </summary>
    public const double GradientOfOperator = 1e-8;

    /// <summary>
    /// Gradient checks of modules and networks in double: rounding errors grow with depth, and a difference step must be smaller than the
    /// distance to the nearest kink of thousands of rectifiers.
    /// </summary>
    public const double GradientOfNetwork = 1e-6;
}
