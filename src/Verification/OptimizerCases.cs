using System.Globalization;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// Golden cases of the optimisers: a parameter <c>in.p</c>, gradients <c>in.grad0</c>, ..., and the parameter after each step.
/// </summary>
internal static class OptimizerCases
{
    public static void AdamW(GoldenCase golden)
    {
        var rule = new AdamW(
            golden.Number("lr"), golden.Number("beta1", 0.9), golden.Number("beta2", 0.999), golden.Number("eps", 1e-8),
            golden.Number("weight_decay"));
        Steps(golden, rule, states: 2);
    }

    public static void Sgd(GoldenCase golden) =>
        Steps(golden, new Sgd(golden.Number("lr"), golden.Number("momentum", 0), golden.Number("weight_decay", 0)), states: 1);

    private static void Steps(GoldenCase golden, UpdateRule rule, int states)
    {
        golden.IsChannelsFirst = false;
        Tensor parameter = golden.Raw("in.p").Clone().To(golden.Device);
        Tensor[] state = [.. Enumerable.Range(0, states).Select(_ => Tensor.ZerosLike(parameter))];
        for (int step = 0; golden.Has(string.Create(CultureInfo.InvariantCulture, $"in.grad{step}")); step++)
        {
            Tensor gradient = golden.Raw(string.Create(CultureInfo.InvariantCulture, $"in.grad{step}")).To(golden.Device);
            rule.Update(new UpdatedParameter(parameter, gradient, state), step + 1);
            golden.Check(string.Create(CultureInfo.InvariantCulture, $"out.p{step}"), parameter);
        }
    }
}
