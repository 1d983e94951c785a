namespace CsUnet.Weights;

/// <summary>A node of an ONNX graph.</summary>
/// <param name="Operator">Its operator, for example <c>Conv</c>.</param>
/// <param name="Inputs">Names of values and initialisers, in the operator's order; empty for one that is left out.</param>
internal sealed record OnnxNode(string Operator, IReadOnlyList<string> Inputs);
