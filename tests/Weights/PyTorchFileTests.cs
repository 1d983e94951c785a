using System.Diagnostics;
using System.IO.Compression;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Weights;

namespace CsUnet.Tests.Weights;

public sealed class PyTorchFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Data => Path.Combine(TestFiles.Golden, "..", "..", "Weights", "data");

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string> Sound() =>
        [.. Directory.EnumerateFiles(Data, "*.safetensors").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Theory]
    [MemberData(nameof(Sound))]
    public void Every_tensor_of_a_file_is_read_to_the_bit(string name)
    {
        using SafetensorsFile expected = SafetensorsFile.Read(Path.Combine(Data, name + ".safetensors"));
        using WeightFile file = WeightFile.Open(Path.Combine(Data, name));
        Assert.StartsWith("PyTorch", file.Format);
        Assert.Equal(expected.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal),
            file.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        foreach (WeightTensor tensor in file.Tensors)
        {
            Assert.Equal(expected.Entry(tensor.Name).DType, tensor.DType);
            Assert.Equal(expected.Entry(tensor.Name).Shape, tensor.Shape);
            Assert.Equal(expected.ReadBytes(tensor.Name), tensor.ReadBytes());
        }
    }

    [Fact]
    public void There_are_files_of_every_kind() => Assert.True(Sound().Count >= 13);

    [Theory]
    [InlineData("refuse_complex.pth", "complex")]
    [InlineData("refuse_os_system.pth", "posix.system")]
    [InlineData("refuse_os_system_legacy.pth", "posix.system")]
    [InlineData("refuse_quantized.pth", "quantised")]
    [InlineData("refuse_sparse.pth", "sparse")]
    [InlineData("refuse_torchscript.pt", "TorchScript")]
    [InlineData("refuse_whole_module.pt", "state dictionary")]
    public void What_is_no_plain_state_dictionary_is_refused_by_name(string name, string reason)
    {
        string path = Path.Combine(Data, name);
        WeightFileException failure = Assert.Throws<WeightFileException>(() => WeightFile.Open(path));
        Assert.StartsWith(path, failure.Message);
        Assert.Contains(reason, failure.Message);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void What_a_trainer_stores_beside_the_weights_is_metadata()
    {
        using WeightFile file = WeightFile.Open(Path.Combine(Data, "trainer_with_config.pth"));
        Assert.Equal("model", file.Root);
        Assert.NotEmpty(file.Metadata);
        Assert.All(file.Metadata.Keys, key => Assert.DoesNotContain("bn1", key));
    }

    [Fact]
    public void Views_of_one_storage_are_independent_tensors()
    {
        string path = _folder.File("views.pt");
        new Pickle().Op("}(").Text("rows").Tensor("0", 6, [2, 3], [3, 1]).Text("columns").Tensor("0", 6, [3, 2], [1, 3])
            .Text("last").Tensor("0", 6, [2], [1], offset: 4).Text("repeated").Tensor("0", 6, [2, 2], [0, 1]).Op("u")
            .Zip(path, ("0", [0, 1, 2, 3, 4, 5]));
        using WeightFile file = WeightFile.Open(path);
        Assert.Equal([0f, 1, 2, 3, 4, 5], file.Find("rows")!.Load().AsSpan<float>().ToArray());
        Assert.Equal([0f, 3, 1, 4, 2, 5], file.Find("columns")!.Load().AsSpan<float>().ToArray());
        Assert.Equal([4f, 5], file.Find("last")!.Load().AsSpan<float>().ToArray());
        Assert.Equal([0f, 1, 0, 1], file.Find("repeated")!.Load().AsSpan<float>().ToArray());
    }

    private static readonly Dictionary<string, (Func<Pickle> Pickle, string Reasons)> s_hostile = new()
    {
        ["beyond the storage"] = (() => new Pickle().Op("}(").Text("w").Tensor("0", 6, [2, 4], [4, 1]).Op("u"), "reaches to element"),
        ["more than the file"] = (() => new Pickle().Op("}(").Text("w").Tensor("0", 600, [600], [1]).Op("u"), "bytes, expected"),
        ["a huge repetition"] = (() => new Pickle().Op("}(").Text("w").Tensor("0", 6, [1 << 30, 6], [0, 1]).Op("u"), "repeats"),
        ["an overflow"] = (() => new Pickle().Op("}(").Text("w").Tensor("0", 6, [int.MaxValue, int.MaxValue, 9], [0, 0, 0]).Op("u"),
            "larger"),
        ["a missing storage"] = (() => new Pickle().Op("}(").Text("w").Tensor("7", 6, [6], [1]).Op("u"), "-1 bytes"),
        ["a negative size"] = (() => new Pickle().Op("}(").Text("w").Tensor("0", 6, [-6], [1]).Op("u"), "damaged"),
        ["a dictionary in itself"] = (() => new Pickle().Op("}q\u0001").Text("w").Op("h\u0001s"), "no tensor|nested"),
        ["a call"] = (() => new Pickle().Global("os", "system").Text("true").Op(0x85).Op("R"), "os.system"),
        ["builtins.eval"] = (() => new Pickle().Global("builtins", "eval").Text("1").Op(0x85).Op("R"), "builtins.eval"),
        ["a name from texts"] = (() => new Pickle().Text("os").Text("system").Op(0x93), "os.system"),
        ["a type called"] = (() => new Pickle().Global("torch", "FloatStorage").Op(")R"), "makes no data"),
        ["no tensor"] = (() => new Pickle().Op("}(").Text("epoch").Int(3).Op("u"), "no tensor"),
        ["an unknown instruction"] = (() => new Pickle().Op(0xFF), "0xFF"),
        ["a huge text"] = (() => new Pickle().Op("X").Op(0xFF, 0xFF, 0xFF, 0x7F), "not complete|ends too early"),
        ["an empty stack"] = (() => new Pickle().Op("s"), "did not find"),
        ["a memo never set"] = (() => new Pickle().Op("h\u0005"), "never set"),
        ["protocol 9"] = (() => new Pickle().Op(0x80, 9), "protocol 9"),
    };

    public static TheoryData<string> Hostile() => [.. s_hostile.Keys];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_files_are_refused_in_one_line(string kind)
    {
        (Func<Pickle> pickle, string reasons) = s_hostile[kind];
        string path = _folder.File("hostile.pt");
        pickle().Zip(path, ("0", [0, 1, 2, 3, 4, 5]));
        WeightFileException failure = Assert.Throws<WeightFileException>(() => WeightFile.Open(path));
        Assert.True(reasons.Split('|').Any(failure.Message.Contains), $"{kind}: {failure.Message}");
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void Copies_of_copies_do_not_exhaust_the_memory()
    {
        string path = _folder.File("bomb.pt");
        // A text that doubles with every call, and a dictionary that takes its own items as state.
        var texts = new Pickle().Text(new string('a', 1000)).Op("q\u0001");
        for (int i = 0; i < 60; i++)
            texts.Global("pathlib", "PosixPath").Op("h\u0001h\u0001").Op(0x86).Op("Rq\u0001");
        texts.Zip(path);
        Assert.Contains("copies more", Assert.Throws<WeightFileException>(() => WeightFile.Open(path)).Message);
        var states = new Pickle().Op("}q\u0001(").Text("a").Int(1).Op("u");
        for (int i = 0; i < 60; i++)
            states.Op("h\u0001b");
        states.Zip(path);
        Assert.Contains("copies more", Assert.Throws<WeightFileException>(() => WeightFile.Open(path)).Message);
    }

    [Fact]
    public void Lists_of_lists_do_not_take_for_ever()
    {
        string path = _folder.File("laughs.pt");
        var pickle = new Pickle().Op("]q\u0001");
        for (int i = 0; i < 40; i++)
            pickle.Op("](h\u0001h\u0001h\u0001eq\u0001");
        pickle.Zip(path);
        var watch = Stopwatch.StartNew();
        Assert.Throws<WeightFileException>(() => WeightFile.Open(path));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
    }

    [Fact]
    public void Damaged_archives_are_refused()
    {
        byte[] sound = File.ReadAllBytes(Path.Combine(Data, "zip.pth"));
        string path = _folder.File("damaged.pth");
        foreach (int length in new[] { 0, 3, 100, sound.Length / 2, sound.Length - 1 })
        {
            File.WriteAllBytes(path, sound[..length]);
            Assert.StartsWith(path, Assert.Throws<WeightFileException>(() => WeightFile.Open(path)).Message);
        }
        // A flipped bit of a storage: the archive's checksum finds it when the tensor is read.
        using (WeightFile file = WeightFile.Open(Path.Combine(Data, "zip.pth")))
        {
            byte[] bytes = file.Find("conv1.weight")!.ReadBytes();
            int at = sound.AsSpan().IndexOf(bytes);
            File.WriteAllBytes(path, [.. sound[..at], (byte)(sound[at] ^ 1), .. sound[(at + 1)..]]);
        }
        using WeightFile flipped = WeightFile.Open(path);
        Assert.Contains("checksum", Assert.Throws<WeightFileException>(() => flipped.Find("conv1.weight")!.ReadBytes()).Message);
    }

    [Fact]
    public void A_compressed_archive_is_refused()
    {
        string path = _folder.File("compressed.pt");
        using (var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create))
        {
            Pickle.Add(archive, "archive/data.pkl", new Pickle().Op("}(").Text("w").Tensor("0", 100000, [100000], [1]).Op("u").Bytes);
            Pickle.Add(archive, "archive/data/0", new byte[400000], CompressionLevel.Optimal);
        }
        Assert.Contains("compressed", Assert.Throws<WeightFileException>(() => WeightFile.Open(path)).Message);
    }

    [Fact]
    public void Mutated_files_give_tensors_or_one_line()
    {
        int tries = TestFiles.RunsAll ? 20_000 : 600, read = 0;
        string path = _folder.File("mutated.pth");
        byte[][] seeds = [.. Sound().Select(row => File.ReadAllBytes(Path.Combine(Data, row.Data)))];
        var random = new Random(1);
        for (int i = 0; i < tries; i++)
        {
            byte[] bytes = [.. seeds[i % seeds.Length]];
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                int at = random.Next(bytes.Length);
                bytes[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)(bytes[at] ^ 1 << random.Next(8));
            }
            File.WriteAllBytes(path, random.Next(8) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            try
            {
                using WeightFile file = WeightFile.Open(path);
                foreach (WeightTensor tensor in file.Tensors)
                    tensor.ReadBytes();
                read++;
            }
            catch (WeightFileException failure)
            {
                Assert.StartsWith(path, failure.Message);
                Assert.False(failure.Message.Any(char.IsControl), failure.Message);
            }
        }
        Assert.InRange(read, 1, tries - 1);
    }
}
