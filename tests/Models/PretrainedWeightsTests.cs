using CsUnet.Models.Encoders;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Tests.Weights;
using CsUnet.Training;
using CsUnet.Weights;

namespace CsUnet.Tests.Models;

/// <summary>Public weights in a CNN encoder: names, prefixes, classifiers, formats, and what is refused.</summary>
public sealed class PretrainedWeightsTests : IDisposable
{
    private static readonly ResNetOptions s_options = new(ResidualBlockKind.Basic, [1, 1, 1, 1], Width: 4);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static Encoder NewEncoder(ulong seed) => s_options.Create(DType.Float32).Initialize(seed);

    /// <summary>Writes an encoder's weights with a classifier, as torchvision names them.</summary>
    private string Write(Encoder encoder, string prefix = "", string head = "fc", Action<Dictionary<string, Tensor>>? change = null)
    {
        Dictionary<string, Tensor> tensors = StateDict.Of(encoder).ToDictionary(entry => prefix + entry.Key, entry => entry.Value);
        tensors[$"{head}.weight"] = Tensor.Zeros([10, 32]);
        tensors[$"{head}.bias"] = Tensor.Zeros([10]);
        tensors[$"{prefix}bn1.num_batches_tracked"] = Tensor.From<long>([9], []);
        change?.Invoke(tensors);
        string path = _folder.File("w.safetensors");
        SafetensorsFile.Write(path, tensors);
        return path;
    }

    private static PretrainedReport Load(Encoder encoder, string path)
    {
        using WeightFile file = WeightFile.Open(path);
        return PretrainedWeights.Load(encoder, file);
    }

    private static void AssertEqual(Encoder expected, Encoder actual)
    {
        IReadOnlyList<(string Name, Tensor Value)> a = StateDict.State(expected), b = StateDict.State(actual);
        Assert.Equal(a.Select(entry => entry.Name), b.Select(entry => entry.Name));
        Assert.All(a.Zip(b), pair => Assert.Equal(pair.First.Value.AsSpan<float>().ToArray(), pair.Second.Value.AsSpan<float>().ToArray()));
    }

    [Theory]
    [InlineData("", "fc")]
    [InlineData("", "last_linear")]
    [InlineData("", "classifier.1")]
    [InlineData("encoder.", "encoder.head")]
    [InlineData("backbone.", "fc")]
    [InlineData("cnn.", "head")]
    [InlineData("backbone.encoder.", "backbone.fc")]
    public void An_encoder_begins_with_the_weights_of_a_file_whatever_stands_before_its_names(string prefix, string head)
    {
        Encoder source = NewEncoder(1), target = NewEncoder(2);
        PretrainedReport report = Load(target, Write(source, prefix, head));
        AssertEqual(source, target);
        Assert.Equal(StateDict.Of(source).Count, report.Loaded.Count);
        Assert.Equal(2, report.Skipped.Count);
        Assert.Equal(prefix, report.Prefix);
        Assert.True(report.Fits);
        Assert.Matches(@"^\d+ tensors loaded, 2 skipped \([a-z_.1]+\), from .*w\.safetensors \(safetensors\)$", report.ToString());
    }

    [Fact]
    public void What_does_not_fit_is_named_and_changes_nothing()
    {
        Encoder target = NewEncoder(2), before = NewEncoder(2);
        string Refused(string path) => Assert.Throws<WeightFileException>(() => Load(target, path)).Message;
        Assert.Contains("layer1.0.bn1.weight (4) is missing; choose the encoder, the encoder_width and the encoder_layers",
            Refused(Write(NewEncoder(1), change: tensors => tensors.Remove("layer1.0.bn1.weight"))));
        Assert.Contains("layer9.weight (1) is not in the encoder; choose the encoder",
            Refused(Write(NewEncoder(1), change: tensors => tensors["layer9.weight"] = Tensor.Zeros([1]))));
        // A decoder beside the encoder: this is no file of an encoder.
        Assert.Contains(": decoder.weight (1) is not in the encoder; the file holds a whole network",
            Refused(Write(NewEncoder(1), "encoder.", change: tensors => tensors["decoder.weight"] = Tensor.Zeros([1]))));
        // A head inside the network is none.
        Assert.Contains("layer1.fc.weight (1) is not in the encoder",
            Refused(Write(NewEncoder(1), change: tensors => tensors["layer1.fc.weight"] = Tensor.Zeros([1]))));
        string wide = Refused(Write((s_options with { Width = 8 }).Create(DType.Float32).Initialize(1)));
        Assert.Contains("conv1.weight is (8,3,7,7), expected (4,3,7,7)", wide);
        Assert.Equal(8, wide.Split(", expected (").Length - 1);
        Assert.Matches(@", and \d+ more; choose", wide);
        Assert.Contains("layer2.1.conv1.weight", Refused(Write((s_options with { Layers = [1, 2, 1, 1] }).Create(DType.Float32)
            .Initialize(1))));
        Assert.Contains("I64, expected F32", Refused(Write(NewEncoder(1), change: tensors =>
            tensors["bn1.weight"] = Tensor.From<long>([1, 2, 3, 4], [4]))));
        AssertEqual(before, target);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1e300)]
    public void Values_that_are_not_finite_are_refused(double value)
    {
        string path = Write(NewEncoder(1), change: tensors => tensors["layer4.0.bn2.bias"] = Tensor.Full([32], value, DType.Float64));
        Assert.Contains("layer4.0.bn2.bias holds values that are not finite",
            Assert.Throws<WeightFileException>(() => Load(NewEncoder(2), path)).Message);
    }

    [Fact]
    public void A_file_is_compared_without_loading_it()
    {
        Encoder encoder = s_options.Create(DType.Float32);
        string path = Write(NewEncoder(1), change: tensors =>
        {
            tensors.Remove("bn1.bias");
            tensors["other"] = Tensor.Zeros([1]);
            tensors["conv1.weight"] = Tensor.Zeros([8, 3, 7, 7]);
        });
        using WeightFile file = WeightFile.Open(path);
        PretrainedReport report = PretrainedWeights.Map(encoder, file);
        Assert.False(report.Fits);
        Assert.Equal(["bn1.bias"], report.Missing);
        Assert.Equal(["other"], report.LeftOver);
        Assert.Equal(["conv1.weight is (8,3,7,7), expected (4,3,7,7)"], report.Unfit);
        Assert.Equal(["fc.bias", "fc.weight"], report.Skipped.Order());
        Assert.DoesNotContain("conv1.weight", report.Loaded);
    }

    /// <summary>As torch.save writes the state dictionary of a DataParallel model in a trainer's dictionary.</summary>
    [Fact]
    public void A_file_of_PyTorch_loads_like_a_safetensors_file()
    {
        Encoder source = NewEncoder(1), target = NewEncoder(2);
        var pickle = new Pickle();
        pickle.Op("}(").Text("state_dict").Op("}(");
        var storages = new List<(string, float[])>();
        foreach ((string name, Tensor value) in StateDict.Of(source).Append(new("fc.weight", Tensor.Zeros([10, 32]))))
        {
            int[] sizes = [.. value.Shape], strides = new int[sizes.Length];
            for (int i = sizes.Length - 1, stride = 1; i >= 0; stride *= sizes[i--])
                strides[i] = stride;
            string key = $"{storages.Count}";
            pickle.Text("module." + name).Tensor(key, (int)value.Count, sizes, strides);
            storages.Add((key, value.AsSpan<float>().ToArray()));
        }
        string path = _folder.File("resnet.pth");
        pickle.Op("uu").Zip(path, [.. storages]);
        PretrainedReport report = Load(target, path);
        AssertEqual(source, target);
        Assert.Equal(["fc.weight"], report.Skipped);
        Assert.EndsWith("1 skipped (fc), from " + path + " (PyTorch zip)", report.ToString());
    }

    /// <summary>Real ImageNet weights, blocks 2,2,2,3, beside the data sets (CSUNET_DATA).</summary>
    [Theory]
    [InlineData("unet")]
    [InlineData("cs-unet-mini")]
    public void Public_weights_load_into_their_encoder(string model)
    {
        string folder = Path.Combine(Data.NasaData.Folder("."), "..", "weights");
        string path = Path.Combine(folder, "resnet-basic-2-2-2-3-imagenet.safetensors");
        Assert.SkipUnless(File.Exists(path), $"no weights: {path} is missing; set CSUNET_DATA to the folder of the data sets beside it");
        TrainingOptions options = new TrainingOptions { Model = model }.With("encoder", "resnet18").With("encoder_layers", "2,2,2,3");
        Encoder encoder = options.ModelOptions(3).Create().Encoder!;
        Assert.Equal(110, Load(encoder, path).Loaded.Count);
        using SafetensorsFile file = SafetensorsFile.Read(path);
        Assert.All(StateDict.Of(encoder), entry => Assert.Equal(file.Load(entry.Key)[0], entry.Value[0]));
        using WeightFile again = WeightFile.Open(path);
        Assert.NotEmpty(PretrainedWeights.Map(Encoders.Named("resnet18").Create(DType.Float32), again).LeftOver);
    }
}
