using System.Security.Cryptography;

namespace CsUnet.Cuda;

/// <summary>The format of a cache file: a mark, the SHA-256 of the rest, then key, log, names and image.</summary>
internal static class KernelCacheEntry
{
    private const int HashBytes = 32;
    private static ReadOnlySpan<byte> Mark => "csunet-kernels-1"u8;

    internal static byte[] Serialize(byte[] key, CompiledKernels kernels)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream))
        {
            writer.Write(key);
            writer.Write(kernels.Log);
            writer.Write(kernels.LoweredNames.Count);
            foreach ((string expression, string name) in kernels.LoweredNames)
            {
                writer.Write(expression);
                writer.Write(name);
            }
            writer.Write(kernels.Image.Length);
            writer.Write(kernels.Image);
        }
        byte[] body = stream.ToArray();
        return [.. Mark, .. SHA256.HashData(body), .. body];
    }

    /// <summary>The kernels of a file; null if it is damaged, or belongs to another key.</summary>
    internal static CompiledKernels? Deserialize(byte[] file, byte[] key)
    {
        int start = Mark.Length + HashBytes;
        if (file.Length < start + key.Length || !file.AsSpan().StartsWith(Mark)
            || !SHA256.HashData(file.AsSpan(start)).AsSpan().SequenceEqual(file.AsSpan(Mark.Length, HashBytes))
            || !file.AsSpan(start, key.Length).SequenceEqual(key))
        {
            return null;
        }
        // The checksum matches, so Serialize wrote these bytes: no further checks are needed.
        using var reader = new BinaryReader(new MemoryStream(file, start + key.Length, file.Length - start - key.Length));
        string log = reader.ReadString();
        var names = new Dictionary<string, string>();
        for (int count = reader.ReadInt32(); count > 0; count--)
            names.Add(reader.ReadString(), reader.ReadString());
        return new CompiledKernels(reader.ReadBytes(reader.ReadInt32()), names, log, FromCache: true);
    }
}
