using System.Text.RegularExpressions;
using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Autograd;

/// <summary>The example of an operator of one's own in the documents: compiled here, and run.</summary>
public sealed partial class GradientCheckPageTests
{
    private const string Marker = $"<!-- compiled by {nameof(GradientCheckPageTests)} -->";

    private readonly List<string> _lines = [];

    // example
    public sealed record Swish : Operator
    {
        // output = x s, s = 1 / (1 + exp(-x))
        public override Tensor Forward(OperatorCall call)
        {
            Tensor output = Tensor.EmptyLike(call[0]);
            for (long i = 0; i < output.Count; i++)
                output[i] = call[0][i] / (1 + Math.Exp(-call[0][i]));
            return output;
        }

        // dInput = dOutput (s + output (1 - s))
        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
        {
            Tensor dInput = gradients.Target(0, out bool accumulate);
            for (long i = 0; i < dInput.Count; i++)
            {
                double s = 1 / (1 + Math.Exp(-call[0][i])), gradient = dOutput[i] * (s + call.Output[i] * (1 - s));
                dInput[i] = accumulate ? dInput[i] + gradient : gradient;
            }
        }
    }
    // end

    private void WriteLine(string line) => _lines.Add(line);

    [Fact]
    public void The_example_agrees()
    {
        // example
        var x = new Variable(Tensor.From([0.5, -1.0, 2.0], [1, 3]), requiresGradient: true, "x");
        GradientCheckResult result = GradientCheck.Run(new Swish(), [x]);
        WriteLine(result.Passed ? "agrees" : result.Failures);

        // Any function of variables, with the tolerance and the entries of your choice.
        result = GradientCheck.Run(
            v => Variable.Apply(new Add(), Variable.Apply(new Swish(), v[0]), v[0]), [x],
            new GradientCheckOptions { Tolerance = 1e-8, MaxEntries = 50 });
        foreach (ArgumentGradientCheck argument in result.Arguments)
            WriteLine($"{argument.Name}: {argument.Verdict}, worst {argument.Worst}");
        // end
        Assert.Equal("agrees", _lines[0]);
        Assert.StartsWith("x: Agrees, worst ", _lines[1]);
    }

    [Fact]
    public void The_example_in_the_documents_is_this_code()
    {
        string root = Path.Combine(TestFiles.Golden, "..", "..", "..");
        string source = File.ReadAllText(Path.Combine(root, "tests", "Autograd", $"{nameof(GradientCheckPageTests)}.cs"));
        string[] marked = [.. Directory.EnumerateFiles(root, "*.md").Concat(Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md"))
            .Select(File.ReadAllText).Where(text => text.Contains(Marker, StringComparison.Ordinal))];
        string document = Assert.Single(marked);
        string block = FirstBlock().Match(document[document.IndexOf(Marker, StringComparison.Ordinal)..]).Groups["code"].Value;
        string[] usings = [.. block.Split('\n').Where(line => line.StartsWith("using ", StringComparison.Ordinal))];
        Assert.NotEmpty(usings);
        Assert.All(usings, line => Assert.Contains($"{line}\n", source));
        // Breaks of lines and indentation may differ, nothing else.
        string written = string.Concat(block.Split('\n').Where(line => !usings.Contains(line)));
        string compiled = string.Concat(Examples().Matches(source).Select(match => match.Groups["code"].Value));
        Assert.Equal(Spaces().Replace(compiled, ""), Spaces().Replace(written, ""));
    }

    [GeneratedRegex(@"^```csharp\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex FirstBlock();

    [GeneratedRegex(@"^\s*// example\n(?<code>.*?)^\s*// end\n", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Examples();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
