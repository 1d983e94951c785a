using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>
/// A file of weights in any format that this program reads: safetensors, PyTorch's zip and legacy formats, ONNX. The format is found from
/// the content, not from the name. Nothing in a file is ever run. Dispose closes the file.
/// </summary>
/// <example><code>
/// using WeightFile file = WeightFile.Open("resnet50.pth");
/// foreach (WeightTensor tensor in file.Tensors)
///     Console.WriteLine(tensor);
/// </code></example>
public abstract class WeightFile : IDisposable
{
    private const string Formats = "a safetensors, PyTorch or ONNX file";

    private Dictionary<string, WeightTensor>? _byName;

    /// <summary>For the formats.</summary>
    private protected WeightFile(string path) => Path = path;

    /// <summary>The file's path, as it was given.</summary>
    public string Path { get; }

    /// <summary>The format, for example <c>PyTorch zip</c>.</summary>
    public abstract string Format { get; }

    /// <summary>The tensors, in the file's order.</summary>
    public abstract IReadOnlyList<WeightTensor> Tensors { get; }

    /// <summary>Numbers and texts that stand beside the tensors, by name: epochs, options of the training.</summary>
    public abstract IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>
    /// The dictionary within the file that the tensors' names are relative to, for example <c>state_dict.module</c>; empty for the whole.
    /// </summary>
    public virtual string Root => "";

    /// <summary>Opens a file and reads its names, shapes and types.</summary>
    /// <exception cref="WeightFileException">The file cannot be read, is damaged, or holds something else than weights.</exception>
    public static WeightFile Open(string path)
    {
        byte[] start = Start(path);
        if (start.AsSpan().StartsWith("PK\x03\x04"u8) || start.AsSpan().StartsWith("PK\x05\x06"u8))
            return new PyTorchZipFile(path);
        if (start.Length > 1 && start[0] == 0x80 && start[1] is >= 2 and <= 5)
            return new PyTorchLegacyFile(path);
        if (start.Length > 262 && start.AsSpan(257).StartsWith("ustar"u8))
            throw new WeightFileException(path, "this is a tar archive, the format of PyTorch before 0.1.10",
                "load it in PyTorch and save it again");
        if (start.Length > 8 && start[8] == '{')
            return new SafetensorsWeights(path);
        if (OnnxFile.IsOnnx(start))
            return new OnnxFile(path);
        if (start.AsSpan().StartsWith("version https://"u8))
            throw new WeightFileException(path, "this is a Git LFS pointer, not the weights", "fetch the content with git lfs pull");
        if (start.AsSpan().StartsWith("\x89HDF"u8))
            throw new WeightFileException(path, "this is an HDF5 file (Keras), expected " + Formats, "convert it to safetensors");
        throw new WeightFileException(path, start.Length == 0 ? "the file is empty" : $"the content is not {Formats}",
            "check that the download is complete and is no web page");
    }

    /// <summary>The tensor of a name; null if there is none.</summary>
    public WeightTensor? Find(string name) =>
        (_byName ??= Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal)).GetValueOrDefault(name);

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the file.</summary>
    protected abstract void Dispose(bool disposing);

    private static byte[] Start(string path)
    {
        return ReadFile.Parse(path, "not a weight file", () =>
        {
            if (SpecialFile.Is(path))
                throw new WeightFileException(path, "is a pipe or a device", "give a file");
            if (!File.Exists(path))
                throw new WeightFileException(path, Directory.Exists(path) ? "this is a folder" : "there is no such file",
                    "give the path of a weight file");
            using FileStream stream = File.OpenRead(path);
            var start = new byte[512];
            return start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        }, problem => new WeightFileException(path, problem.Problem, "check the path and your permission to read it", problem.Cause));
    }
}
