using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>Runs that are trained once; tests that change their files get copies.</summary>
public sealed class TrainedFolders : IDisposable
{
    private readonly TrainingFixture _workshop = new();
    private readonly Dictionary<TrainingOptions, RunFolder> _runs = [];

    /// <summary>Copies the folder of a finished run with these options.</summary>
    public RunFolder Copy(TrainingOptions options, string to)
    {
        if (!_runs.TryGetValue(options, out RunFolder? folder))
        {
            folder = _workshop.NewFolder($"{_runs.Count}");
            using (Trainer trainer = Trainer.Create(options, folder, TrainingFixture.Train, TrainingFixture.Validation))
                trainer.Run(cancellation: TestContext.Current.CancellationToken);
            _runs.Add(options, folder);
        }
        Directory.CreateDirectory(to);
        foreach (string path in Directory.GetFiles(folder.Path))
            File.Copy(path, Path.Combine(to, Path.GetFileName(path)));
        return RunFolder.Open(to);
    }

    /// <inheritdoc />
    public void Dispose() => _workshop.Dispose();
}
