using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Tests.Support;
using CsUnet.Verification;

namespace CsUnet.Tests.Kernels;

/// <summary>Every CPU variant gives the result of the plain loops in double.</summary>
public sealed class CpuVariantTests
{
    private static IEnumerable<OperatorCase> WithVariants => OperatorCases.All.Where(item => item.Op.Variants(DeviceKind.Cpu).Count > 0);

    public static TheoryData<string> Cases() => [.. WithVariants.Select(item => item.Name)];

    [Fact]
    public void The_operators_of_products_and_row_norms_have_them()
    {
        Assert.Equal(
            ["Conv2d", "LayerNorm", "Linear", "PatchMergeNorm", "PixelShuffleNorm", "WindowAttention"],
            WithVariants.Select(item => item.Op.Name).Distinct().Order());
        foreach (Operator op in WithVariants.Select(item => item.Op))
        {
            Assert.Same(op.Variants(DeviceKind.Cpu), op.Variants(DeviceKind.Cpu));
            Assert.Same(op.Variants(DeviceKind.Cuda), op.Variants(DeviceKind.Cuda));
            Assert.Equal(op is RowNormOperator ? ["vectors", "reference"] : new[] { "blocked", "reference" },
                op.Variants(DeviceKind.Cpu).Select(variant => variant.Name));
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_choice_gives_the_result_of_the_plain_loops(string name)
    {
        OperatorCase item = OperatorCases.All.Single(item => item.Name == name);
        foreach (bool accumulate in new[] { false, true })
        {
            IReadOnlyList<Tensor> expected = Run(item, new KernelChoice("reference"), DType.Float64, accumulate);
            foreach (KernelChoice choice in item.Op.Variants(DeviceKind.Cpu).SelectMany(variant => variant.Space()))
                foreach (DType type in new[] { DType.Float32, DType.Float64 })
                {
                    IReadOnlyList<Tensor> got = Run(item, choice, type, accumulate);
                    for (int i = 0; i < expected.Count; i++)
                    {
                        Comparison comparison = Comparison.Of(
                            $"{choice} {type.Label()} {(i == 0 ? "output" : $"gradient {i - 1}")}{(accumulate ? " added" : "")}", got[i],
                            expected[i], type == DType.Float64 ? 1e-12 : Tolerances.Float32(item.Exactness));
                        Assert.True(comparison.IsWithin, comparison.ToString());
                    }
                }
        }
    }

    [Fact]
    public void Vectors_that_the_machine_has_not_are_refused()
    {
        var choice = new KernelChoice("blocked", new Dictionary<string, int> { ["vector_bits"] = 4096 });
        foreach (OperatorCase item in WithVariants.Where(item => item.Op is not RowNormOperator).DistinctBy(item => item.Op.Name))
        {
            string message = Assert.Throws<VariantNotTakenException>(() => Run(item, choice, DType.Float32, accumulate: false)).Message;
            Assert.StartsWith($"{item.Op.Name}: variant blocked vector_bits=4096 supports only vectors of ", message);
        }
    }

    /// <summary>Output and gradients of all inputs. With <paramref name="accumulate"/>, gradients are added to ones.</summary>
    private static IReadOnlyList<Tensor> Run(OperatorCase item, KernelChoice choice, DType type, bool accumulate)
    {
        Tensor?[] inputs = [.. item.CreateInputs(type).Select(input => input?.Value)];
        using KernelChoices.Forced forced = KernelChoices.Force(choice);
        Shape output = OperatorCall.Run(item.Op, inputs).Shape;
        (Tensor got, PlainSink gradients) = PlainSink.Run(item.Op, inputs, OperatorCase.CreateCotangent(output, type), accumulate);
        return [got, .. Enumerable.Range(0, inputs.Length).Where(i => inputs[i] is not null).Select(i => gradients[i])];
    }
}
