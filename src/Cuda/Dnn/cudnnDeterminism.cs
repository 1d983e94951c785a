namespace CsUnet.Cuda.Dnn;

/// <summary>Whether an algorithm gives the same bits in every run.</summary>
public enum cudnnDeterminism
{
    /// <summary>It does not (atomics).</summary>
    NonDeterministic = 0,

    /// <summary>It does.</summary>
    Deterministic = 1,
}
