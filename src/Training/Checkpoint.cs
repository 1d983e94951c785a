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
    private Checkpoint(SegmentationModel model, CheckpointHeader header)
    {
        Model = model;
        Header = header;
    }

    /// <summary>The network, in evaluation mode.</summary>
    public SegmentationModel Model { get; }

    /// <summary>The header of the weight file.</summary>
    public CheckpointHeader Header { get; }

    /// <summary>The classes.</summary>
    public ClassMap ClassMap => Header.ClassMap;

    /// <summary>Loads a weight file that a training run wrote.</summary>
    /// <param name="path">The weight file.</param>
    /// <param name="type">Element type of the network.</param>
    /// <param name="device">The device of the network; the file may have been written from another device.</param>
    /// <exception cref="WeightFileException">
    /// The file is missing or truncated, does not hold the weights that its header describes, or holds a weight that is not finite. Or the
    /// kind of its network is not registered (<see cref="ModelOptions.Register"/>).
    /// </exception>
    public static Checkpoint Load(string path, DType type = DType.Float32, Device device = default)
    {
        using SafetensorsFile file = SafetensorsFile.Read(path);
        CheckpointHeader header = CheckpointHeader.Of(file);
        SegmentationModel model = Create(path, header, type);
        model.To(device);
        // Compare names and shapes before allocating: the header of a tiny file may ask for more memory than the machine has.
        StateDict.Load(model, file);
        IReadOnlyList<(string Name, Tensor Value)> state = StateDict.State(model);
        if (GradientNorm.FirstNotFinite([.. state.Select(entry => entry.Value)]) is >= 0 and int bad)
            throw new WeightFileException(path, $"{state[bad].Name} holds numbers that are not finite",
                "the file is damaged; get it again");
        model.Eval();
        return new Checkpoint(model, header);
    }

    private static SegmentationModel Create(string path, CheckpointHeader header, DType type)
    {
        try
        {
            return header.Model.Create(type);
        }
        catch (ArgumentException failure)
        {
            throw new WeightFileException(path, $"its header describes a network that cannot be built ({failure.Message})",
                "the file is damaged or was made by hand; get it again", failure);
        }
    }

    /// <summary>Reads an image as the training images were read: its samples become levels by the same ranges.</summary>
    /// <exception cref="DataException">The file cannot be read, or real samples have no range here and no full range.</exception>
    public Image ReadImage(string path) => Header.Intensity.Apply(ImageFile.ReadRaw(path), path).Compact();

    /// <summary>Creates a predictor with these weights.</summary>
    /// <param name="stride">Pixels between tiles; 0: half a tile.</param>
    /// <param name="batch">Tiles per forward pass.</param>
    public Predictor CreatePredictor(int stride = 0, int batch = 8) => new(Model, stride, batch, Header.Normalisation);
}
