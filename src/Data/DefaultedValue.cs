namespace CsUnet.Data;

/// <summary>A value or colour of masks that no class lists, so that its pixels became the default class.</summary>
/// <param name="Value">The value or colour.</param>
/// <param name="Pixels">Its pixels in all masks of the split.</param>
/// <param name="NearClass">The class of a listed value or colour that it is near, or <c>ignore</c>; null if it is near none.</param>
/// <param name="NearValue">That listed value or colour.</param>
public sealed record DefaultedValue(MaskValue Value, long Pixels, string? NearClass, MaskValue? NearValue)
{
    /// <summary>For example <c>(254,0,0), near (255,0,0) of class 'disc'</c>.</summary>
    public override string ToString() => NearClass is null ? $"{Value}" : $"{Value}, near {NearValue} of class '{NearClass}'";
}
