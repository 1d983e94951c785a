using System.Globalization;
using CsUnet.Tensors;

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
    public static StateReport Load(Module module, SafetensorsFile file, StateLoading? loading = null)
    {
        loading ??= new StateLoading();
        IReadOnlyList<StateEntry> state = module.State();
        StateReport report = Check(state, file, loading);
        HashSet<string> loaded = [.. report.Loaded];
        foreach (StateEntry entry in state.Where(entry => loaded.Contains(entry.Name)))
        {
            Tensor stored = file.Load(loading.Prefix + entry.Name);
            entry.Variable.SetValue(entry.FromFile(stored.To(entry.Variable.DType)), module.Device);
        }
        return report;
    }

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

    private static StateReport Check(IReadOnlyList<StateEntry> state, SafetensorsFile file, StateLoading loading)
    {
        var problems = new List<string>();
        List<string> loaded = [], missing = [], leftOver = [], ignored = [];
        foreach (StateEntry entry in state)
        {
            string name = loading.Prefix + entry.Name;
            if (!file.Contains(name))
            {
                missing.Add(entry.Name);
                if (loading.IsStrict)
                    problems.Add($"{name} {entry.FileShape} is missing");
                continue;
            }
            loaded.Add(entry.Name);
            SafetensorsEntry stored = file.Entry(name);
            if (stored.Shape != entry.FileShape)
                problems.Add($"{name} is {stored.Shape}, expected {entry.FileShape}");
            else if (stored.DType is not ("F32" or "F64" or "F16" or "BF16"))
                problems.Add($"{name} has elements of type {stored.DType}, expected F32, F64, F16 or BF16");
        }
        HashSet<string> known = [.. state.Select(entry => entry.Name)];
        foreach (SafetensorsEntry stored in file.Entries.Where(stored => stored.Name.StartsWith(loading.Prefix, StringComparison.Ordinal)))
        {
            string name = stored.Name[loading.Prefix.Length..];
            if (known.Contains(name))
                continue;
            (loading.Ignores(name) ? ignored : leftOver).Add(name);
            if (loading.IsStrict && !loading.Ignores(name))
                problems.Add($"{stored.Name} {stored.Shape} is not in the model");
        }
        // Loading that is not strict must still load something.
        if (loaded.Count == 0 && state.Count > 0 && problems.Count == 0)
            problems.Add($"none of its {file.Entries.Count} names is one of the model's, such as {loading.Prefix}{state[0].Name}");
        return problems.Count == 0 ? new StateReport(loaded, missing, leftOver, ignored) : throw Refused(file, problems);
    }

    private static WeightFileException Refused(SafetensorsFile file, List<string> problems)
    {
        const int listed = 8;
        string rest = problems.Count > listed ? string.Create(CultureInfo.InvariantCulture, $", and {problems.Count - listed} more") : "";
        return new WeightFileException(file.Path,
            $"these are not the weights of this model: {string.Join("; ", problems.Take(listed))}{rest}",
            "use the file with the options of the model that it was saved from");
    }
}
