using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace CsUnet.Tests.Weights;

/// <summary>Writes pickles and PyTorch's zip files instruction by instruction, also such as PyTorch would never write.</summary>
internal sealed class Pickle
{
    private readonly MemoryStream _bytes = new();

    public Pickle() => Op(0x80, 2);

    public byte[] Bytes => [.. _bytes.ToArray(), (byte)'.'];

    public Pickle Op(params byte[] bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public Pickle Op(string instructions) => Op(Encoding.Latin1.GetBytes(instructions));

    public Pickle Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return Op("X").Op(length).Op(utf8);
    }

    public Pickle Int(int value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Op("J").Op(bytes);
    }

    public Pickle Global(string module, string name) => Op($"c{module}\n{name}\n");

    /// <summary>A float32 tensor of storage <paramref name="key"/>.</summary>
    public Pickle Tensor(string key, int elements, int[] sizes, int[] strides, int offset = 0)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Op("((").Text("storage").Global("torch", "FloatStorage").Text(key).Text("cpu")
            .Int(elements).Op("tQ").Int(offset).Op("(");
        foreach (int size in sizes)
            Int(size);
        Op("t(");
        foreach (int stride in strides)
            Int(stride);
        return Op("t").Op(0x89).Global("collections", "OrderedDict").Op(")RtR");
    }

    /// <summary>Writes a zip file of this pickle and of storages.</summary>
    public void Zip(string path, params (string Key, float[] Values)[] storages)
    {
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Add(archive, "archive/data.pkl", Bytes);
        foreach ((string key, float[] values) in storages)
            Add(archive, $"archive/data/{key}", System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }

    public static void Add(ZipArchive archive, string name, byte[] content, CompressionLevel level = CompressionLevel.NoCompression)
    {
        using Stream stream = archive.CreateEntry(name, level).Open();
        stream.Write(content);
    }
}
