using System.Text.Json.Nodes;
using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>Metadata of weight and optimiser files that somebody made or changed.</summary>
public sealed class CheckpointHeaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cnn", "null")]
    [InlineData("cnn", "3")]
    [InlineData("cnn", "{}")]
    [InlineData("cnn", """{"kind":"resnet","block":"basic","layers":null,"width":8}""")]
    [InlineData("cnn", """{"kind":"resnet","block":"basic","layers":[2,2,2],"width":8}""")]
    [InlineData("cnn", """{"kind":"resnet","block":"basic","layers":[2,2,2,2],"width":99999}""")]
    [InlineData("cnn", """{"kind":"resnet","block":7,"layers":[2,2,2,2],"width":8}""")]
    [InlineData("depths", "null")]
    [InlineData("depths", "[]")]
    [InlineData("depths", "[1,1,1]")]
    [InlineData("depths", "[1,1,1,1000000]")]
    [InlineData("heads", "null")]
    [InlineData("heads", "[0,1,1,1]")]
    [InlineData("heads", "[3,5,7,9]")]
    [InlineData("embedDim", "2147483647")]
    [InlineData("embedDim", "null")]
    [InlineData("window", "0")]
    [InlineData("mlp", "null")]
    [InlineData("mlp", "99")]
    [InlineData("mlpRatio", "100000")]
    [InlineData("height", "999999968")]
    [InlineData("height", "-32")]
    [InlineData("height", "1e400")]
    [InlineData("classes", "0")]
    [InlineData("dropPath", "\"NaN\"")]
    [InlineData("more", "1")]
    public void A_network_that_cannot_be_is_refused(string key, string json)
    {
        JsonObject model = JsonNode.Parse(CsUnetOptions.Mini(32, 32, 3).ToJson())!.AsObject();
        model[key] = "VALUE";
        Refuses("model", model.ToJsonString().Replace("\"VALUE\"", json, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("model", "")]
    [InlineData("model", "null")]
    [InlineData("model", "[]")]
    [InlineData("model", """{"height":32,"height":64,"width":32}""")]
    [InlineData("model", """{"kind":null,"height":32,"width":32}""")]
    [InlineData("normalisation", "")]
    [InlineData("normalisation", "null")]
    [InlineData("normalisation", "{}")]
    [InlineData("normalisation", """{"mean":null,"deviation":[1,1,1]}""")]
    [InlineData("normalisation", """{"mean":[0,0],"deviation":[1,1,1]}""")]
    [InlineData("normalisation", """{"mean":[0,0,0],"deviation":[1,1,1,1]}""")]
    [InlineData("normalisation", """{"mean":[0,0,0],"deviation":[1,0,1]}""")]
    [InlineData("normalisation", """{"mean":[0,0,0],"deviation":[1,1e30,1]}""")]
    [InlineData("normalisation", """{"mean":[0,0,0],"deviation":[1,-1,1]}""")]
    [InlineData("normalisation", """{"mean":[0,0,0],"deviation":[1,1e-30,1]}""")]
    [InlineData("normalisation", """{"mean":[1e39,0,0],"deviation":[1,1,1]}""")]
    [InlineData("normalisation", """{"mean":[NaN,0,0],"deviation":[1,1,1]}""")]
    [InlineData("normalisation", """{"mean":["NaN",0,0],"deviation":[1,1,1]}""")]
    [InlineData("classes", "")]
    [InlineData("classes", "&a [*a]: 1")]
    [InlineData("classes", "name: x\nclasses: []")]
    [InlineData("classes", "classes: [{name: a, values: [0]}, {name: a, values: [1]}]")]
    [InlineData("step", "")]
    [InlineData("step", "-1")]
    [InlineData("step", "99999999999")]
    public void Metadata_that_cannot_be_is_refused(string key, string value) => Refuses(key, value);

    [Theory]
    [InlineData("step", "-1")]
    [InlineData("step", "x")]
    [InlineData("validated_step", "7")]
    [InlineData("best_mean_iou", "NaN")]
    [InlineData("best_mean_iou", "2")]
    [InlineData("best_step", "99999999999")]
    [InlineData("validations_since_best", "7")]
    [InlineData("reductions", "1000000")]
    [InlineData("loss", "Infinity")]
    [InlineData("learning_rate", "-1")]
    [InlineData("learning_rate", "1e400")]
    public void A_state_that_cannot_be_is_refused(string key, string value)
    {
        var state = new TrainerState(6, 4, new ValidationHistory(0.5, 2, 1, 1), 0.75, 1e-3);
        string path = Write(new Dictionary<string, string>(state.ToMetadata()) { [key] = value });
        using SafetensorsFile file = SafetensorsFile.Read(path);
        string message = Assert.Throws<WeightFileException>(() => TrainerState.Of(file)).Message;
        Assert.StartsWith($"{path}: its metadata is not understood: {key} is '{value}'", message);
    }

    [Fact]
    public void What_the_program_writes_is_read()
    {
        var state = new TrainerState(6, 4, new ValidationHistory(0.5, 2, 1, 1), double.NaN, 1e-3);
        using (SafetensorsFile file = SafetensorsFile.Read(Write(state.ToMetadata())))
            Assert.Equal(state, TrainerState.Of(file));
        using (SafetensorsFile file = SafetensorsFile.Read(Write(TrainerState.Initial.ToMetadata())))
            Assert.Equal(TrainerState.Initial, TrainerState.Of(file));
        using (SafetensorsFile file = SafetensorsFile.Read(Write(Header().ToMetadata())))
            Assert.Equal(Header().ToMetadata(), CheckpointHeader.Of(file).ToMetadata());
    }

    private void Refuses(string key, string value)
    {
        string path = Write(new Dictionary<string, string>(Header().ToMetadata()) { [key] = value });
        using SafetensorsFile file = SafetensorsFile.Read(path);
        string message = Assert.Throws<WeightFileException>(() => CheckpointHeader.Of(file)).Message;
        Assert.StartsWith(path, message);
        Assert.Contains(key == "model" ? "model" : $"its metadata is not understood: {key} (", message);
        Assert.Contains("it was written by csunet", message);
        Assert.Equal(PlainText.Of(message), message);
    }

    private static CheckpointHeader Header() => new(
        CsUnetOptions.Mini(32, 32, 3), ClassMap.NasaSuper, Normalisation.ImageNet, 6, CheckpointHeader.ThisProgram);

    private string Write(IReadOnlyDictionary<string, string> metadata)
    {
        string path = _folder.File("weights.safetensors");
        SafetensorsFile.Write(path, [KeyValuePair.Create("x", Tensor.Zeros([1]))], metadata);
        return path;
    }
}
