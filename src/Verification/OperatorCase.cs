using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>An operator on inputs of given shapes. Gradient checks, comparisons of precisions and repeatability tests all run it.</summary>
/// <param name="Label">Distinguishes the operator's cases.</param>
/// <param name="Op">The operator with its settings.</param>
/// <param name="Exactness">How closely float32 must match double.</param>
/// <param name="Inputs">Its inputs; null for an omitted optional one.</param>
public sealed record OperatorCase(string Label, Operator Op, Exactness Exactness, params IReadOnlyList<OperatorInput?> Inputs)
{
    /// <summary>The seed of the case's numbers: another value gives other numbers.</summary>
    public uint Drawing { get; init; }

    /// <summary>The shapes at which the lab measures the operator; null: the lab leaves it out, unless another case has some.</summary>
    public UsualShapes? Usual { get; init; }

    /// <summary>How random shapes of the operator are drawn; null: from its cases, by <see cref="ShapeRenaming"/>.</summary>
    internal ShapeFamily? Random { get; init; }

    /// <summary>
    /// The case at another shape of its first input: inputs shaped like the first get the new shape, inputs of one dimension that are as
    /// long as its last get the length of the new last.
    /// </summary>
    /// <param name="shape">The shape.</param>
    /// <exception cref="ArgumentException">An input has a shape that does not follow from the first's.</exception>
    public OperatorCase At(Shape shape)
    {
        Shape first = Inputs[0]!.Shape;
        return this with
        {
            Inputs = [.. Inputs.Select(input => input is null ? null : input with
            {
                Shape = input.Shape == first ? shape
                    : input.Shape.Rank == 1 && input.Shape[0] == first.Last ? [shape.Last]
                    : throw new ArgumentException(
                        $"{Name}: {input.Name} is {input.Shape}, which does not follow from input {first}; its usual shapes need a Create"),
            })],
        };
    }

    /// <summary>The operator's name and the label.</summary>
    public string Name => $"{Op.Name} {Label}";

    /// <summary>Whether the operator multiplies matrices; tf32 rounds their operands.</summary>
    public bool MultipliesMatrices => Op is WindowAttention || Inputs.Any(input => input is { Role: InputRole.MatrixWeight });

    /// <summary>
    /// The inputs as leaves. float32 and float64 have the same numbers, exact in float32. bfloat16 activations are those
    /// numbers rounded; parameters stay float32.
    /// </summary>
    public Variable?[] CreateInputs(DType type, Device device = default) => CreateInputs((input, index) =>
        Draw(input, input.Role == InputRole.Activation ? type : type.OfParameters(), index).To(device));

    private Variable?[] CreateInputs(Func<OperatorInput, uint, Tensor> draw) => [.. Inputs.Select((input, index) =>
        input is null ? null : new Variable(draw(input, (uint)index), input.NeedsGradient, input.Name))];

    /// <summary>The output's weights g in the scalar sum(output * g).</summary>
    public static Tensor CreateCotangent(Shape shape, DType type)
    {
        var key = new RandomKey(7, 0, 0);
        Tensor tensor = Tensor.Empty(shape, type);
        for (long i = 0; i < tensor.Count; i++)
            tensor[i] = (float)key.Normal((ulong)i);
        return tensor;
    }

    /// <summary>
    /// Runs the case in an element type on a device. Returns output and input gradients by name, on that device, in the current step's
    /// memory if there is one.
    /// </summary>
    public IReadOnlyList<(string Name, Tensor Value)> RunWithGradients(DType type, Device device = default) =>
        Run(CreateInputs(type, device), output => CreateCotangent(output.Shape, output.DType).To(device));

    /// <summary>Runs the case in a precision on a CUDA device, like <see cref="RunWithGradients(DType, Device)"/>.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> RunWithGradients(Precision precision, Device device)
    {
        using PrecisionScope products = precision.Use(device);
        return RunWithGradients(precision.ActivationType(), device);
    }

    /// <summary>
    /// The reference arithmetic of a precision, its smallest possible error: the double reference on operands rounded to the precision,
    /// with results rounded to the types in which the precision stores them. A fused convolution and batch norm stores the tensor between
    /// them.
    /// </summary>
    public IReadOnlyList<(string Name, Tensor Value)> RunReference(Precision precision)
    {
        // tf32 rounds only the operands of matrix products.
        if (precision == Precision.Tf32 && !MultipliesMatrices)
            precision = Precision.Fp32;
        var arithmetic = new ReferenceArithmetic(precision);
        Variable?[] inputs = CreateInputs((input, index) => Draw(input, DType.Float64, index) is var drawn
            && drawn.DType == DType.Float64 && input.Role != InputRole.Parameter ? arithmetic.Round(drawn) : drawn);
        HashSet<string> parameters = [.. Inputs.Where(input => input is not null && input.Role != InputRole.Activation)
            .SelectMany(input => new[] { input!.Name, GradientOf(input.Name) })];
        return [.. Run(inputs, output => arithmetic.Round(CreateCotangent(output.Shape, output.DType)),
            to => arithmetic.ApplyInParts(Op, to))
            .Select(result => (result.Name, precision == Precision.Bf16 && !parameters.Contains(result.Name)
                ? arithmetic.Round(result.Value)
                : ReferenceArithmetic.RoundToFloat32(result.Value)))];
    }

    private IReadOnlyList<(string Name, Tensor Value)> Run(
        Variable?[] inputs, Func<Tensor, Tensor> cotangent, Func<Variable?[], Variable>? apply = null)
    {
        Variable output = (apply?.Invoke(inputs) ?? Variable.Apply(Op, inputs)).Keep();
        var results = new List<(string, Tensor)> { ("output", output.Value) };
        if (inputs.Any(input => input is { RequiresGradient: true }))
        {
            output.Backward(cotangent(output.Value));
            results.AddRange(inputs.Where(input => input is { RequiresGradient: true })
                .Select(input => (GradientOf(input!.Name!), input.Gradient!)));
        }
        // Statistics that the forward pass updates in place are results as well.
        results.AddRange(inputs.Where(input => input is { RequiresGradient: false } && input.Value.DType.IsFloat())
            .Select(input => (input!.Name!, input.Value)));
        return results;
    }

    private static string GradientOf(string input) => $"gradient of {input}";

    private Tensor Draw(OperatorInput input, DType type, uint index)
    {
        var key = new RandomKey(Formula.NameHash(Name), Drawing, index);
        int count = checked((int)input.Shape.Count);
        if (input.Fill is Fill.ByteLabels or Fill.LongLabels)
        {
            Tensor labels = Tensor.Empty(input.Shape, input.Fill == Fill.ByteLabels ? DType.UInt8 : DType.Int64);
            for (int i = 0; i < count; i++)
                labels[i] = input.Ignore is { } ignore && i % 7 == 3 ? ignore : key.Integer((ulong)i, input.Classes);
            return labels;
        }
        Tensor tensor = Tensor.Empty(input.Shape, type);
        if (input.Fill == Fill.Distinct)
        {
            int[] order = [.. Enumerable.Range(0, count).OrderBy(i => key.Uniform((ulong)i)).ThenBy(i => i)];
            for (int rank = 0; rank < count; rank++)
                tensor[order[rank]] = (rank - count / 2) / 16.0;
            return tensor;
        }
        for (int i = 0; i < count; i++)
        {
            double normal = key.Normal((ulong)i);
            tensor[i] = (float)(input.Fill switch
            {
                Fill.FanIn => normal / Math.Sqrt((double)count / input.Shape[0]),
                Fill.Positive => 0.5 + key.Uniform((ulong)i),
                Fill.AwayFromZero => normal + Math.CopySign(0.1, normal),
                Fill.BetweenIntegers => Math.Floor(4 * normal) + 0.125 + 0.75 * (4 * normal - Math.Floor(4 * normal)),
                _ => normal,
            });
        }
        return tensor;
    }

    /// <inheritdoc />
    public override string ToString() => Name;
}
