namespace CsUnet.Cuda.Dnn;

/// <summary>Whether every run of an algorithm gives the same bits.</summary>
public enum cudnnDeterminism
{
    /// <summary>No: it uses atomics.</summary>
    NonDeterministic = 0,

    /// <summary>Yes.</summary>
    Deterministic = 1,
}
