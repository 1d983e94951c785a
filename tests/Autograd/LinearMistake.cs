namespace CsUnet.Tests.Autograd;

/// <summary>The wrong gradient of <see cref="PlantedLinear"/>.</summary>
public enum LinearMistake
{
    None,
    NegativeWeight,
    TransposedWeight,
    BiasOfLastRow,
    BiasOverwritten,
}
