using System.Globalization;
using CsUnet.Autograd;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// A golden file during its run: provides its metadata and tensors in the engine's layout and type, compares results
/// with the references, and reports metadata and tensors that the engine did not use.
/// </summary>
public sealed class GoldenCase
{
    private readonly SafetensorsFile _file;
    private readonly HashSet<string> _keysLeft, _tensorsLeft;
    // A parameter's entry says how its gradient lies in files; inputs are images or tokens.
    private readonly List<(string Name, Variable Leaf, StateEntry? Entry)> _leaves = [];
    private readonly List<Comparison> _failures = [];
    private readonly double _tolerance, _gradientTolerance;
    // Files of norms hold gradients that are zero in exact arithmetic as rounding left them.
    private readonly bool _hasNormsOnly;
    private readonly Dictionary<string, Tensor>? _results;
    private double? _largestGradientNorm;

    /// <summary>Begins a case.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="name">Its name without folder and suffix.</param>
    /// <param name="type">Element type to compute in.</param>
    /// <param name="device">The device.</param>
    /// <param name="results">Receives the results, with the references' names and the file's layout; null to discard them.</param>
    public GoldenCase(SafetensorsFile file, string name, DType type, Device device, Dictionary<string, Tensor>? results = null)
    {
        _file = file;
        _results = results;
        Name = name;
        Type = type;
        Device = device;
        _keysLeft = [.. file.Metadata.Keys];
        _tensorsLeft = [.. file.Entries.Select(entry => entry.Name)];
        Expect("reference", "float64");
        _hasNormsOnly = HasKey("float32_error_grad");
        _tolerance = Tolerances.Golden(type, Number(_hasNormsOnly ? "float32_error_out" : "float32_error"));
        _gradientTolerance = _hasNormsOnly ? Tolerances.Golden(type, Number("float32_error_grad")) : _tolerance;
    }

    /// <summary>The file's name without folder and suffix.</summary>
    public string Name { get; }

    /// <summary>Element type to compute in.</summary>
    public DType Type { get; }

    /// <summary>The device. Tensors of the file are on the CPU until they become inputs, parameters or buffers.</summary>
    public Device Device { get; }

    /// <summary>
    /// Whether tensors of four dimensions are images and convolution weights in the file's layout, so that they must be permuted;
    /// false for operators on rows, which use the last dimension unchanged.
    /// </summary>
    public bool IsChannelsFirst { get; set; } = true;

    /// <summary>The worst comparison so far, by its error over its tolerance.</summary>
    public Comparison Worst { get; private set; } = Comparison.None;

    /// <summary>Number of comparisons so far.</summary>
    public int Compared { get; private set; }

    /// <summary>Whether the metadata has a key.</summary>
    public bool HasKey(string key) => _file.Metadata.ContainsKey(key);

    /// <summary>Whether the file holds a tensor.</summary>
    public bool Has(string tensor) => _file.Contains(tensor);

    /// <summary>A parameter of the case, from the metadata.</summary>
    /// <exception cref="CaseException">It is missing and there is no default.</exception>
    public string Text(string key, string? ifAbsent = null)
    {
        _keysLeft.Remove(key);
        return _file.Metadata.GetValueOrDefault(key) ?? ifAbsent
            ?? throw new CaseException($"metadata has no '{key}', which the case needs");
    }

    /// <inheritdoc cref="Text" />
    public double Number(string key, double? ifAbsent = null)
    {
        if (!HasKey(key) && ifAbsent is { } value)
            return value;
        string text = Text(key);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw Unknown(key, text, "a number");
    }

    /// <inheritdoc cref="Text" />
    public int Integer(string key, int? ifAbsent = null)
    {
        double number = Number(key, ifAbsent);
        return number == Math.Floor(number) && Math.Abs(number) < int.MaxValue ? (int)number : throw Unknown(key, Text(key), "an integer");
    }

    /// <inheritdoc cref="Text" />
    public bool Flag(string key, bool? ifAbsent = null) => !HasKey(key) && ifAbsent is { } value ? value : Text(key) switch
    {
        "true" => true,
        "false" => false,
        string text => throw Unknown(key, text, "true or false"),
    };

    /// <summary>A list of integers, for example <c>2,2,6,2</c>.</summary>
    public int[] Integers(string key) => [.. Text(key).Split(',').Select(part =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw Unknown(key, Text(key), "integers"))];

    /// <summary>Height and width, written <c>HxW</c>, or one number for both.</summary>
    public (int Height, int Width) Size(string key)
    {
        string text = Text(key);
        int[] sides = [.. text.Split('x').Select(part =>
            int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number
                : throw Unknown(key, text, "HxW"))];
        return sides.Length <= 2 ? (sides[0], sides[^1]) : throw Unknown(key, text, "HxW");
    }

    /// <summary>A parameter for which the engine supports only one value.</summary>
    public void Expect(string key, string value)
    {
        if (Text(key, ifAbsent: value) is var text && text != value)
            throw Unknown(key, text, value);
    }

    /// <summary>The exception for a parameter with an unknown value.</summary>
    public static CaseException Unknown(string key, string value, string expected) =>
        new($"parameter {key}={value} is not known, expected {expected}");

    /// <summary>A tensor of the file in the file's layout; floating-point tensors are converted to <see cref="Type"/>.</summary>
    public Tensor Raw(string name)
    {
        _tensorsLeft.Remove(name);
        if (!_file.Contains(name))
            throw new CaseException($"the file has no tensor '{name}', which the case needs");
        Tensor tensor = _file.Load(name);
        return tensor.DType.IsFloat() ? tensor.To(Type) : tensor;
    }

    /// <summary>A tensor of the file in the engine's layout.</summary>
    public Tensor Load(string name) => IsChannelsFirst ? ChannelOrder.ToLast(Raw(name)) : Raw(name);

    /// <summary>An input of the case. The case checks its gradient.</summary>
    /// <param name="name">For example <c>in.0</c>.</param>
    /// <param name="resolution">For tokens (B, H*W, C): H and W.</param>
    public Variable Input(string name, (int Height, int Width)? resolution = null)
    {
        Tensor value = Load(name);
        if (resolution is { } size)
        {
            if (value.Shape.Rank != 3 || value.Shape[1] != size.Height * size.Width)
                throw new CaseException(
                    $"{name} is {value.Shape}, expected (B,{size.Height * size.Width},C) for {size.Height}x{size.Width} tokens");
            value = value.Reshape([value.Shape[0], size.Height, size.Width, value.Shape[2]]);
        }
        return Leaf(name, value);
    }

    /// <summary>A stored parameter of an operator. The case checks its gradient.</summary>
    public Variable Parameter(string name) => Leaf($"param.{name}", Load($"param.{name}"));

    /// <summary>A stored parameter that may be absent.</summary>
    public Variable? OptionalParameter(string name) => Has($"param.{name}") ? Parameter(name) : null;

    /// <summary>A leaf whose gradient the case checks, moved to <see cref="Device"/>.</summary>
    public Variable Leaf(string name, Tensor value)
    {
        var leaf = new Variable(value.To(Device), requiresGradient: true, name);
        _leaves.Add((name, leaf, null));
        return leaf;
    }

    /// <summary>
    /// Statistics of an operator: the stored ones in evaluation; initial ones (0 or 1) in training, compared after the forward pass.
    /// </summary>
    public Variable Buffer(string name, Shape shape, bool training, double fresh)
    {
        bool stored = !training && Has($"buffer.{name}");
        return new Variable((stored ? Load($"buffer.{name}") : Tensor.Full(shape, fresh, Type)).To(Device), name: $"buffer.{name}");
    }

    /// <summary>
    /// Sets a module's parameters from the file, or by <see cref="Formula"/> if the file has none. In evaluation it sets the statistics
    /// from the file if it has them. Registers the parameters for gradient comparison and moves the module to <see cref="Device"/>.
    /// </summary>
    /// <param name="module">The module.</param>
    public void Fill(Module module)
    {
        module.To(Device);
        module.Allocate();
        bool stored = _file.Entries.Any(entry => entry.Name.StartsWith("param.", StringComparison.Ordinal));
        foreach (StateEntry entry in module.State().Where(entry => entry.Variable is Parameter))
        {
            using StepArena.StepScope step = StepArena.Current!.BeginStep();
            Tensor value = stored ? Raw($"param.{entry.Name}") : Formula.Parameter(entry.Name, entry.FileShape, Type);
            if (value.Shape != entry.FileShape)
                throw new CaseException($"param.{entry.Name} is {value.Shape}, expected {entry.FileShape}");
            entry.Variable.SetValue(entry.FromFile(value), Device);
            _leaves.Add(($"param.{entry.Name}", entry.Variable, entry));
        }
        if (!module.IsTraining)
            foreach ((string name, Tensor buffer) in module.NamedBuffers())
                if (Has($"buffer.{name}"))
                    buffer.CopyFrom(Load($"buffer.{name}"));
    }

    /// <summary>Compares the statistics of a module in training mode, after its forward pass.</summary>
    public void CheckBuffers(Module module)
    {
        foreach ((string name, Tensor buffer) in module.NamedBuffers())
            if (module.IsTraining && Has($"buffer.{name}"))
                Check($"buffer.{name}", buffer);
    }

    /// <summary>Compares a result, in the engine's layout, with a tensor of the file.</summary>
    public void Check(string name, Tensor got)
    {
        Tensor result = InFileLayout(name, got);
        Record(name, result);
        Judge(Comparison.Of(name, result, Raw(name).To(DType.Float64), _tolerance));
    }

    /// <summary>
    /// Compares a result, in the engine's layout, with what the file holds of it: its norm, <c>norm.NAME</c>, and entries,
    /// <c>sample.NAME</c>.
    /// </summary>
    public void CheckSummary(string name, Tensor got)
    {
        Tensor result = InFileLayout(name, got);
        Check($"norm.{name}", Tensor.From([Comparison.Norm(result)], [1]));
        Check($"sample.{name}", Sample(result));
    }

    /// <summary>Compares an integer with that of the file, exactly.</summary>
    public void CheckInteger(string name, long got)
    {
        Tensor expected = Raw(name);
        if (expected.DType != DType.Int64 || expected.Count != 1)
            throw new CaseException($"{name} is {expected}, expected one int64");
        Record(name, Tensor.From([got], expected.Shape));
        Judge(Comparison.Of(name, Tensor.From([got], expected.Shape), expected, tolerance: 0));
    }

    /// <summary>
    /// Compares the output and, if the file has a <c>cotangent</c>, the gradients of every input and parameter.
    /// </summary>
    public void CheckOutputAndGradients(Variable output, string name = "out")
    {
        Check(name, output.Keep().Value);
        if (!Has("cotangent"))
            return;
        Tensor cotangent = Load("cotangent");
        output.Backward((cotangent.Count == output.Value.Count ? cotangent.Reshape(output.Shape) : cotangent).To(Device));
        CheckGradients();
    }

    /// <summary>Compares the gradients of the inputs and parameters after a backward pass.</summary>
    /// <exception cref="CaseException">The file has no gradients.</exception>
    public void CheckGradients()
    {
        int before = Compared;
        foreach ((string name, Variable leaf, StateEntry? entry) in _leaves)
        {
            // Free copies in the file's layout at once: those of a full-size network are gigabytes.
            using StepArena.StepScope step = StepArena.Current!.BeginStep();
            Tensor gradient = leaf.Gradient ?? Tensor.ZerosLike(leaf.Value);
            gradient = entry is null ? InFileLayout($"grad.{name}", gradient) : entry.FromMemory(gradient.To(Device.Cpu)).To(DType.Float64);
            if (Has($"grad.{name}"))
                JudgeGradient($"grad.{name}", gradient);
            // Full-size networks omit 'param.' in their names.
            foreach (string key in new[] { $"gradnorm.{name}",
                $"gradnorm.{name.Replace("param.", "", StringComparison.Ordinal)}" }.Distinct())
                if (Has(key))
                    JudgeGradient(key, Tensor.From([Comparison.Norm(gradient)], [1]));
            if (Has($"gradsample.{name}"))
                JudgeGradient($"gradsample.{name}", Sample(gradient));
        }
        if (Compared == before)
            throw new CaseException("the file has a cotangent but no gradient of an input or parameter");
    }

    /// <summary>Entries k * (numel / 1024), k from 0 to 1023, of the flattened tensor; all of it if it has at most 1024.</summary>
    private static Tensor Sample(Tensor tensor)
    {
        int entries = (int)Math.Min(1024, tensor.Count);
        long stride = tensor.Count / entries;
        return Tensor.From([.. Enumerable.Range(0, entries).Select(k => tensor[k * stride])], [entries]);
    }

    private void JudgeGradient(string name, Tensor got)
    {
        Record(name, got);
        Tensor expected = Raw(name).To(DType.Float64);
        double norm = LargestGradientNorm();
        double largest = Comparison.LargestEntry(expected), least = Tolerances.ZeroGradientScale * norm;
        double? scale = _hasNormsOnly ? Math.Max(largest, least) : largest < Tolerances.ZeroGradient * norm ? least : null;
        Judge(Comparison.Of(name, got, expected, _gradientTolerance, scale));
    }

    private double LargestGradientNorm() => _largestGradientNorm ??= _file.Entries
        .Where(entry =>
            entry.Name.StartsWith("grad.", StringComparison.Ordinal) || entry.Name.StartsWith("gradnorm.", StringComparison.Ordinal))
        .Max(entry => Comparison.Norm(_file.Load(entry.Name)));

    /// <summary>Keeps a result after its step.</summary>
    private void Record(string name, Tensor result) => _results?.Add(name, result.ClonePersistent());

    /// <summary>A result in the layout and shape of its reference, in double, on the CPU.</summary>
    private Tensor InFileLayout(string name, Tensor got)
    {
        got = got.To(Device.Cpu);
        Shape? expected = Has(name) ? _file.Entry(name).Shape : null;
        // Tokens (B, H, W, C) are stored as (B, H*W, C): the same bytes. Other 4-D tensors are images or convolution weights.
        bool isTokens = expected is { Rank: 3 } && got.Shape.Rank == 4;
        bool isScalar = expected is { Count: 1 } && got.Count == 1;
        Tensor result = isTokens || isScalar
            ? expected!.Count == got.Count ? got.Reshape(expected) : got
            : IsChannelsFirst ? ChannelOrder.ToFirst(got) : got;
        return result.To(DType.Float64);
    }

    private void Judge(Comparison comparison)
    {
        Compared++;
        if (Compared == 1 || Share(comparison) > Share(Worst))
            Worst = comparison;
        if (!comparison.IsWithin)
            _failures.Add(comparison);

        static double Share(Comparison c) => c.Tolerance > 0 ? c.Error / c.Tolerance : c.Error > 0 ? double.PositiveInfinity : 0;
    }

    /// <summary>The problem: something not compared, not used or out of tolerance; null if there is none.</summary>
    public string? Finish()
    {
        if (_keysLeft.Count > 0)
            return $"metadata has parameters that the case does not know: {string.Join(", ", _keysLeft.Order(StringComparer.Ordinal))}";
        if (_tensorsLeft.Count > 0)
            return $"the file has tensors that the case does not know: "
                + $"{string.Join(", ", _tensorsLeft.Order(StringComparer.Ordinal).Take(8))}";
        if (Compared == 0)
            return "the file has no reference to compare with";
        return _failures.Count == 0 ? null : $"{_failures.Count} of {Compared} tensors are off; the worst: {Worst}";
    }
}
