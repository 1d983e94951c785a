namespace CsUnet.Tests.Autograd;

/// <summary>Which gradient of <see cref="PlantedLinear"/> is wrong.</summary>
public enum LinearMistake
{
    None,
    NegativeWeight,
    TransposedWeight,
    BiasOfLastRow,
    BiasOverwritten,
}
