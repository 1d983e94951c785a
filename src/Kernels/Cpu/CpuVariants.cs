using System.Runtime.Intrinsics;

namespace CsUnet.Kernels.Cpu;

/// <summary>The variants of operators on the CPU: a fast one, and plain loops as its reference implementation.</summary>
internal static class CpuVariants
{
    /// <summary>Packed panels and micro-kernels.</summary>
    public const string Blocked = "blocked";

    private const string Reference = "reference";

    private static readonly LaunchParameter s_vectorBits =
        new("vector_bits", Vector512.IsHardwareAccelerated ? [512, 256] : [256], Vector512.IsHardwareAccelerated ? 512 : 256);

    /// <summary>The variants of an operator.</summary>
    /// <param name="fast">The name of the default variant.</param>
    /// <param name="summary">What it does.</param>
    /// <param name="choosesVectors">Whether it is compiled for two vector widths, <see cref="IsNarrow"/>.</param>
    public static IReadOnlyList<KernelVariant> Of(string fast, string summary, bool choosesVectors) =>
    [
        choosesVectors ? new(fast, summary, s_vectorBits) : new(fast, summary),
        new(Reference, "the sums of the formula as plain loops on one thread"),
    ];

    /// <summary>Whether the plain loops compute a call.</summary>
    public static bool IsReference(OperatorCall call) => call.Choice?.Variant == Reference;

    /// <summary>Whether a call uses 256-bit vectors, even if the machine has wider ones.</summary>
    /// <exception cref="VariantNotTakenException">Its choice asks for vectors that this machine does not have.</exception>
    public static bool IsNarrow(OperatorCall call)
    {
        int bits = call.Parameter(s_vectorBits);
        return s_vectorBits.Values.Contains(bits)
            ? bits < s_vectorBits.Usual
            : throw new VariantNotTakenException(
                call.Operator.Name, call.Choice!.ToString(),
                $"vectors of {string.Join(" or ", s_vectorBits.Values)} bits on this machine, not {bits}");
    }
}
