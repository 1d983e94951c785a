using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CsUnet.Tensors;

public sealed partial class SafetensorsFile
{
    /// <summary>The metadata entry that <see cref="WithChecksum"/> adds.</summary>
    public const string ChecksumKey = "checksum";

    private string? _contentHash;

    /// <summary>
    /// The hash of the tensors: SHA-256 over their names, element types, shapes and bytes, in hexadecimal digits. The metadata do not
    /// change it.
    /// </summary>
    /// <exception cref="WeightFileException">The file has shrunk since it was opened.</exception>
    public string ContentHash => _contentHash ??= ReadContentHash();

    /// <summary>The <see cref="ContentHash"/> of a file that <see cref="Write"/> makes of these tensors.</summary>
    /// <param name="tensors">As for <see cref="Write"/>.</param>
    public static string ContentHashOf(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        List<KeyValuePair<string, Tensor>> ordered = Ordered(tensors);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Describe(hash, ordered.Select(named => (named.Key, SafetensorsHeader.TypeName(named.Value.DType), named.Value.Shape)));
        foreach ((_, Tensor tensor) in ordered)
            Append(hash, tensor);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Metadata with a checksum over themselves and the tensors, which <see cref="Verify"/> checks.</summary>
    /// <param name="metadata">The other metadata.</param>
    /// <param name="contentHash">The <see cref="ContentHashOf"/> the tensors.</param>
    public static IReadOnlyDictionary<string, string> WithChecksum(IReadOnlyDictionary<string, string> metadata, string contentHash) =>
        new Dictionary<string, string>(metadata) { [ChecksumKey] = Checksum(metadata, contentHash) };

    /// <summary>Checks the file against its checksum.</summary>
    /// <param name="isRequired">Whether the file must have one; files of other programs have none.</param>
    /// <exception cref="WeightFileException">The file has changed since it was written, or has no checksum.</exception>
    public void Verify(bool isRequired)
    {
        const string remedy = "it is damaged or was changed; restore it from a copy";
        if (!Metadata.TryGetValue(ChecksumKey, out string? checksum))
        {
            if (isRequired)
                throw new WeightFileException(Path, $"its metadata has no '{ChecksumKey}'", remedy);
            return;
        }
        if (checksum != Checksum(Metadata, ContentHash))
            throw new WeightFileException(Path, "its content does not fit its checksum", remedy);
    }

    private static string Checksum(IReadOnlyDictionary<string, string> metadata, string contentHash)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string key, string value) in metadata.Where(entry => entry.Key != ChecksumKey)
            .OrderBy(entry => entry.Key, StringComparer.Ordinal))
            Append(hash, key, value);
        Append(hash, contentHash);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private string ReadContentHash()
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Describe(hash, Entries.Select(entry => (entry.Name, entry.DType, entry.Shape)));
        byte[] buffer = new byte[ChunkBytes];
        foreach (SafetensorsEntry entry in Entries)
        {
            for (long done = 0; done < entry.Bytes; done += buffer.Length)
            {
                Span<byte> chunk = buffer.AsSpan(0, (int)Math.Min(buffer.Length, entry.Bytes - done));
                ReadExactly(entry, done, chunk);
                hash.AppendData(chunk);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // Sorted by name: where a tensor is empty, the order of the bytes does not say which comes first.
    private static void Describe(IncrementalHash hash, IEnumerable<(string Name, string DType, Shape Shape)> tensors)
    {
        foreach ((string name, string type, Shape shape) in tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
            Append(hash, name, type, string.Join(',', shape.Select(size => size.ToString(CultureInfo.InvariantCulture))));
    }

    private static void Append(IncrementalHash hash, params ReadOnlySpan<string> texts)
    {
        foreach (string text in texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes((long)bytes.Length));
            hash.AppendData(bytes);
        }
    }

    private static unsafe void Append(IncrementalHash hash, Tensor original)
    {
        Tensor tensor = original.To(Device.Cpu);
        byte* source = (byte*)tensor.RawPointer;
        for (long done = 0; done < tensor.Bytes; done += ChunkBytes)
            hash.AppendData(new ReadOnlySpan<byte>(source + done, (int)Math.Min(ChunkBytes, tensor.Bytes - done)));
        GC.KeepAlive(tensor);
    }
}
