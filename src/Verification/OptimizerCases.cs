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
        Tensor? mean = null, variance = null;
        Steps(golden, (parameter, gradient, step) => rule.Update(
            parameter, gradient, mean ??= Tensor.ZerosLike(parameter), variance ??= Tensor.ZerosLike(parameter), step));
    }

    public static void Sgd(GoldenCase golden)
    {
        var rule = new Sgd(golden.Number("lr"), golden.Number("momentum", 0), golden.Number("weight_decay", 0));
        Tensor? velocity = null;
        Steps(golden, (parameter, gradient, _) => rule.Update(parameter, gradient, velocity ??= Tensor.ZerosLike(parameter)));
    }

    private static void Steps(GoldenCase golden, Action<Tensor, Tensor, int> update)
    {
        golden.IsChannelsFirst = false;
        Tensor parameter = golden.Raw("in.p").Clone().To(golden.Device);
        for (int step = 0; golden.Has(string.Create(CultureInfo.InvariantCulture, $"in.grad{step}")); step++)
        {
            update(parameter, golden.Raw(string.Create(CultureInfo.InvariantCulture, $"in.grad{step}")).To(golden.Device), step + 1);
            golden.Check(string.Create(CultureInfo.InvariantCulture, $"out.p{step}"), parameter);
        }
    }
}
