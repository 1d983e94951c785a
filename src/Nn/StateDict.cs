using System.Globalization;
using CsUnet.Tensors;

namespace CsUnet.Nn;

/// <summary>
/// A module's parameters and buffers under their state-dict names and in PyTorch's layouts, as weight files hold them. A tensor of four
/// dimensions is a convolution's weight: (O, H, W, I) in memory, OIHW in files.
/// </summary>
public static class StateDict
{
    // A batch counter for a momentum rule that no network here uses. Published weight files contain it; this engine ignores it.
    private const string BatchCounter = "num_batches_tracked";

    /// <summary>
    /// Names and tensors of a module, parameters before buffers; convolution weights are permuted copies on the processor, all else is
    /// shared, on the module's device.
    /// </summary>
    public static IReadOnlyList<KeyValuePair<string, Tensor>> Of(Module module) =>
        [.. State(module).Select(entry => KeyValuePair.Create(entry.Name, ToFile(entry.Value)))];

    /// <summary>Writes a module's state to a safetensors file, whole or not at all.</summary>
    /// <param name="module">The module.</param>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Free text for its header.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Save(Module module, string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsFile.Write(path, Of(module), metadata);

    /// <summary>
    /// Sets every parameter and buffer of a module, wherever it is, from a file. Nothing is changed unless everything fits.
    /// </summary>
    /// <param name="module">The module.</param>
    /// <param name="file">The file; float16, bfloat16, float32 and float64 convert.</param>
    /// <exception cref="WeightFileException">Names or shapes differ; the message lists which.</exception>
    public static void Load(Module module, SafetensorsFile file)
    {
        IReadOnlyList<(string Name, Tensor Value)> state = State(module);
        Check(state, file);
        foreach ((string name, Tensor value) in state)
        {
            Tensor loaded = file.Load(name);
            Tensor converted = loaded.DType == value.DType ? loaded : loaded.To(value.DType);
            value.CopyFrom(value.Shape.Rank == 4 ? FromFile(converted, value.Shape) : converted);
        }
    }

    /// <summary>Copies every parameter and buffer of one module to another of the same architecture, which may be on another device.</summary>
    /// <exception cref="ArgumentException">The modules differ.</exception>
    public static void Copy(Module source, Module target)
    {
        IReadOnlyList<(string Name, Tensor Value)> from = State(source), to = State(target);
        if (!from.Select(entry => (entry.Name, entry.Value.Shape)).SequenceEqual(to.Select(entry => (entry.Name, entry.Value.Shape))))
            throw new ArgumentException("StateDict.Copy: the modules have different parameters", nameof(target));
        for (int i = 0; i < from.Count; i++)
            to[i].Value.CopyFrom(from[i].Value);
    }

    /// <summary>Every parameter and then every buffer, in the layout of memory, shared.</summary>
    public static IReadOnlyList<(string Name, Tensor Value)> State(Module module) =>
        [.. module.NamedParameters().Select(named => (named.Name, named.Parameter.Value)), .. module.NamedBuffers()];

    private static void Check(IReadOnlyList<(string Name, Tensor Value)> state, SafetensorsFile file)
    {
        var problems = new List<string>();
        foreach ((string name, Tensor value) in state)
        {
            Shape expected = FileShape(value.Shape);
            if (!file.Contains(name))
                problems.Add($"{name} {expected} is missing");
            else if (file.Entry(name) is { } entry && entry.Shape != expected)
                problems.Add($"{name} is {entry.Shape}, expected {expected}");
            else if (file.Entry(name).DType is not ("F32" or "F64" or "F16" or "BF16"))
                problems.Add($"{name} has elements of type {file.Entry(name).DType}, expected F32, F64, F16 or BF16");
        }
        var known = state.Select(entry => entry.Name).ToHashSet(StringComparer.Ordinal);
        problems.AddRange(file.Entries.Where(entry => !known.Contains(entry.Name) && !entry.Name.EndsWith(BatchCounter, StringComparison.Ordinal))
            .Select(entry => $"{entry.Name} {entry.Shape} is not in the model"));
        if (problems.Count == 0)
            return;
        const int listed = 8;
        string rest = problems.Count > listed ? string.Create(CultureInfo.InvariantCulture, $", and {problems.Count - listed} more") : "";
        throw new WeightFileException(file.Path, $"these are not the weights of this model: {string.Join("; ", problems.Take(listed))}{rest}",
            "use the file with the options of the model that it was saved from");
    }

    private static Shape FileShape(Shape shape) => shape.Rank == 4 ? [shape[0], shape[3], shape[1], shape[2]] : shape;

    private static Tensor ToFile(Tensor value)
    {
        if (value.Shape.Rank != 4)
            return value;
        return SwapInner(value.To(Device.Cpu), FileShape(value.Shape), value.Shape[1] * value.Shape[2], value.Shape[3]);
    }

    private static Tensor FromFile(Tensor loaded, Shape shape) => SwapInner(loaded, shape, shape[3], shape[1] * shape[2]);

    private static Tensor SwapInner(Tensor source, Shape shape, int rows, int columns)
    {
        Tensor target = Tensor.Empty(shape, source.DType);
        if (source.DType == DType.Float32)
            SwapInner<float>(source, target, shape[0], rows, columns);
        else
            SwapInner<double>(source, target, shape[0], rows, columns);
        return target;
    }

    // target[o, c, r] = source[o, r, c]
    private static unsafe void SwapInner<T>(Tensor source, Tensor target, int outer, int rows, int columns) where T : unmanaged
    {
        T* from = source.Pointer<T>(), to = target.Pointer<T>();
        Workers.Run(outer, o =>
        {
            T* sourceBlock = from + (long)o * rows * columns, targetBlock = to + (long)o * rows * columns;
            for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++)
                    targetBlock[(long)c * rows + r] = sourceBlock[(long)r * columns + c];
        });
        // The garbage collector does not see addresses: without this it may free the tensors while threads read them.
        GC.KeepAlive(source);
        GC.KeepAlive(target);
    }
}
