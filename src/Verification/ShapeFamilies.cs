using CsUnet.Kernels;

namespace CsUnet.Verification;

/// <summary>
/// Families of shapes for random search, within limits that the emulated device takes in a second: those that cases bring along
/// (<see cref="OperatorCase.Random"/>). An operator without one is searched with the shapes of its cases, their dimensions renamed: see
/// <see cref="ShapeRenaming"/>.
/// </summary>
internal static class ShapeFamilies
{
    /// <summary>All families: one per operator, or one per case of an operator that brings none.</summary>
    public static IReadOnlyList<ShapeFamily> All { get; } = Create();

    private static ShapeFamily[] Create()
    {
        ShapeFamily[] families = [.. OperatorCases.All.Select(item => item.Random).OfType<ShapeFamily>().DistinctBy(family => family.Op)];
        // Among the ReLUs inside of a chain there is always one so near its kink that differences decide nothing; its layers are searched
        // alone.
        HashSet<string> known = [.. families.Select(family => family.Op), nameof(ConvBatchNormChain)];
        return [.. families,
            .. OperatorCases.All.Where(item => !known.Contains(item.Op.Name) && ShapeRenaming.IsPossible(item)).Select(ShapeRenaming.Of)];
    }
}
