namespace CsUnet.Data;

/// <summary>A value or colour of a mask's pixel.</summary>
/// <param name="R">Red; of a grey pixel its value.</param>
/// <param name="G">Green.</param>
/// <param name="B">Blue.</param>
/// <param name="Scaled">Whether the samples are those of a 16-bit file, in which 8-bit values are multiplied by 257.</param>
public readonly record struct MaskValue(int R, int G, int B, bool Scaled = false)
{
    /// <summary>Whether the channels are equal; then it is a value.</summary>
    public bool IsGrey => R == G && G == B;

    /// <summary>For example <c>value 255</c> or <c>(254,0,0)</c>.</summary>
    public override string ToString() => $"{(IsGrey ? $"value {R}" : $"({R},{G},{B})")}{(Scaled ? " of 16 bits" : "")}";
}
