using System.Diagnostics;
using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>Runs golden cases: files of inputs and reference outputs.</summary>
public static class SelfTest
{
    /// <summary>The runner of an operator's cases, by the value of <c>op</c> in a file's metadata.</summary>
    private static readonly Dictionary<string, Action<GoldenCase>> s_runners = new(StringComparer.Ordinal)
    {
        ["adamw"] = OptimizerCases.AdamW,
        ["batch_norm"] = GoldenOperators.BatchNorm,
        ["conv2d"] = GoldenOperators.Conv2d,
        ["conv_bn_relu"] = GoldenOperators.ConvBatchNormReLU,
        ["csunet"] = NetworkCases.Run,
        ["gelu"] = GoldenOperators.Gelu,
        ["layer_norm"] = GoldenOperators.LayerNorm,
        ["linear"] = GoldenOperators.Linear,
        ["losses"] = GoldenOperators.Losses,
        ["max_pool"] = GoldenOperators.MaxPool,
        ["patch_embed"] = GoldenModules.PatchEmbed,
        ["patch_expand"] = GoldenModules.PatchExpand,
        ["patch_merging"] = GoldenModules.PatchMerging,
        ["res_block"] = GoldenModules.ResidualBlock,
        ["resize"] = GoldenOperators.Resize,
        ["sgd"] = OptimizerCases.Sgd,
        ["softmax"] = GoldenOperators.Softmax,
        ["swin_block"] = GoldenModules.SwinBlock,
        ["window_attention"] = GoldenModules.WindowAttention,
    };

    /// <summary>The operators whose cases can be run.</summary>
    public static IReadOnlyCollection<string> Operators => s_runners.Keys;

    /// <summary>Runs every <c>*.safetensors</c> case of a folder, one at a time, so that memory does not grow with their number.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="type">Element type to compute in: float32 or float64.</param>
    /// <param name="filter">Runs only cases whose file name matches this <see cref="NamePattern"/>; null or empty for all.</param>
    /// <param name="includeFullSize">Whether to run cases of full-size networks, which take seconds to minutes each.</param>
    /// <param name="report">Receives each result at once, in the order of the file names.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="results">Folder for what was computed, one file per case with the names of its references; null: it is not
    /// kept.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">The folder has no case, or none that matches the filter.</exception>
    public static SelfTestSummary Run(
        string folder, DType type, string? filter, bool includeFullSize, Action<CaseResult> report, Device device = default,
        string? results = null)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"{folder}: there is no such folder of golden cases");
        string[] files = [.. Directory.EnumerateFiles(folder, "*.safetensors")
            .Where(file => string.IsNullOrEmpty(filter) || new NamePattern(filter).Matches(Path.GetFileNameWithoutExtension(file)))
            .Order(StringComparer.Ordinal)];
        if (files.Length == 0)
            throw new FileNotFoundException(
                $"{folder}: no golden case (*.safetensors)" + (string.IsNullOrEmpty(filter) ? "" : $" whose name holds '{filter}'"));
        int passed = 0, failed = 0;
        var leftOut = new List<string>();
        var missing = new List<(string Case, string Network)>();
        foreach (string file in files)
        {
            if (MissingNetwork(file) is { } network)
            {
                missing.Add((Path.GetFileNameWithoutExtension(file), network));
                continue;
            }
            if (!includeFullSize && IsFullSize(file))
            {
                leftOut.Add(Path.GetFileNameWithoutExtension(file));
                continue;
            }
            CaseResult result = RunFile(file, type, device, results);
            report(result);
            if (result.Passed)
                passed++;
            else
                failed++;
        }
        return new SelfTestSummary(passed, failed, leftOut, missing);
    }

    /// <summary>
    /// Whether a file is a case of a full-size network, whose inputs are not stored but computed by a formula. An unreadable file
    /// is not, so that running it reports why.
    /// </summary>
    public static bool IsFullSize(string file) => Ask(file, vectors => vectors.Metadata.GetValueOrDefault("op") is { } op
        && (ReferenceCases.Runners.ContainsKey(op)
            || op == "csunet" && !vectors.Entries.Any(entry => entry.Name.StartsWith("in.", StringComparison.Ordinal))));

    /// <summary>
    /// The network or encoder of a reference case that the engine does not have, for example <c>encoder vgg13_bn</c>; null for every other
    /// file. One that cannot be read is another file, so that running it reports why.
    /// </summary>
    public static string? MissingNetwork(string file) => Ask(file, ReferenceCases.Missing);

    private static T? Ask<T>(string file, Func<SafetensorsFile, T> question)
    {
        try
        {
            using SafetensorsFile vectors = SafetensorsFile.Read(file);
            return question(vectors);
        }
        catch (WeightFileException)
        {
            return default;
        }
    }

    /// <summary>Runs one case. Every error in it, also one of the engine, becomes the result's failure.</summary>
    /// <param name="file">The case's file.</param>
    /// <param name="type">Element type to compute in.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="results">Folder for a file of the same name with what was computed; null: it is not kept.</param>
    public static CaseResult RunFile(string file, DType type, Device device = default, string? results = null)
    {
        long start = Stopwatch.GetTimestamp();
        string name = Path.GetFileNameWithoutExtension(file);
        string op = "";
        GoldenCase? golden = null;
        string? failure = null;
        try
        {
            using SafetensorsFile vectors = SafetensorsFile.Read(file);
            op = vectors.Metadata.GetValueOrDefault("op", "");
            using var arena = new StepArena();
            using StepArena.StepScope step = arena.BeginStep();
            Dictionary<string, Tensor>? computed = results is null ? null : [];
            golden = new GoldenCase(vectors, name, type, device, computed);
            if (!s_runners.TryGetValue(golden.Text("op"), out Action<GoldenCase>? run) && !ReferenceCases.Runners.TryGetValue(op, out run))
                throw new CaseException(
                    $"op '{op}' is not known; known are "
                    + string.Join(", ", s_runners.Keys.Concat(ReferenceCases.Runners.Keys).Order(StringComparer.Ordinal)));
            if (CudaLibraries.IsEmulated)
                CudaEmulator.ClearReport();
            run(golden);
            failure = golden.Finish();
            // A finding of the emulator is a failure even if the numbers are right.
            if (CudaLibraries.IsEmulated && CudaEmulator.FindingCount > 0)
                failure = $"{failure}{(failure is null ? "" : "; ")}the emulator reports: {CudaEmulator.GetReport().Trim()}";
            if (computed is not null)
                SafetensorsFile.Write(Path.Combine(results!, name + ".safetensors"), computed, vectors.Metadata);
        }
        catch (Exception error)
        {
            failure = error is CaseException or WeightFileException ? error.Message : $"{error.GetType().Name}: {error.Message}";
        }
        Comparison worst = golden?.Worst ?? Comparison.None;
        return new CaseResult(op, name, worst.Error, worst.Tolerance, worst.Tensor, worst.Index, golden?.Compared ?? 0, failure,
            Stopwatch.GetElapsedTime(start));
    }
}
