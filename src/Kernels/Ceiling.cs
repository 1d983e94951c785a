namespace CsUnet.Kernels;

/// <summary>Division rounded up: the number of blocks of a size that cover a number of items.</summary>
internal static class Ceiling
{
    /// <summary>ceil(a / b) for nonnegative a and positive b.</summary>
    public static int Divide(int a, int b) => (a + b - 1) / b;

    /// <summary>ceil(a / b) for nonnegative a and positive b.</summary>
    public static long Divide(long a, long b) => (a + b - 1) / b;
}
