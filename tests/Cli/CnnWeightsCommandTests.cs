using System.Text.Json.Nodes;
using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Models.Encoders;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Tests.Cli;

/// <summary><c>train --cnn-weights</c> and <c>weights map</c>.</summary>
public sealed class CnnWeightsCommandTests : IDisposable
{
    private static readonly string[] s_network = ["--model", "unet", "--encoder", "resnet18", "--encoder-width", "4"];

    private readonly Workspace _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Write(string name, ResNetOptions options, Action<Dictionary<string, Tensor>>? change = null)
    {
        Dictionary<string, Tensor> tensors = new(StateDict.Of(options.Create(DType.Float32).Initialize(3)))
        {
            ["fc.weight"] = Tensor.Zeros([10, 32]), ["fc.bias"] = Tensor.Zeros([10]),
        };
        change?.Invoke(tensors);
        SafetensorsFile.Write(_folder[name], tensors);
        return _folder[name];
    }

    private static ResNetOptions ResNet(params int[] layers) => new(ResidualBlockKind.Basic, layers, Width: 4);

    private string[] Train(params string[] more) =>
        ["train", .. s_network, "--encoder-layers", "1,1,2,1", "--size", "32", "--batch", "2", "--steps", "1", "--warm-up", "1", "--device",
            "cpu", "--out", _folder["run"], .. more];

    [Fact]
    public void A_training_says_what_it_loaded_and_goes_on_without_the_file()
    {
        string file = Write("net.safetensors", ResNet(1, 1, 2, 1));
        SyntheticMicrographs.WriteTo(_folder["set"], train: 2, validation: 1, test: 0, height: 64, width: 64, seed: 3);
        ProgramRun trained = ProgramRun.Of(Train("--cnn-weights", Path.GetRelativePath(Environment.CurrentDirectory, file), "--data",
            _folder["set"], "--classes", "nasa-super"));
        Assert.True(trained.Code == ExitCode.Success, trained.Error);
        Assert.Matches(@"\ncnn weights: \d+ tensors loaded, 2 skipped \(fc\), from .*net\.safetensors \(safetensors\)\n", trained.Out);
        string config = File.ReadAllText(_folder["run/config.yaml"]);
        Assert.Contains($"\ncnn_weights: \"{file}\"", config);
        Assert.Contains("\nencoder_layers: [1, 1, 2, 1]", config);
        Assert.Matches("net.safetensors .*SHA-256 [0-9a-f]{64}$",
            (string?)JsonNode.Parse(File.ReadAllText(_folder["run/run.json"]))!["cnnWeights"]);
        File.Delete(file);
        string[] resume = ["train", "--resume", "--run", _folder["run"]];
        ProgramRun resumed = ProgramRun.Of([.. resume, "--steps", "2", "--cnn-weights", file]);
        Assert.True(resumed.Code == ExitCode.Success, resumed.Error);
        Assert.DoesNotContain("cnn weights:", resumed.Out);
        Assert.Contains("SHA-256", (string?)JsonNode.Parse(File.ReadAllText(_folder["run/run.json"]))!["cnnWeights"]);
        ProgramRun.Refuses([.. resume, "--steps", "3", "--cnn-weights", _folder["other.pth"]], "--cnn-weights", "resumed run keeps it");
        ProgramRun.Refuses([.. resume, "--steps", "3", "--encoder-layers", "1,1,1,1"], "--encoder-layers", "resumed run keeps it");
    }

    [Fact]
    public void A_file_that_does_not_fit_is_refused_before_anything_is_written()
    {
        const string remedy = "choose the encoder, the encoder_width and the encoder_layers";
        void Refuses(string file, params string[] parts)
        {
            ProgramRun.Refuses(Train("--cnn-weights", file), [$"error: --cnn-weights: {file}: ", .. parts]);
            Assert.False(Directory.Exists(_folder["run"]));
        }
        Refuses(_folder["none.pth"], "there is no such file");
        Refuses(Write("wide", ResNet(1, 1, 2, 1) with { Width = 8 }), "conv1.weight is (8,3,7,7), expected (4,3,7,7)", " more; " + remedy);
        Refuses(Write("missing", ResNet(1, 1, 2, 1), tensors => tensors.Remove("bn1.bias")), "bn1.bias (4) is missing; " + remedy);
        Refuses(Write("deep", ResNet(1, 1, 2, 2)), "layer4.1.conv1.weight (32,32,3,3) is not in the encoder", remedy);
        Refuses(Write("block", new ResNetOptions(ResidualBlockKind.Bottleneck, [1, 1, 2, 1], 4)), "expected", remedy);
        Refuses(Write("nan", ResNet(1, 1, 2, 1), tensors => tensors["bn1.bias"] = Tensor.Full([4], double.NaN)), "bn1.bias holds values");
        Refuses(_folder.Write("page.html", "<html></html>"), "the content is not");
        string cut = Write("cut", ResNet(1, 1, 2, 1));
        File.WriteAllBytes(cut, File.ReadAllBytes(cut)[..^100]);
        Refuses(cut);
        Refuses(_folder.Root, "this is a folder");
        ProgramRun.Refuses(Train("--cnn-weights", ""), "--cnn-weights");
        string[] plain = ["train", .. s_network, "--out", _folder["run"]];
        ProgramRun.Refuses([.. plain, "--encoder-layers", "1,2"], "encoder layers 1,2: four numbers");
        ProgramRun.Refuses([.. plain, "--encoder-layers", "1,2,3,0"], "--encoder-layers is '0', expected a whole number from 1 to 100");
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public void A_file_is_mapped_to_an_encoder()
    {
        string file = Write("net.safetensors", ResNet(2, 2, 2, 2), tensors => tensors.Remove("bn1.bias"));
        ProgramRun run = ProgramRun.Of(["weights", "map", file, .. s_network]);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        foreach (string part in new[] { "skipped: 2\n  fc.", "missing in the file: 1\n  bn1.bias\n", "left over: 0\n",
            "the training would refuse this file\n" })
            Assert.Contains(part, run.Out);
        Assert.Contains("the training can start with this file\n",
            ProgramRun.Of(["weights", "map", Write("full", ResNet(2, 2, 2, 2)), .. s_network]).Out);
        Assert.Contains("conv1.weight is (4,3,7,7), expected (32,3,7,7)", ProgramRun.Of(["weights", "map", file]).Out);
        ProgramRun.Refuses(["weights", "map", file, "--encoder", "resnet1"], "--encoder is 'resnet1'");
        ProgramRun.Refuses(["weights", "map", file, "--encoder-layers", "1"], "encoder layers 1: four numbers");
    }
}
