namespace CsUnet.Lab;

/// <summary>How limits are written.</summary>
public static class Bounds
{
    /// <summary>For example <c>load-store</c>.</summary>
    public static string Label(this Bound bound) => bound == Bound.LoadStore ? "load-store" : bound.ToString().ToLowerInvariant();
}
