using System.Security.Cryptography;
using CsUnet.Cuda;
using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Tensors;
using CsUnet.Weights;

namespace CsUnet.Training;

/// <summary>The file of <see cref="TrainingOptions.CnnWeights"/>, after its weights were loaded into a network.</summary>
/// <param name="Report">What was loaded from it.</param>
/// <param name="Hash">The SHA-256 of its bytes, hexadecimal.</param>
public sealed record CnnWeightsFile(PretrainedReport Report, string Hash)
{
    private const string Key = "cnn_weights";

    /// <summary>For example <c>122 tensors loaded, 2 skipped (fc), from resnet18.pth (PyTorch zip), SHA-256 ...</c>.</summary>
    public override string ToString() => $"{Report}, SHA-256 {Hash}";

    /// <summary>Loads the weights that the options name into the CNN encoder of a network.</summary>
    /// <param name="network">The network, which may have no other values yet.</param>
    /// <param name="options">The options.</param>
    /// <returns>The file; null if the options name none.</returns>
    /// <exception cref="WeightFileException">The file cannot be read, or does not fit the encoder.</exception>
    /// <exception cref="OptionException">The network has no CNN encoder.</exception>
    public static CnnWeightsFile? Load(SegmentationModel network, TrainingOptions options)
    {
        if (options.CnnWeights is not { } path)
            return null;
        Encoder encoder = network.Encoder ?? throw new OptionException(
            Key, $"is '{path}', but {options.Model} has no CNN encoder", null, remedy: "leave it out, or train another network");
        using WeightFile file = WeightFile.Open(path);
        return new CnnWeightsFile(PretrainedWeights.Load(encoder, file), HashOf(path));
    }

    /// <summary>Loads the weights of a run that was stopped before its first checkpoint.</summary>
    /// <param name="network">Its network.</param>
    /// <param name="options">Its options.</param>
    /// <param name="expected">The hash of the file with which the run began.</param>
    /// <exception cref="RunException">The file is not there or holds something else than then.</exception>
    internal static CnnWeightsFile? LoadAgain(SegmentationModel network, TrainingOptions options, string? expected)
    {
        const string remedy = "the run has no checkpoint yet and begins again: restore the file, or start a new run";
        if (options.CnnWeights is not { } path)
            return null;
        if (!SpecialFile.Is(path) && !File.Exists(path))
            throw new RunException("there is no such file", place: $"{Key}: {path}", remedy: remedy) { Fault = RunFault.FileLost };
        if (HashOf(path) != expected)
        {
            throw new RunException("its content is not that with which the run began", place: $"{Key}: {path}", remedy: remedy)
            {
                Fault = RunFault.OtherData,
            };
        }
        return Load(network, options);
    }

    /// <summary>The hash of the file that the options name; null if they name none.</summary>
    /// <exception cref="WeightFileException">The file cannot be read.</exception>
    internal static string? HashOf(TrainingOptions options)
    {
        if (options.CnnWeights is not { } path)
            return null;
        // Says what is wrong with a path that names no weights.
        WeightFile.Open(path).Dispose();
        return HashOf(path);
    }

    private static string HashOf(string path)
    {
        return ReadFile.Parse(path, "cannot be read", () =>
        {
            if (SpecialFile.Is(path))
                throw new WeightFileException(path, "is a pipe or a device", "give a file");
            using FileStream stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }, problem => new WeightFileException(path, problem.Problem, problem.Remedy ?? "check the path and your permission to read it",
            problem.Cause));
    }
}
