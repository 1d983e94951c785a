using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Models.Networks;
using CsUnet.Nn;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Trained weights, ready to predict.</summary>
/// <example><code>
/// Checkpoint checkpoint = Checkpoint.Load("runs/first/last.safetensors");
/// using Predictor predictor = checkpoint.CreatePredictor();
/// Prediction prediction = predictor.Predict(checkpoint.ReadImage("micrograph.tif"));
/// </code></example>
public sealed class Checkpoint
{
    private Checkpoint(SegmentationModel model, CheckpointHeader header, string contentHash)
    {
        Model = model;
        Header = header;
        ContentHash = contentHash;
    }

    /// <summary>The network, in evaluation mode.</summary>
    public SegmentationModel Model { get; }

    /// <summary>The header of the weight file.</summary>
    public CheckpointHeader Header { get; }

    /// <summary>The hash of the weights (<see cref="SafetensorsFile.ContentHash"/>).</summary>
    public string ContentHash { get; }

    /// <summary>The classes.</summary>
    public ClassMap ClassMap => Header.ClassMap;

    /// <summary>Loads a weight file that a training run wrote.</summary>
    /// <param name="path">The weight file.</param>
    /// <param name="type">Element type of the network.</param>
    /// <param name="device">The device of the network; the file may have been written from another device.</param>
    /// <exception cref="WeightFileException">
    /// The file is missing, truncated or changed, does not hold the weights that its header describes, or holds a weight that is not
    /// finite. Or the kind of its network is not registered (<see cref="ModelOptions.Register"/>).
    /// </exception>
    public static Checkpoint Load(string path, DType type = DType.Float32, Device device = default)
    {
        using SafetensorsFile file = SafetensorsFile.Read(path);
        CheckpointHeader header = CheckpointHeader.Of(file);
        SegmentationModel model = Create(path, header, type);
        model.To(device);
        // Compare names and shapes before allocating: the header of a tiny file may ask for more memory than the machine has.
        StateDict.Load(model, file);
        file.Verify(isRequired: header.Identity is not null);
        IReadOnlyList<(string Name, Tensor Value)> state = StateDict.State(model);
        if (GradientNorm.FirstNotFinite([.. state.Select(entry => entry.Value)]) is >= 0 and int bad)
            throw new WeightFileException(path, $"{state[bad].Name} holds numbers that are not finite",
                "the file is damaged; get it again");
        model.Eval();
        return new Checkpoint(model, header, file.ContentHash);
    }

    private static SegmentationModel Create(string path, CheckpointHeader header, DType type) => ReadFile.Parse(
        path, "its header describes a network that cannot be built", () => header.Model.Create(type),
        problem => new WeightFileException(
            problem.Place, problem.Problem, "the file is damaged or was made by hand; get it again", problem.Cause));

    /// <summary>Reads an image as the training images were read: its samples become levels by the same ranges.</summary>
    /// <exception cref="DataException">The file cannot be read, or real samples have no range here and no full range.</exception>
    public Image ReadImage(string path) => Header.Intensity.Apply(ImageFile.ReadRaw(path), path).Compact();

    /// <summary>Creates a predictor with these weights.</summary>
    /// <param name="stride">Pixels between tiles; 0: half a tile.</param>
    /// <param name="batch">Tiles per forward pass.</param>
    public Predictor CreatePredictor(int stride = 0, int batch = 8) => new(Model, stride, batch, Header.Normalisation);
}
