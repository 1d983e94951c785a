namespace CsUnet.Lab;

/// <summary>The names of limits.</summary>
public static class Bounds
{
    /// <summary>For example <c>load-store</c>.</summary>
    public static string Label(this Bound bound) => bound == Bound.LoadStore ? "load-store" : bound.ToString().ToLowerInvariant();
}
