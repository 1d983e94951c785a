using System.Text;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Weights;

namespace CsUnet.Tests.Weights;

public sealed class OnnxFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static byte[] VarInt(long value)
    {
        var bytes = new List<byte>();
        for (ulong rest = (ulong)value; ; rest >>= 7)
        {
            bytes.Add((byte)(rest < 0x80 ? rest : rest & 0x7F | 0x80));
            if (rest < 0x80)
                return [.. bytes];
        }
    }

    private static byte[] Field(int number, long value) => [.. VarInt(number << 3), .. VarInt(value)];

    private static byte[] Field(int number, byte[] bytes) => [.. VarInt(number << 3 | 2), .. VarInt(bytes.Length), .. bytes];

    private static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    private static byte[] Floats(params float[] values) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private string Model(params byte[][] initialisers)
    {
        string path = _folder.File("model.onnx");
        byte[] node = [.. Field(1, "x"), .. Field(1, "w"), .. Field(4, "Conv")], pair = [.. Field(1, "a"), .. Field(2, "b")];
        byte[] graph = [.. initialisers.SelectMany(tensor => Field(5, tensor)), .. Field(1, node)];
        File.WriteAllBytes(path, [.. Field(1, 8), .. Field(2, "us"), .. Field(7, graph), .. Field(14, pair)]);
        return path;
    }

    [Fact]
    public void Initialisers_are_read_in_every_form()
    {
        File.WriteAllBytes(_folder.File("weights.bin"), [0, 0, 0, 0, .. Floats(7, 8)]);
        string path = Model(
            [.. Field(1, 2), .. Field(1, 1), .. Field(2, 1), .. Field(8, "raw"), .. Field(9, Floats(1, 2))],
            [.. Field(1, [2]), .. Field(2, 1), .. Field(4, Floats(3, 4)), .. Field(8, "packed")],
            [.. Field(1, 3), .. Field(2, 7), .. Field(7, [.. VarInt(-1), .. VarInt(5), .. VarInt(300)]), .. Field(8, "integers")],
            [.. Field(1, 2), .. Field(2, 1), .. Field(8, "external"), .. Field(13, [.. Field(1, "location"), .. Field(2, "weights.bin")]),
                .. Field(13, [.. Field(1, "offset"), .. Field(2, "4")]), .. Field(14, 1)]);
        using WeightFile file = WeightFile.Open(path);
        Assert.Equal("ONNX", file.Format);
        Assert.Equal("b", file.Metadata["a"]);
        Assert.Equal(new Shape(2, 1), file.Find("raw")!.Shape);
        Assert.Equal([1f, 2], file.Find("raw")!.Load().AsSpan<float>().ToArray());
        Assert.Equal([3f, 4], file.Find("packed")!.Load().AsSpan<float>().ToArray());
        Assert.Equal([-1.0, 5, 300], file.Find("integers")!.Load(DType.Float64).AsSpan<double>().ToArray());
        Assert.Equal([7f, 8], file.Find("external")!.Load().AsSpan<float>().ToArray());
    }

    [Theory]
    [InlineData("../secret.bin")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/../../secret.bin")]
    [InlineData("link.bin")]
    [InlineData("")]
    public void External_data_outside_of_the_folder_is_refused(string location)
    {
        File.CreateSymbolicLink(_folder.File("link.bin"), "/etc/passwd");
        string path = Model([.. Field(1, 1), .. Field(2, 1), .. Field(8, "w"),
            .. Field(13, [.. Field(1, "location"), .. Field(2, location)]), .. Field(14, 1)]);
        Assert.Contains("in the model's folder", Assert.Throws<WeightFileException>(() => WeightFile.Open(path)).Message);
    }

    [Fact]
    public void A_damaged_model_is_refused_in_one_line()
    {
        byte[] sound = File.ReadAllBytes(Model([.. Field(1, 2), .. Field(2, 1), .. Field(8, "w"), .. Field(9, Floats(1, 2))]));
        string path = _folder.File("damaged.onnx");
        int refused = 0;
        for (int i = 2; i < sound.Length; i++)
            foreach (byte[] bytes in new byte[][] { sound[..i], [.. sound[..i], (byte)(sound[i] ^ 0x80), .. sound[(i + 1)..]] })
            {
                File.WriteAllBytes(path, bytes);
                Exception? failure = Record.Exception(() =>
                {
                    using WeightFile file = WeightFile.Open(path);
                    file.Tensors[0].ReadBytes();
                });
                if (failure is null)
                    continue;
                Assert.StartsWith(path, Assert.IsType<WeightFileException>(failure).Message);
                refused++;
            }
        Assert.InRange(refused, sound.Length, 2 * sound.Length);
        string huge = Model([.. Field(1, 1L << 40), .. Field(2, 1), .. Field(8, "w"), .. Field(9, Floats(1, 2))]);
        Assert.Contains("tensor 'w' is (", Assert.Throws<WeightFileException>(() => WeightFile.Open(huge)).Message);
    }
}
