using System.Globalization;
using CsUnet.Tensors;
using CsUnet.Weights;

namespace CsUnet.Nn;

/// <summary>
/// A module's parameters and buffers with their state-dict names and in PyTorch's layouts, as in weight files; see
/// <see cref="ParameterLayout"/>.
/// </summary>
public static class StateDict
{
    /// <summary>
    /// Names and tensors of a module, parameters before buffers. Convolution weights are permuted copies on the CPU; the other tensors are
    /// not copied, and stay on the module's device.
    /// </summary>
    /// <exception cref="InvalidOperationException">A parameter has no value yet.</exception>
    public static IReadOnlyList<KeyValuePair<string, Tensor>> Of(Module module) =>
        [.. module.State().Select(entry => KeyValuePair.Create(entry.Name, entry.ToFile()))];

    /// <summary>Writes a module's state to a safetensors file, completely or not at all.</summary>
    /// <param name="module">The module.</param>
    /// <param name="path">The file.</param>
    /// <param name="metadata">Free text for its header.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    /// <exception cref="InvalidOperationException">A parameter has no value yet.</exception>
    public static void Save(Module module, string path, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsFile.Write(path, Of(module), metadata);

    /// <summary>
    /// Loads the parameters and buffers of a module, on any device, from a file. Nothing changes, and no memory is allocated, unless
    /// everything fits.
    /// </summary>
    /// <param name="module">The module.</param>
    /// <param name="file">The file; float16, bfloat16, float32 and float64 are converted.</param>
    /// <param name="loading">Which tensors to load. Null: all, under the module's names, with none missing and none left over.</param>
    /// <returns>What was loaded and what was not.</returns>
    /// <exception cref="WeightFileException">
    /// A shape differs, or nothing in the file fits, or, with strict loading, tensors are missing or left over. The message lists them.
    /// </exception>
    public static StateReport Load(Module module, SafetensorsFile file, StateLoading? loading = null) =>
        Load(module, StateSource.Of(file), loading ?? new StateLoading());

    /// <summary>
    /// Loads the parameters and buffers of a module from a file of PyTorch, ONNX or safetensors; see
    /// <see cref="Load(Module, SafetensorsFile, StateLoading?)"/>.
    /// </summary>
    /// <param name="module">The module.</param>
    /// <param name="file">The file; float16, bfloat16, float32 and float64 are converted.</param>
    /// <param name="loading">Which tensors to load. Null: all, under the module's names, with none missing and none left over.</param>
    /// <returns>What was loaded and what was not.</returns>
    /// <exception cref="WeightFileException">
    /// A shape differs, or nothing in the file fits, or, with strict loading, tensors are missing or left over. The message lists them.
    /// The file has been cut or is damaged.
    /// </exception>
    public static StateReport Load(Module module, WeightFile file, StateLoading? loading = null) =>
        Load(module, StateSource.Of(file), loading ?? new StateLoading());

    /// <summary>What <see cref="Load(Module, WeightFile, StateLoading?)"/> would load and what not; changes and refuses nothing.</summary>
    /// <param name="module">The module.</param>
    /// <param name="file">The file.</param>
    /// <param name="loading">Which tensors to load; null: all.</param>
    public static StateReport Compare(Module module, WeightFile file, StateLoading? loading = null) =>
        Compare(module.State(), StateSource.Of(file), loading ?? new StateLoading());

    /// <summary>
    /// Copies every parameter and buffer of one module to another with the same architecture, which may be on another device.
    /// </summary>
    /// <exception cref="ArgumentException">The architectures differ.</exception>
    /// <exception cref="InvalidOperationException">A parameter of the source has no value yet.</exception>
    public static void Copy(Module source, Module target)
    {
        IReadOnlyList<StateEntry> from = source.State(), to = target.State();
        if (!from.Select(entry => (entry.Name, entry.Shape)).SequenceEqual(to.Select(entry => (entry.Name, entry.Shape))))
            throw new ArgumentException("StateDict.Copy: the modules have different parameters", nameof(target));
        for (int i = 0; i < from.Count; i++)
            to[i].Variable.SetValue(from[i].Variable.Value, target.Device);
    }

    /// <summary>Every parameter, then every buffer, in memory layout; the tensors are not copied.</summary>
    /// <exception cref="InvalidOperationException">A parameter has no value yet.</exception>
    public static IReadOnlyList<(string Name, Tensor Value)> State(Module module) =>
        [.. module.State().Select(entry => (entry.Name, entry.Variable.Value))];

    private static StateReport Load(Module module, StateSource file, StateLoading loading)
    {
        IReadOnlyList<StateEntry> state = module.State();
        StateReport report = Compare(state, file, loading);
        Require(report, state, file, loading);
        Dictionary<string, StateSource.Stored> stored = file.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        HashSet<string> loaded = [.. report.Loaded];
        foreach (StateEntry entry in state.Where(entry => loaded.Contains(entry.Name)))
        {
            Tensor values = stored[loading.Prefix + entry.Name].Load(entry.Variable.DType);
            entry.Variable.SetValue(entry.FromFile(values), module.Device);
        }
        return report;
    }

    private static StateReport Compare(IReadOnlyList<StateEntry> state, StateSource file, StateLoading loading)
    {
        List<string> loaded = [], missing = [], leftOver = [], ignored = [], unfit = [];
        Dictionary<string, StateSource.Stored> stored = file.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (StateEntry entry in state)
        {
            string name = loading.Prefix + entry.Name;
            if (!stored.TryGetValue(name, out StateSource.Stored? tensor))
                missing.Add(entry.Name);
            else if (tensor.Shape != entry.FileShape)
                unfit.Add($"{name} is {tensor.Shape}, expected {entry.FileShape}");
            else if (tensor.DType is not ("F32" or "F64" or "F16" or "BF16"))
                unfit.Add($"{name} has elements of type {tensor.DType}, expected F32, F64, F16 or BF16");
            else
                loaded.Add(entry.Name);
        }
        HashSet<string> known = [.. state.Select(entry => entry.Name)];
        foreach (string full in file.Tensors.Select(tensor => tensor.Name))
        {
            if (!full.StartsWith(loading.Prefix, StringComparison.Ordinal))
                continue;
            string name = full[loading.Prefix.Length..];
            if (!known.Contains(name))
                (loading.Ignores(name) ? ignored : leftOver).Add(name);
        }
        return new StateReport(loaded, missing, leftOver, ignored) { Unfit = unfit };
    }

    private static void Require(StateReport report, IReadOnlyList<StateEntry> state, StateSource file, StateLoading loading)
    {
        List<string> problems = [.. report.Unfit];
        if (loading.IsStrict)
        {
            Dictionary<string, Shape> expected = state.ToDictionary(entry => entry.Name, entry => entry.FileShape);
            Dictionary<string, Shape> found = file.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
            problems.AddRange(report.Missing.Select(name => $"{loading.Prefix}{name} {expected[name]} is missing"));
            problems.AddRange(report.LeftOver.Select(name => $"{loading.Prefix}{name} {found[loading.Prefix + name]} is not in the model"));
        }
        // Loading that is not strict must still load something.
        if (report.Loaded.Count == 0 && state.Count > 0 && problems.Count == 0)
            problems.Add($"none of its {file.Tensors.Count} names is one of the model's, such as {loading.Prefix}{state[0].Name}");
        if (problems.Count == 0)
            return;
        const int listed = 8;
        string rest = problems.Count > listed ? string.Create(CultureInfo.InvariantCulture, $", and {problems.Count - listed} more") : "";
        throw new WeightFileException(file.Path,
            $"these are not the weights of this model: {string.Join("; ", problems.Take(listed))}{rest}",
            "use the file with the options of the model that it was saved from");
    }
}
