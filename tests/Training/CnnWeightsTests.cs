using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>Runs whose CNN encoder begins with the weights of a file.</summary>
public sealed class CnnWeightsTests : IDisposable
{
    private readonly TrainingFixture _workshop = new();
    private readonly Encoder _source = Encoders.Named("resnet18", 8).Create(DType.Float32).Initialize(99);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _workshop.Dispose();

    private string Write(string name, Encoder? encoder = null)
    {
        Dictionary<string, Tensor> tensors = new(StateDict.Of(encoder ?? _source)) { ["fc.weight"] = Tensor.Zeros([10, 64]) };
        SafetensorsFile.Write(_workshop.Path(name), tensors);
        return _workshop.Path(name);
    }

    private TrainingOptions Options(string? file) => TrainingFixture.CsUnetOptions with { CnnWeights = file, Steps = 4, ValidateEvery = 2 };

    private Trainer Create(string name, TrainingOptions options) =>
        Trainer.Create(options, _workshop.NewFolder(name), TrainingFixture.Train, TrainingFixture.Validation);

    private static Trainer Resume(RunFolder folder, TrainingOptions options) =>
        Trainer.Resume(folder, options, TrainingFixture.Train, TrainingFixture.Validation);

    private static Dictionary<string, float[]> Values(Module module) =>
        StateDict.State(module).ToDictionary(entry => entry.Name, entry => entry.Value.AsSpan<float>().ToArray());

    [Fact]
    public void A_run_begins_with_the_weights_and_needs_the_file_no_more()
    {
        string file = Write("w.safetensors");
        using Trainer plain = Create("plain", Options(null));
        Assert.Null(plain.CnnWeights);
        Dictionary<string, float[]> random = Values(plain.Model);
        using (Trainer trainer = Create("run", Options(file) with { Steps = 2 }))
        {
            Dictionary<string, float[]> source = Values(_source);
            foreach ((string name, float[] values) in Values(trainer.Model))
            {
                const string part = "cnn.cnn_encoder.";
                Assert.Equal(name.StartsWith(part, StringComparison.Ordinal) ? source[name[part.Length..]] : random[name], values);
            }
            Assert.Equal(source.Count, trainer.CnnWeights!.Report.Loaded.Count);
            Assert.Equal(["fc.weight"], trainer.CnnWeights.Report.Skipped);
            trainer.Run(cancellation: Token);
        }
        RunFolder folder = RunFolder.Open(_workshop.Path("run"));
        Assert.Matches("\n# Content of cnn_weights: SHA-256 [0-9a-f]{64}\n", File.ReadAllText(folder.ConfigPath));
        using (Trainer whole = Create("whole", Options(file)))
            whole.Run(cancellation: Token);
        File.Delete(file);
        using (Trainer resumed = Resume(folder, Options(file)))
        {
            Assert.Null(resumed.CnnWeights);
            resumed.Run(cancellation: Token);
        }
        Assert.Equal(File.ReadAllBytes(Path.Combine(_workshop.Path("whole"), "last.safetensors")), File.ReadAllBytes(folder.LastPath));
        Assert.Contains("# Content of cnn_weights: SHA-256", File.ReadAllText(folder.ConfigPath));
    }

    [Fact]
    public void The_content_of_the_file_is_a_part_of_the_run_and_its_place_is_not()
    {
        string file = Write("w.safetensors");
        File.Copy(file, _workshop.Path("copy.safetensors"));
        string Identity(string name, string? path)
        {
            using Trainer trainer = Create(name, Options(path));
            return trainer.Folder.LoadIdentity()!;
        }
        string run = Identity("a", file);
        Assert.Equal(run, Identity("b", _workshop.Path("copy.safetensors")));
        Assert.NotEqual(run, Identity("c", null));
        Assert.NotEqual(run, Identity("d", Write("w.safetensors", Encoders.Named("resnet18", 8).Create(DType.Float32).Initialize(98))));
    }

    [Fact]
    public void A_run_without_a_checkpoint_begins_again_with_the_same_file_only()
    {
        string file = Write("w.safetensors");
        byte[] content = File.ReadAllBytes(file);
        Create("run", Options(file)).Dispose();
        RunFolder folder = RunFolder.Open(_workshop.Path("run"));
        using (Trainer trainer = Resume(folder, Options(file)))
            Assert.Equal(Values(_source), Values(trainer.Model.Encoder!));
        Write("w.safetensors", Encoders.Named("resnet18", 8).Create(DType.Float32).Initialize(98));
        RunException changed = Assert.Throws<RunException>(() => Resume(folder, Options(file)));
        Assert.Equal((RunFault.OtherData, $"cnn_weights: {file}"), (changed.Fault, changed.Place));
        File.Delete(file);
        Assert.Equal(RunFault.FileLost, Assert.Throws<RunException>(() => Resume(folder, Options(file))).Fault);
        File.WriteAllBytes(file, content);
        File.WriteAllLines(folder.ConfigPath,
            File.ReadAllLines(folder.ConfigPath).Where(line => !line.Contains("SHA-256", StringComparison.Ordinal)));
        Assert.Contains("its second line is missing", Assert.Throws<RunException>(() => Resume(folder, Options(file))).Message);
    }

    [Fact]
    public void A_network_without_a_CNN_encoder_has_no_use_for_the_file()
    {
        var model = new TinyModel();
        OptionException failure = Assert.Throws<OptionException>(() => CnnWeightsFile.Load(model, Options(Write("w.safetensors"))));
        Assert.Contains("has no CNN encoder", failure.Message);
    }
}
