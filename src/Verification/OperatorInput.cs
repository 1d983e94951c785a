using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>One input of an operator case.</summary>
/// <param name="Name">Its name in reports.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Fill">Its distribution.</param>
/// <param name="NeedsGradient">Whether its gradient is checked.</param>
/// <param name="Classes">For labels, their number of classes.</param>
/// <param name="Ignore">For labels, the ignored label, or null.</param>
/// <param name="Role">Whether it is an activation or a parameter.</param>
public sealed record OperatorInput(
    string Name, Shape Shape, Fill Fill = Fill.Normal, bool NeedsGradient = true, int Classes = 0, int? Ignore = null,
    InputRole Role = InputRole.Activation);
