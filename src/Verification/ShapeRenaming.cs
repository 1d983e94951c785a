using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Shapes for an operator without a family: those of one of its cases, with each dimension replaced wherever its number
/// occurs. A shape that the operator rejects is skipped, so an operator with interdependent dimensions needs its own family.
/// </summary>
internal static class ShapeRenaming
{
    /// <summary>Whether the case has a dimension to rename.</summary>
    public static bool IsPossible(OperatorCase item) => Dimensions(item).Length > 0;

    /// <summary>The family of a case.</summary>
    public static ShapeFamily Of(OperatorCase item)
    {
        int[] dimensions = Dimensions(item);
        return new ShapeFamily(
            item.Op.Name, [.. dimensions.Select(size =>
                new ShapeParameter($"{size}:", 1, Math.Max(16, size), size, size, 4, 8) { PreferredWeight = 4 })], values =>
            {
                Dictionary<int, int> renamed = dimensions.Zip(values).ToDictionary();
                OperatorCase other = item with { Inputs = [.. item.Inputs.Select(input =>
                    input is null ? null : input with { Shape = Renamed(input.Shape), Classes = Rename(input.Classes) })] };
                return IsTaken(other) ? other : null;

                Shape Renamed(Shape shape) => [.. shape.Select(Rename)];
                int Rename(int size) => renamed.GetValueOrDefault(size, size);
            },
            item.Label);
    }

    private static int[] Dimensions(OperatorCase item) =>
        [.. item.Inputs.OfType<OperatorInput>().SelectMany(input => input.Shape).Where(size => size > 1).Distinct()];

    private static bool IsTaken(OperatorCase item)
    {
        // Statistics of few rows have variances near 0, which nothing computes exactly.
        bool hasStatistics = item.Inputs.Any(input => input is not null && input.Name.StartsWith("running", StringComparison.Ordinal));
        if (hasStatistics && item.Inputs[0]!.Shape.Rows < 16)
            return false;
        try
        {
            item.RunWithGradients(DType.Float64);
            return true;
        }
        catch (ShapeException)
        {
            return false;
        }
    }
}
