using System.Text;
using CsUnet.Tensors;
using CsUnet.Tests.Support;

namespace CsUnet.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Write(string header, int dataBytes, ulong? headerLength = null)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        string path = _folder.File("hostile.safetensors");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes(headerLength ?? (ulong)json.Length), .. json, .. new byte[dataBytes]]);
        return path;
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Named(params (string Name, Tensor Tensor)[] tensors) =>
        tensors.Select(named => KeyValuePair.Create(named.Name, named.Tensor));

    [Fact]
    public void What_is_written_is_read()
    {
        string path = _folder.File("round.safetensors");
        (string Name, Tensor Tensor)[] tensors =
        [
            ("bytes", Tensor.From(new byte[] { 1, 2, 255 }, [3])),
            ("single", Tensor.From([1.5f, float.NaN, -0f, float.Epsilon], [2, 2])),
            ("double", Tensor.From([Math.PI], [])),
            ("labels", Tensor.From([long.MinValue, -1, 7], [3, 1])),
            ("empty", Tensor.Zeros([0, 4])),
            ("grün \"quoted\"", Tensor.From([2f], [1])),
        ];
        SafetensorsFile.Write(path, Named(tensors), new Dictionary<string, string> { ["op"] = "test", ["text"] = "a \"b\" \n ü" });
        using SafetensorsFile file = SafetensorsFile.Read(path);
        Assert.Equal("test", file.Metadata["op"]);
        Assert.Equal("a \"b\" \n ü", file.Metadata["text"]);
        Assert.Equal(tensors.Select(named => named.Name).Order(), file.Entries.Select(entry => entry.Name).Order());
        foreach ((string name, Tensor tensor) in tensors)
        {
            Tensor loaded = file.Load(name);
            Assert.Equal((tensor.Shape, tensor.DType), (loaded.Shape, loaded.DType));
            Assert.Equal(Bytes(tensor), Bytes(loaded));
        }
        // Tensor data is aligned, so that a reader can map the file into memory.
        Assert.All(file.Entries, entry =>
            Assert.Equal(0, entry.Offset % (entry.Bytes / Math.Max(1, entry.Shape.Count) is var size and > 0 ? size : 1)));

        static unsafe byte[] Bytes(Tensor tensor) => new ReadOnlySpan<byte>(tensor.RawPointer, (int)tensor.Bytes).ToArray();
    }

    [Fact]
    public void Large_tensors_survive_the_chunks()
    {
        string path = _folder.File("large.safetensors");
        Tensor large = Tensor.Empty([700_001]);
        for (int i = 0; i < large.Count; i++)
            large[i] = i;
        SafetensorsFile.Write(path, Named(("large", large)));
        using SafetensorsFile file = SafetensorsFile.Read(path);
        Assert.Equal(large.ToArray<float>(), file.Load("large").ToArray<float>());
    }

    [Fact]
    public void Half_precision_is_widened()
    {
        string header = """{"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[6,10]}}""";
        string path = Write(header, 0);
        using (FileStream stream = new(path, FileMode.Append))
        {
            foreach (ushort bits in new ushort[] { 0x3C00, 0xC100, 0x0001, 0x3F80, 0xC020 })
                stream.Write(BitConverter.GetBytes(bits));
        }
        using SafetensorsFile file = SafetensorsFile.Read(path);
        Assert.Equal([1f, -2.5f, MathF.Pow(2, -24)], file.Load("h").AsSpan<float>().ToArray());
        Assert.Equal([1f, -2.5f], file.Load("b").AsSpan<float>().ToArray());
    }

    [Fact]
    public void Every_golden_file_opens_and_all_of_it_loads()
    {
        foreach (string path in Directory.EnumerateFiles(TestFiles.Golden, "*.safetensors"))
        {
            using SafetensorsFile file = SafetensorsFile.Read(path);
            Assert.Equal("float64", file.Metadata["reference"]);
            Assert.All(file.Entries, entry => Assert.Equal(entry.Shape, file.Load(entry.Name).Shape));
        }
    }

    [Theory]
    [InlineData("", 0, "bytes")]
    [InlineData("[]", 0, "Array")]
    [InlineData("{", 0, "not JSON")]
    [InlineData("""{"a":1}""", 0, "'a' is a JSON Number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "not all of")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "not all of")]
    [InlineData("""{"a":{"dtype":"Q7","shape":[1],"data_offsets":[0,4]}}""", 4, "'Q7'")]
    [InlineData("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4, "dtype of 'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "expected 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "-1")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "1.5")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "shape of 'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""", 4, "larger than any file")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,4]}}""", 4, "larger than any file")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}}""", 4, "99999999999999999999")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "inside the 3 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "inside the 4 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "1 bytes that no tensor holds")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "4 bytes that no tensor holds")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8,
        "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8,
        "two entries 'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}""", 4, "two fields 'shape'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}""", 4, "'extra'")]
    [InlineData("""{"__metadata__":{"k":1}}""", 0, "'k'")]
    [InlineData("""{"__metadata__":[]}""", 0, "Array")]
    [InlineData("""{"__metadata__":{"k":"a","k":"b"}}""", 0, "two entries 'k'")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "Unicode")]
    public void A_broken_file_is_one_clear_error(string header, int dataBytes, string expected)
    {
        string path = Write(header, dataBytes);
        if (header.Length == 0)
            File.WriteAllBytes(path, new byte[5]);
        var error = Assert.Throws<WeightFileException>(() => SafetensorsFile.Read(path));
        Assert.StartsWith(path, error.Message);
        Assert.Contains(expected, error.Message);
        Assert.Contains(";", error.Message);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(200_000_000UL)]
    [InlineData(3UL)]
    public void An_absurd_header_length_allocates_nothing(ulong length)
    {
        string path = Write("{}", 0, length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<WeightFileException>(() => SafetensorsFile.Read(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_truncated_file_is_refused_at_any_length()
    {
        string path = _folder.File("whole.safetensors"), cut = _folder.File("cut.safetensors");
        SafetensorsFile.Write(path, Named(("a", Tensor.Zeros([3, 2])), ("b", Tensor.Zeros([5], DType.UInt8))));
        byte[] bytes = File.ReadAllBytes(path);
        for (int length = 0; length < bytes.Length; length++)
        {
            File.WriteAllBytes(cut, bytes[..length]);
            Assert.Throws<WeightFileException>(() => SafetensorsFile.Read(cut));
        }
    }

    [Fact]
    public void A_mutated_file_loads_or_is_refused_and_nothing_else()
    {
        string path = _folder.File("whole.safetensors"), mutated = _folder.File("mutated.safetensors");
        SafetensorsFile.Write(path, Named(("a", Tensor.Zeros([3, 2])), ("b", Tensor.Zeros([5], DType.UInt8))),
            new Dictionary<string, string> { ["key"] = "value" });
        byte[] original = File.ReadAllBytes(path);
        var key = new RandomKey(5, 0, 0);
        int refused = 0;
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = [.. original];
            for (int change = 0; change <= round % 3; change++)
            {
                ulong element = (ulong)(round * 3 + change);
                bytes[key.Integer(element, bytes.Length - 29)] = (byte)key.Bits(element).B;
            }
            File.WriteAllBytes(mutated, bytes);
            try
            {
                using SafetensorsFile file = SafetensorsFile.Read(mutated);
                foreach (SafetensorsEntry entry in file.Entries)
                    Assert.Equal(entry.Shape, file.Load(entry.Name).Shape);
            }
            catch (WeightFileException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 500, 2000);
    }

    [Fact]
    public void Missing_files_tensors_and_types_are_named()
    {
        string path = Write("""{"i":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}}""", 4);
        using SafetensorsFile file = SafetensorsFile.Read(path);
        Assert.Contains("U32", Assert.Throws<WeightFileException>(() => file.Load("i")).Message);
        Assert.Contains("'j'", Assert.Throws<WeightFileException>(() => file.Load("j")).Message);
        Assert.False(file.Contains("j"));
        string absent = _folder.File("absent.safetensors");
        Assert.Contains("no such file", Assert.Throws<WeightFileException>(() => SafetensorsFile.Read(absent)).Message);
        Assert.Throws<WeightFileException>(() => SafetensorsFile.Read(_folder.Path));
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        string path = _folder.File("weights.safetensors");
        SafetensorsFile.Write(path, Named(("a", Tensor.From([1f], [1]))));
        var arena = new StepArena();
        Tensor ended;
        using (arena.BeginStep())
            ended = Tensor.Zeros([4]);
        Assert.Throws<InvalidOperationException>(() => SafetensorsFile.Write(path, Named(("a", Tensor.Zeros([9])), ("b", ended))));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
        using SafetensorsFile file = SafetensorsFile.Read(path);
        Assert.Equal(1, file.Load("a")[0]);
    }

    [Fact]
    public void A_target_that_cannot_be_written_is_named()
    {
        string folder = _folder.File("folder.safetensors");
        Directory.CreateDirectory(folder);
        foreach (string path in new[] { folder, Path.Combine(_folder.Path, "absent", "weights.safetensors") })
            Assert.StartsWith(path,
                Assert.Throws<WeightFileException>(() => SafetensorsFile.Write(path, Named(("a", Tensor.Zeros([1]))))).Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Names_are_used_once_and_metadata_is_not_one()
    {
        string path = _folder.File("names.safetensors");
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Write(path, Named(("a", Tensor.Zeros([1])), ("a", Tensor.Zeros([1])))));
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Write(path, Named(("__metadata__", Tensor.Zeros([1])))));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_reader_keeps_the_version_that_it_opened()
    {
        string path = _folder.File("weights.safetensors");
        SafetensorsFile.Write(path, Named(("a", Tensor.From([1f], [1]))));
        using SafetensorsFile old = SafetensorsFile.Read(path);
        SafetensorsFile.Write(path, Named(("a", Tensor.From([2f], [1]))));
        Assert.Equal(1, old.Load("a")[0]);
        using SafetensorsFile current = SafetensorsFile.Read(path);
        Assert.Equal(2, current.Load("a")[0]);
    }
}
