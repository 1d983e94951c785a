using CsUnet.Data;

namespace CsUnet.Tests.Cli;

/// <summary>A run trained once by the program itself; tests that only read it share it.</summary>
public sealed class TrainedRun : IDisposable
{
    private readonly Workspace _workspace = new();

    /// <summary>Trains three steps of the smallest network on a few tiny micrographs.</summary>
    public TrainedRun()
    {
        SyntheticMicrographs.WriteTo(Data, train: 3, validation: 2, test: 2, height: 64, width: 96, seed: 3);
        Training = ProgramRun.Of("train", "--data", Data, "--classes", "nasa-super", "--size", "64", "--batch", "2", "--steps", "3",
            "--validate-every", "2", "--seed", "5", "--out", Folder);
    }

    /// <summary>The data set.</summary>
    public string Data => _workspace["set"];

    /// <summary>The run's folder.</summary>
    public string Folder => _workspace["run"];

    /// <summary>A path next to them.</summary>
    public string Path(string name) => _workspace[name];

    internal ProgramRun Training { get; }

    /// <inheritdoc />
    public void Dispose() => _workspace.Dispose();
}
