using CsUnet.Tensors;

namespace CsUnet.Weights;

/// <summary>A safetensors file as a weight file.</summary>
internal sealed class SafetensorsWeights : WeightFile
{
    private readonly SafetensorsFile _file;

    public SafetensorsWeights(string path)
        : base(path)
    {
        _file = SafetensorsFile.Read(path);
        Tensors = [.. _file.Entries.Select(entry => new Entry(_file, entry))];
    }

    public override string Format => "safetensors";

    public override IReadOnlyList<WeightTensor> Tensors { get; }

    public override IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    protected override void Dispose(bool disposing) => _file.Dispose();

    private sealed class Entry(SafetensorsFile file, SafetensorsEntry entry) : WeightTensor(file.Path, entry.Name, entry.DType, entry.Shape)
    {
        public override byte[] ReadBytes() => file.ReadBytes(entry.Name);
    }
}
