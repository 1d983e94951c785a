using CsUnet.Cli;
using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>Runs a network other than CS-UNet through every command.</summary>
public sealed class NetworkTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    private string Run => _workspace["run"];

    private static ProgramRun Succeeds(params string[] args)
    {
        ProgramRun run = ProgramRun.Of(args);
        Assert.True(run.Code == ExitCode.Success, run.Error);
        return run;
    }

    [Fact]
    public void A_unet_is_trained_resumed_evaluated_and_predicted_with()
    {
        string data = _workspace["set"];
        SyntheticMicrographs.WriteTo(data, train: 3, validation: 2, test: 2, height: 64, width: 96, seed: 3);
        ProgramRun trained = Succeeds("train", "--model", "unet", "--encoder", "resnet18", "--encoder-width", "8", "--data", data,
            "--classes", "nasa-super",
            "--size", "64", "--batch", "2", "--steps", "2", "--validate-every", "2", "--out", Run);
        Assert.Contains("model: unet, ", trained.Out);
        string config = File.ReadAllText(Path.Combine(Run, "config.yaml"));
        Assert.Contains("model: unet", config);
        Assert.Contains("encoder: resnet18", config);
        Assert.DoesNotContain("\nwindow:", config);

        ProgramRun resumed = Succeeds("train", "--resume", "--run", Run, "--steps", "3");
        Assert.Contains("changed from here on: steps", resumed.Out);
        Assert.IsType<UNetOptions>(Checkpoint.Load(Path.Combine(Run, "last.safetensors")).Header.Model);
        Assert.Contains("unet, 64x64, 3 classes", Succeeds("evaluate", "--run", Run, "--split", "test").Out);
        string image = Directory.EnumerateFiles(Path.Combine(data, "test")).First();
        Succeeds("predict", "--run", Run, "--out", _workspace["predictions"], image);
        Assert.NotEmpty(Directory.EnumerateFiles(_workspace["predictions"], "*", SearchOption.AllDirectories));
        ProgramRun.Refuses(["train", "--resume", "--run", Run, "--encoder", "resnet34"], "--encoder", "resumed run");
    }

    [Fact]
    public void An_option_of_another_network_is_refused()
    {
        ProgramRun.Refuses(["train", "--model", "unet", "--window", "7", "--out", Run], "window is not an option of unet",
            "encoder, encoder_width, encoder_layers");
        File.WriteAllText(_workspace["unet.yaml"], "model: unet\nheads: [1, 2, 4, 8]\n");
        ProgramRun.Refuses(["train", "--config", _workspace["unet.yaml"], "--out", Run], "heads is not an option of unet");
        ProgramRun.Refuses(["train", "--model", "unet", "--encoder", "resnet19", "--out", Run], "resnet19", "resnet18");
        Assert.False(Directory.Exists(Run));
    }
}
