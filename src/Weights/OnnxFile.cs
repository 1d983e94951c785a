using System.Globalization;
using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>
/// The initialisers of an ONNX model (https://onnx.ai/onnx/repo-docs/IR.html). Initialisers may stand in files beside the model,
/// but only in its folder.
/// </summary>
internal sealed class OnnxFile : WeightFile
{
    private const string Damaged = "the file is damaged or incomplete; get it again";

    private readonly List<WeightTensor> _tensors = [];
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly byte[] _bytes;

    public OnnxFile(string path)
        : base(path)
    {
        _bytes = ReadFile.Parse(path, "it is no complete ONNX model", () =>
        {
            if (new FileInfo(path).Length > Array.MaxLength)
                throw new WeightFileException(path, "an ONNX file may have 2 GiB", "store its initialisers as external data");
            return File.ReadAllBytes(path);
        }, Refuse);
        ReadFile.Parse(path, "it is no complete ONNX model", () =>
        {
            ReadModel();
            return true;
        }, Refuse);
        if (_tensors.Count == 0)
            throw new WeightFileException(path, "this ONNX model has no initialiser", "choose a model that holds its weights");
    }

    public override string Format => "ONNX";

    public override IReadOnlyList<WeightTensor> Tensors => _tensors;

    public override IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Whether bytes can be the start of a model: the version of the format, then another of its fields.</summary>
    public static bool IsOnnx(ReadOnlySpan<byte> start) => start.Length > 3 && start[0] == 0x08 && start[1] is > 0 and < 64
        && start[2] is 0x12 or 0x1A or 0x22 or 0x28 or 0x32 or 0x3A or 0x42 or 0x72;

    protected override void Dispose(bool disposing)
    {
    }

    private WeightFileException Refuse(FileProblem problem) => new(Path, problem.Problem, Damaged, problem.Cause);

    private void ReadModel()
    {
        var model = new ProtobufReader(_bytes);
        while (model.Read())
            switch (model.Field)
            {
                case 2 when model.HasBytes:
                    _metadata["producer"] = model.Text;
                    break;
                case 7 when model.HasBytes:
                    ReadGraph(model.Bytes, model.Start);
                    break;
                case 14 when model.HasBytes:
                    (string key, string value) = ReadPair(model.Bytes);
                    _metadata[key] = value;
                    break;
            }
    }

    private void ReadGraph(ReadOnlySpan<byte> message, int start)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var graph = new ProtobufReader(message);
        while (graph.Read())
        {
            if (graph.Field != 5 || !graph.HasBytes)
                continue;
            OnnxTensor tensor = OnnxTensor.Read(Path, graph.Bytes, start + graph.Start, _bytes);
            if (!names.Add(tensor.Name))
                throw new InvalidDataException($"two initialisers are named '{tensor.Name}'");
            _tensors.Add(tensor);
        }
    }

    /// <summary>A pair of texts: field 1 is the key, field 2 the value.</summary>
    internal static (string Key, string Value) ReadPair(ReadOnlySpan<byte> message)
    {
        string key = "", value = "";
        var pair = new ProtobufReader(message);
        while (pair.Read())
        {
            if (pair.Field == 1)
                key = pair.Text;
            else if (pair.Field == 2)
                value = pair.Text;
        }
        return (key, value);
    }

    /// <summary>A position or length that an ONNX file stores as text.</summary>
    internal static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new InvalidDataException($"'{text}' is no number of bytes");
}
