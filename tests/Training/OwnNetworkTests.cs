using System.Text.Json.Nodes;
using CsUnet.Autograd;
using CsUnet.Data;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Training;

namespace CsUnet.Tests.Training;

/// <summary>A custom network through a whole run, and headers of checkpoints.</summary>
public sealed class OwnNetworkTests : IDisposable
{
    private const string Kind = "tests-own";

    private readonly TrainingFixture _workshop = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _workshop.Dispose();

    /// <summary>A network with one hidden layer per pixel.</summary>
    private sealed class OwnNetwork : SegmentationModel
    {
        private readonly Conv2d _hidden, _output;

        public OwnNetwork(OwnOptions options, DType type) : base(options, type)
        {
            _hidden = Register("hidden", new Conv2d(3, options.Hidden, 3, padding: 1, type: type));
            _output = Register("output", new Conv2d(options.Hidden, options.Classes, 1, type: type));
        }

        protected override Variable Logits(Variable images) => _output.Forward(_hidden.Forward(images).ReLU());
    }

    private sealed record OwnOptions : ModelOptions
    {
        public int Hidden { get; init; } = 6;

        public override string Kind => OwnNetworkTests.Kind;

        public override SegmentationModel Create(DType type = DType.Float32) => new OwnNetwork(this, type);
    }

    private static Trainer NewTrainer(RunFolder folder, TrainingOptions options) => TrainingFixture.NewTrainer(
        folder, options, TrainingFixture.Validation, model: new OwnOptions { Height = 32, Width = 32, Hidden = 5 }.Create());

    [Fact]
    public void It_trains_saves_resumes_and_predicts_once_its_kind_is_registered()
    {
        RunFolder folder = _workshop.NewFolder("run"), whole = _workshop.NewFolder("whole");
        TrainingOptions options = TrainingFixture.Options with { Steps = 6, Schedule = ScheduleKind.Constant };
        using (Trainer trainer = NewTrainer(folder, options))
            trainer.Run(cancellation: Token);
        foreach (string name in new[] { "last", "best" })
        {
            string message = Assert.Throws<WeightFileException>(() => Checkpoint.Load(folder.CheckpointPath(name))).Message;
            Assert.Contains("network kind 'tests-own' is not registered, expected one of cs-unet", message);
            Assert.Contains("ModelOptions.Register", message);
        }
        using (Trainer trainer = NewTrainer(folder, options with { Steps = 9 }))
            Assert.Contains("'tests-own' is not registered", Assert.Throws<WeightFileException>(trainer.Resume).Message);

        ModelOptions.Register<OwnOptions>(Kind);
        using (Trainer trainer = NewTrainer(folder, options with { Steps = 9 }))
        {
            trainer.Resume();
            Assert.Equal(6, trainer.Step);
            Assert.Equal(9, trainer.Run(cancellation: Token).Step);
        }
        Checkpoint checkpoint = Checkpoint.Load(folder.LastPath);
        Assert.Equal(5, Assert.IsType<OwnOptions>(Assert.IsType<OwnNetwork>(checkpoint.Model).Options).Hidden);
        Assert.Equal(9, checkpoint.Header.Step);
        using Predictor predictor = checkpoint.CreatePredictor();
        Image image = TrainingFixture.Validation[0].Image;
        Assert.Equal(image.Height * image.Width, predictor.Predict(image, cancellation: Token).Labels.Length);

        using (Trainer trainer = NewTrainer(whole, options with { Steps = 9 }))
            trainer.Run(cancellation: Token);
        using SafetensorsFile one = SafetensorsFile.Read(whole.LastPath), two = SafetensorsFile.Read(folder.LastPath);
        foreach (SafetensorsEntry entry in one.Entries)
            for (long i = 0; i < one.Load(entry.Name).Count; i++)
                Assert.Equal(one.Load(entry.Name)[i], two.Load(entry.Name)[i]);
    }

    [Fact]
    public void A_header_of_another_network_is_refused_before_anything_is_written()
    {
        var model = new OwnNetwork(new OwnOptions { Height = 32, Width = 32 }, DType.Float32);
        model.Initialize(1);
        CheckpointHeader header = TrainingFixture.Header(model) with { Model = CsUnetOptions.Mini(32, 32, 3) };
        Assert.Contains("\"kind\":\"cs-unet\"", Assert.Throws<ArgumentException>(() => new Trainer(TrainingFixture.Options, model, header,
            TrainingFixture.Options.CreateBatches(TrainingFixture.Train, Normalisation.ImageNet), null,
            _workshop.NewFolder("run"))).Message);
    }

    // The text of a header written by csunet 0.1.0, with the numbers of the tests' network.
    private const string OldHeader = """
        {"height":32,"width":32,"classes":3,"embedDim":8,"depths":[1,1,1,1],"heads":[1,1,2,2],"window":4,"mlpRatio":4,"mlp":"resMlp","dropPath":0.1,"cnn":{"block":"basic","layers":[2,2,2,2],"width":8,"channels":[8,16,32,64]}}
        """;

    [Fact]
    public void Runs_of_before_there_were_kinds_load_and_resume_as_cs_unets()
    {
        RunFolder folder = _workshop.NewFolder("run");
        TrainingOptions options = TrainingFixture.CsUnetOptions;
        using (Trainer trainer = Trainer.Create(options, folder, TrainingFixture.Train, null))
            trainer.Run(cancellation: Token);
        byte[] newest;
        using (SafetensorsFile file = SafetensorsFile.Read(folder.LastPath))
        {
            JsonObject header = JsonNode.Parse(file.Metadata["model"])!.AsObject();
            Assert.Equal("cs-unet", (string?)header["kind"]);
            Assert.Equal("resnet", (string?)header["cnn"]!["kind"]);
            header.Remove("kind");
            header["cnn"]!.AsObject().Remove("kind");
            // Except for the kinds, nothing has changed.
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(OldHeader), header), header.ToJsonString());
            newest = File.ReadAllBytes(folder.LastPath);
        }
        OldRun.Make(folder);
        OldRun.Rewrite(folder.LastPath, metadata => metadata["model"] = OldHeader);
        Assert.Equal(8, Assert.IsType<CsUnetOptions>(Checkpoint.Load(folder.LastPath).Model.Options).EmbedDim);
        using (Trainer trainer = Trainer.Resume(folder, options with { Steps = options.Steps }, TrainingFixture.Train, null))
        {
            Assert.Equal(options.Steps, trainer.Step);
            trainer.Run(cancellation: Token);
        }
        using Trainer longer = Trainer.Resume(folder, options with { Steps = options.Steps + 1 }, TrainingFixture.Train, null);
        Assert.Equal(options.Steps + 1, longer.Run(cancellation: Token).Step);
        Assert.NotEqual(newest, File.ReadAllBytes(folder.LastPath));
    }
}
