using CsUnet.Autograd;
using CsUnet.Cuda;
using CsUnet.Kernels;
using CsUnet.Nn;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using Conv2d = CsUnet.Kernels.Conv2d;
using LayerNorm = CsUnet.Kernels.LayerNorm;
using Linear = CsUnet.Kernels.Linear;

namespace CsUnet.Tests.Lab;

/// <summary>Which variant runs: the forced, the stored or the usual one.</summary>
[Collection(KernelSettings.Name)]
public sealed class KernelChoiceTests
{
    private static readonly Linear s_op = new();

    private static readonly Tensor[] s_inputs =
        [Numbers.Random([7, 40], DType.Float32, 1), Numbers.Random([9, 40], DType.Float32, 2), Numbers.Random([9], DType.Float32, 3)];

    private static OperatorCall Call() => new(s_op, [.. s_inputs]);

    [Fact]
    public void Tests_do_not_read_what_a_user_has_tuned() => Assert.False(Directory.Exists(KernelChoices.Folder), KernelChoices.Folder);

    [Fact]
    public void Nothing_forced_or_stored_allocates_nothing()
    {
        using var tuning = new TuningFolder();
        OperatorCall call = Call();
        Assert.Null(KernelChoices.For(call));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Assert.Null(KernelChoices.For(call));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_stored_choice_is_used_without_forcing_until_its_file_is_deleted()
    {
        using var tuning = new TuningFolder();
        Tensor usual = OperatorCall.Run(s_op, s_inputs), reference;
        using (KernelChoices.Force(new KernelChoice("reference")))
            reference = OperatorCall.Run(s_op, s_inputs);
        Assert.NotEqual(Bits(usual), Bits(reference));

        KernelChoices.Store(Device.Cpu, s_op, s_inputs, new KernelChoice("reference"));
        Assert.Equal(Bits(reference), Bits(OperatorCall.Run(s_op, s_inputs)));
        KernelChoices.Reload();
        Assert.Equal(Bits(reference), Bits(OperatorCall.Run(s_op, s_inputs)));
        // Other shapes and types use the usual variant.
        Assert.Null(KernelChoices.For(new OperatorCall(s_op, [s_inputs[0].Slice(0, 6), .. s_inputs[1..]])));
        Assert.Null(KernelChoices.For(new OperatorCall(s_op, [.. s_inputs.Select(input => input.To(DType.Float64))])));

        File.Delete(KernelChoices.PathOf(Device.Cpu));
        KernelChoices.Reload();
        Assert.Equal(Bits(usual), Bits(OperatorCall.Run(s_op, s_inputs)));
    }

    [Fact]
    public void A_network_uses_the_stored_choices_of_its_layers()
    {
        using var tuning = new TuningFolder();
        var model = new TinyModel();
        model.Initialize(3);
        model.Eval();
        var images = new Variable(Numbers.Random([1, 32, 32, 3], DType.Float32, 4));
        byte[] usual = Bits(model.Forward(images).Value), reference;
        using (KernelChoices.Force(new KernelChoice("reference")))
            reference = Bits(model.Forward(images).Value);
        Assert.NotEqual(usual, reference);
        KernelChoices.Store(Device.Cpu, new Linear(), [Tensor.Zeros([1024, 8]), Tensor.Zeros([3, 8]), Tensor.Zeros([3])],
            new KernelChoice("reference"));
        Assert.NotEqual(reference, Bits(model.Forward(images).Value));
        KernelChoices.Store(Device.Cpu, new Conv2d(1, 1), [images.Value, Tensor.Zeros([8, 3, 3, 3]), Tensor.Zeros([8])],
            new KernelChoice("reference"));
        Assert.Equal(reference, Bits(model.Forward(images).Value));
        Assert.Equal(reference, Bits(model.Forward(images).Value));
    }

    [Fact]
    public void What_another_process_has_stored_stays()
    {
        using var tuning = new TuningFolder();
        Assert.Null(KernelChoices.For(Call()));
        string key = KernelChoices.Key(Call());
        Write(key, new KernelChoice("blocked", new Dictionary<string, int> { ["vector_bits"] = 256 }));
        KernelChoices.Store(Device.Cpu, new LayerNorm(), [s_inputs[0], Tensor.Zeros([40]), Tensor.Zeros([40])],
            new KernelChoice("vectors"));
        Assert.Equal("blocked vector_bits=256", KernelChoices.For(Call())?.ToString());
    }

    [Theory]
    [InlineData("", "not a file")]
    [InlineData("null", "not a file")]
    [InlineData("[1]", "not a file")]
    [InlineData("""{ "a": { "variant": "blocked" } }""", "not a file")]
    [InlineData("""{ "choices": { "a": { "variant": "blocked" } } }""", "not a file")]
    [InlineData("""{ "sha256": 1, "choices": { "a": { "variant": "blocked" } } }""", "not a file")]
    [InlineData("""{ "sha256": "", "choices": { "a": 1 } }""", "not a file")]
    [InlineData("""{ "sha256": "", "choices": { "a": {} } }""", "not a file")]
    [InlineData("""{ "sha256": "", "choices": { "a": { "variant": 3 } } }""", "not a file")]
    [InlineData("""{ "sha256": "", "choices": { "a": { "variant": "blocked", "vector_bits": "many" } } }""", "not a file")]
    [InlineData("""{ "sha256": "", "choices": { "a": { "variant": "blocked", "vector_bits": 1e99 } } }""", "not a file")]
    [InlineData("""{ "sha256": "", "choices": { "a": { "variant": "b" }, "a": { "variant": "b" } } }""", "not a file")]
    [InlineData("""{ "sha256": "00", "choices": { "a": { "variant": "blocked" } } }""", "its checksum is another")]
    public void A_damaged_file_is_named_and_passed_over(string text, string part)
    {
        using var tuning = new TuningFolder();
        string path = KernelChoices.PathOf(Device.Cpu);
        File.WriteAllText(path, text);
        string note = Assert.Single(Notes(() => Assert.Null(KernelChoices.For(Call()))));
        Assert.StartsWith($"{path} is passed over: ", note);
        Assert.Contains(part, note);
        Assert.Contains("delete it", note);
        // The next search replaces it.
        KernelChoices.Store(Device.Cpu, s_op, s_inputs, new KernelChoice("reference"));
        KernelChoices.Reload();
        Assert.Equal("reference", KernelChoices.For(Call())?.Variant);
    }

    [Fact]
    public void A_stored_value_that_was_changed_is_not_used()
    {
        using var tuning = new TuningFolder();
        KernelChoices.Store(Device.Cpu, s_op, s_inputs, new KernelChoice("blocked", new Dictionary<string, int> { ["vector_bits"] = 256 }));
        string path = KernelChoices.PathOf(Device.Cpu), text = File.ReadAllText(path);
        // The layout of the text does not matter.
        File.WriteAllText(path, text.Replace("\n", "\n\n", StringComparison.Ordinal));
        KernelChoices.Reload();
        Assert.NotNull(KernelChoices.For(Call()));
        File.WriteAllText(path, text.Replace("256", "128", StringComparison.Ordinal));
        KernelChoices.Reload();
        Assert.Contains("checksum", Assert.Single(Notes(() => Assert.Null(KernelChoices.For(Call())))));
    }

    [Fact]
    public void A_folder_that_others_may_write_is_passed_over()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Skipped: modes of folders are not Windows'");
        using var tuning = new TuningFolder();
        KernelChoices.Store(Device.Cpu, s_op, s_inputs, new KernelChoice("reference"));
#pragma warning disable CA1416 // not on Windows
        File.SetUnixFileMode(tuning.Path, (UnixFileMode)Convert.ToInt32("777", 8));
#pragma warning restore CA1416
        KernelChoices.Reload();
        Assert.Contains($"others may write to {tuning.Path}", Assert.Single(Notes(() => Assert.Null(KernelChoices.For(Call())))));
        Assert.Contains("CSUNET_TUNING", Assert.Throws<IOException>(() => KernelChoices.PathOf(Device.Cpu)).Message);
    }

    [Theory]
    [InlineData("gone", null, 0)]
    [InlineData("blocked", "vector_bits", 4096)]
    [InlineData("blocked", "stages", 2)]
    public void A_choice_that_is_not_to_be_had_here_is_passed_over(string variant, string? name, int value)
    {
        using var tuning = new TuningFolder();
        var values = new Dictionary<string, int>();
        if (name is not null)
            values[name] = value;
        Write(KernelChoices.Key(Call()), new KernelChoice(variant, values));
        Assert.Empty(Notes(() => Assert.Null(KernelChoices.For(Call()))));
    }

    private static void Write(string key, KernelChoice choice) => File.WriteAllBytes(KernelChoices.PathOf(Device.Cpu),
        KernelChoiceText.Compose(new Dictionary<string, KernelChoice> { [key] = choice }));

    private static List<string> Notes(Action action)
    {
        var notes = new List<string>();
        UserCache.Noted += notes.Add;
        try
        {
            action();
        }
        finally
        {
            UserCache.Noted -= notes.Add;
        }
        return notes;
    }

    private static byte[] Bits(Tensor tensor)
    {
        unsafe
        {
            byte[] bytes = new ReadOnlySpan<byte>(tensor.RawPointer, checked((int)tensor.Bytes)).ToArray();
            Numbers.KeepAlive(tensor);
            return bytes;
        }
    }
}
