using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// The cases of every operator, small enough for a gradient check of each entry: H != W, a batch of one, channels off the vector width,
/// rows enough to reach vector bodies and their tails. What else is known of an operator's shapes is part of one of its cases: those that
/// the lab measures (<see cref="OperatorCase.Usual"/>), and how random ones are drawn.
/// </summary>
public static partial class OperatorCases
{
    private const int Ignore = 255;

    private static readonly ShapeParameter s_batch = new("B", 1, 3), s_height = new("H", 1, 13), s_width = new("W", 1, 13);

    /// <summary>All cases, by operator.</summary>
    public static IReadOnlyList<OperatorCase> All { get; } =
    [
        .. Dense(), .. Convolutions(), .. Chains(), .. Norms(), .. Elementwise(), .. Rearrangements(), .. Attention(), .. Losses(),
    ];

    private static ShapeParameter Channels(string name = "C", int minimum = 1) => new(name, minimum, 40, 8, 16, 32, 33, 64);

    private static OperatorInput In(Shape shape, Fill fill = Fill.Normal) => new("input", shape, fill);

    private static OperatorInput Weight(Shape shape) => new("weight", shape, Role: InputRole.MatrixWeight);

    /// <summary>A weight for the lab's shapes, scaled so that products are as large as their inputs.</summary>
    private static OperatorInput LargeWeight(Shape shape, string name = "weight") =>
        new(name, shape, Fill.FanIn, Role: InputRole.MatrixWeight);

    private static OperatorInput Scale(int count, Fill fill = Fill.Normal) => new("weight", [count], fill, Role: InputRole.Parameter);

    private static OperatorInput Bias(int count, string name = "bias") => new(name, [count], Role: InputRole.Parameter);

    private static OperatorInput Residual(Shape shape) => new("residual", shape);

    private static OperatorInput RunningMean(int count) => new("running mean", [count], NeedsGradient: false, Role: InputRole.Parameter);

    private static OperatorInput RunningVariance(int count) =>
        new("running variance", [count], Fill.Positive, NeedsGradient: false, Role: InputRole.Parameter);

    private static ShapeFamily Random(string op, IReadOnlyList<ShapeParameter> parameters, Func<IReadOnlyList<int>, OperatorCase?> build) =>
        new(op, parameters, build);
}
