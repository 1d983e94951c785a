using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>The ways in which operators run on the processor: a fast one, and the plain loops that say what it has to compute.</summary>
internal static class CpuVariants
{
    /// <summary>Packed panels and micro-kernels.</summary>
    public const string Blocked = "blocked";

    private const string Reference = "reference", VectorBits = "vector_bits";

    private static readonly LaunchParameter s_vectorBits =
        new(VectorBits, Vector512.IsHardwareAccelerated ? [512, 256] : [256]);

    /// <summary>The variants of an operator.</summary>
    /// <param name="fast">The name of the usual one.</param>
    /// <param name="summary">What it does.</param>
    /// <param name="choosesVectors">Whether it is compiled for two sizes of vectors, <see cref="IsNarrow"/>.</param>
    public static IReadOnlyList<KernelVariant> Of(string fast, string summary, bool choosesVectors) =>
    [
        choosesVectors ? new(fast, summary, s_vectorBits) : new(fast, summary),
        new(Reference, "the sums of the formula as plain loops on one thread"),
    ];

    /// <summary>Whether a call is to be computed by the plain loops.</summary>
    public static bool IsReference(OperatorCall call) => call.Choice?.Variant == Reference;

    /// <summary>Whether a call is to use 256-bit vectors where there are larger ones.</summary>
    /// <exception cref="VariantNotTakenException">Its choice names vectors that this machine has not.</exception>
    public static bool IsNarrow(Operator op, OperatorCall call)
    {
        if (call.Choice is not { } choice)
            return false;
        int largest = s_vectorBits.Values[0], bits = choice.Value(VectorBits, largest);
        return s_vectorBits.Values.Contains(bits)
            ? bits < largest
            : throw new VariantNotTakenException(op.Name, choice.ToString(), $"vectors of {string.Join(" or ", s_vectorBits.Values)} bits on this machine, not {bits}");
    }
}
