namespace CsUnet.Kernels;

/// <summary>Quotients rounded up: how many pieces of a size cover a number of things.</summary>
internal static class Ceiling
{
    /// <summary>ceil(a / b) of a not negative, b positive.</summary>
    public static int Divide(int a, int b) => (a + b - 1) / b;
}
