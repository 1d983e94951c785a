using CsUnet.Cuda.BasicTypes;

namespace CsUnet.Cuda.Dnn;

/// <summary>An algorithm and what cuDNN reports about it.</summary>
/// <typeparam name="TAlgorithm">The algorithms of one of the three convolutions.</typeparam>
/// <param name="Algorithm">The algorithm.</param>
/// <param name="Memory">Bytes of workspace.</param>
/// <param name="Determinism">Whether every run gives the same bits.</param>
/// <param name="MathType">The units it uses.</param>
public readonly record struct ConvolutionAlgorithm<TAlgorithm>(TAlgorithm Algorithm, SizeT Memory, cudnnDeterminism Determinism,
    cudnnMathType MathType) where TAlgorithm : unmanaged, Enum;
