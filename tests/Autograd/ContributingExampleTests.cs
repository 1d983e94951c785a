using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;
using Xunit;

namespace CsUnet.Tests.Autograd;

/// <summary>The example of CONTRIBUTING.md, "Check your own operator or function": compiled here, and run.</summary>
public sealed class ContributingExampleTests
{
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

    private static IEnumerable<string> Run()
    {
        var x = new Variable(Tensor.From([0.5, -1.0, 2.0], [1, 3]), requiresGradient: true, "x");
        GradientCheckResult result = GradientCheck.Run(new Swish(), [x]);
        yield return result.Passed ? "agrees" : result.Failures;

        // Any function of variables, with the tolerance and the entries of your choice.
        result = GradientCheck.Run(
            v => Variable.Apply(new Add(), Variable.Apply(new Swish(), v[0]), v[0]), [x], new GradientCheckOptions { Tolerance = 1e-8, MaxEntries = 50 });
        foreach (ArgumentGradientCheck argument in result.Arguments)
            yield return $"{argument.Name}: {argument.Verdict}, worst {argument.Worst}";
    }

    [Fact]
    public void The_example_agrees()
    {
        string[] lines = [.. Run()];
        Assert.Equal("agrees", lines[0]);
        Assert.StartsWith("x: Agrees, worst ", lines[1]);
    }

    [Fact]
    public void The_example_in_the_text_is_this_code()
    {
        string[] example = Lines(Contributing.Example("Swish"));
        string[] source = Lines(File.ReadAllText(Path.Combine(Contributing.Root, "tests", "Autograd", $"{nameof(ContributingExampleTests)}.cs"))
            .Replace("yield return ", "WriteLine(", StringComparison.Ordinal));
        Assert.True(example.Length > 20, "the example has been cut");
        int place = 0;
        foreach (string line in example)
        {
            int found = Array.FindIndex(source, place, candidate => candidate == line || candidate.TrimEnd(';') + ");" == line);
            Assert.True(found >= 0, $"CONTRIBUTING.md has a line that the compiled example lacks, or has elsewhere: {line}");
            place = found + 1;
        }

        static string[] Lines(string block) => [.. block.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];
    }
}
