using System.Security.Cryptography;
using System.Text;

namespace CsUnet.Cuda;

/// <summary>A source and everything that determines its machine code, except NVRTC and the architecture.</summary>
/// <param name="Name">The file name, for messages and <c>__FILE__</c>.</param>
/// <param name="Text">The source.</param>
public sealed record KernelSource(string Name, string Text)
{
    /// <summary>Headers: the name by which the source includes each, and its text.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Compiler options besides the architecture.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>The kernels to instantiate and look up by lowered name, as in <c>gemm&lt;64, 64&gt;</c>.</summary>
    public IReadOnlyList<string> NameExpressions { get; init; } = [];

    /// <summary>A hash of this source and of the compiler: equal keys mean equal machine code.</summary>
    /// <param name="compiler">Names the compiler and its version.</param>
    /// <param name="architecture">What to compile for.</param>
    internal byte[] Key(string compiler, KernelArchitecture architecture)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(compiler);
        Append(architecture.Option);
        Append(Name);
        Append(Text);
        AppendAll(Options);
        AppendAll(NameExpressions);
        // Sort: the order of a dictionary is arbitrary and does not change the program.
        AppendAll([.. Headers.OrderBy(header => header.Key, StringComparer.Ordinal).SelectMany(header => (string[])[header.Key,
            header.Value])]);
        return hash.GetHashAndReset();

        // Hash each text's length first, so that moving characters from one text to the next changes the hash.
        void Append(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
        }

        void AppendAll(IReadOnlyList<string> texts)
        {
            hash.AppendData(BitConverter.GetBytes(texts.Count));
            foreach (string text in texts)
                Append(text);
        }
    }
}
