using System.Text.RegularExpressions;
using CsUnet.Cuda;
using CsUnet.Kernels.Cuda;

namespace CsUnet.Tests.House;

/// <summary>Rules about native code and the text of CUDA kernels that no compiler checks.</summary>
public partial class KernelRulesTests
{
    public static TheoryData<string> KernelFiles => [.. KernelLibrary.Files];

    [Fact]
    public void Native_code_is_called_from_the_binding_only()
    {
        string root = TestFiles.RequireRoot();
        List<string> sources = [.. Directory.EnumerateFiles(Path.Combine(root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !Generated().IsMatch(file))];
        Assert.NotEmpty(sources);
        string binding = Path.Combine(root, "src", "Cuda") + Path.DirectorySeparatorChar;
        List<string> calling = [.. sources.Where(file => NativeCall().IsMatch(File.ReadAllText(file)))];
        Assert.NotEmpty(calling);
        Assert.All(calling, file =>
            Assert.True(file.StartsWith(binding, StringComparison.Ordinal), $"{file} calls native code; only src/Cuda may"));
    }

    [Theory, MemberData(nameof(KernelFiles))]
    public void Kernels_include_nothing_but_their_header(string file)
    {
        KernelSource source = KernelLibrary.Source(file);
        Assert.Equal(["#include \"common.cuh\""], Include().Matches(source.Text).Select(match => match.Value.Trim()));
        // The header includes the emulated device's own header, and nothing when NVRTC compiles it.
        Assert.All(source.Headers.Values, header => Assert.Equal(
            ["#include \"emulated_device.h\""], Include().Matches(header).Select(match => match.Value.Trim())));
    }

    [Theory, MemberData(nameof(KernelFiles))]
    public void Kernels_use_neither_double_nor_floating_point_atomics(string file)
    {
        KernelSource source = KernelLibrary.Source(file);
        foreach (string text in source.Headers.Values.Append(source.Text))
        {
            string code = Comment().Replace(text, "");
            Assert.DoesNotMatch(@"\bdouble[234]?\b", code);
            // Integer atomics give the same sum in any order, float atomics do not. The text alone does not reliably show the type of the
            // operand. Therefore an atomic must show that it is an integer one, by its cast or by the name of the function.
            foreach (Match match in Atomic().Matches(code))
                Assert.True(IntegerAtomic().IsMatch(code[match.Index..]), $"{file}: '{match.Value}' is not visibly an atomic of integers");
        }
    }

    [Theory]
    [InlineData("atomicAdd(&counts[i], 1u)", true)]
    [InlineData("atomicAdd(&sums[i], 1.0f)", false)]
    [InlineData("atomicAdd(sums + i, x)", false)]
    public void An_atomic_of_floats_is_recognised(string code, bool isAllowed) => Assert.Equal(isAllowed, IntegerAtomic().IsMatch(code));

    [GeneratedRegex(@"[\\/](bin|obj)[\\/]")]
    private static partial Regex Generated();

    [GeneratedRegex(@"\b(DllImport|LibraryImport|NativeLibrary|GetDelegateForFunctionPointer)\b|delegate\*\s*unmanaged")]
    private static partial Regex NativeCall();

    [GeneratedRegex(@"^\s*#\s*include.*$", RegexOptions.Multiline)]
    private static partial Regex Include();

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\batomic\w*\s*\(|\bred\.\w+|\batom\.\w+")]
    private static partial Regex Atomic();

    [GeneratedRegex(@"^atomic\w+\(&?[\w\[\] +\->.]+, (\d+u?(ll)?|static_cast<(int|unsigned|unsigned long long)>\(.*)\)")]
    private static partial Regex IntegerAtomic();
}
