using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Updates the parameters of a model by an <see cref="UpdateRule"/>: on the CPU one after the other, on a CUDA device all in one launch of
/// kernels/optimizer.cu. The table of addresses of that launch is kept from step to step, until a tensor is another.
/// </summary>
public sealed class ParameterUpdates
{
    private TensorTable? _table;

    /// <summary>Updates parameters.</summary>
    /// <param name="rule">The rule, with the settings of this step.</param>
    /// <param name="parameters">The parameters, on one device; on a CUDA device float32.</param>
    /// <param name="step">The number of this update, from 1.</param>
    /// <exception cref="ShapeException">A tensor does not match its parameter, or the parameters are on several devices.</exception>
    public void Run(UpdateRule rule, IReadOnlyList<UpdatedParameter> parameters, int step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        if (parameters.Count == 0)
            return;
        Device device = parameters[0].Value.Device;
        if (device.Kind == DeviceKind.Cuda)
        {
            float[] settings = rule.Settings(step);
            rule.Launch(Table(rule, parameters), Tensor.From(settings, [settings.Length]).To(device), null);
            return;
        }
        foreach (UpdatedParameter parameter in parameters)
            rule.Require(parameter, device);
        foreach (UpdatedParameter parameter in parameters)
            rule.UpdateOnCpu(parameter, step);
    }

    /// <summary>
    /// Enqueues the norm of all gradients, and the update with gradients clipped by that norm, on a CUDA device. Nothing is read back, so
    /// these launches can be recorded.
    /// </summary>
    /// <param name="rule">The rule.</param>
    /// <param name="parameters">The parameters, float32, on one CUDA device.</param>
    /// <param name="settings">The numbers of <see cref="UpdateRule.Settings"/> in device memory.</param>
    /// <param name="limit">The largest norm; 0: no limit.</param>
    /// <param name="norm">(2) float32: receives the norm before clipping, and the factor of the gradients.</param>
    /// <param name="notFinite">Four bytes: receives the number of elements that are not finite, an int.</param>
    /// <returns>What the launches read. A recording needs it as long as it runs.</returns>
    /// <exception cref="ShapeException">There is no parameter, or a tensor has another shape, type or device.</exception>
    public TensorTable Enqueue(
        UpdateRule rule, IReadOnlyList<UpdatedParameter> parameters, Tensor settings, double limit, Tensor norm, Tensor notFinite)
    {
        TensorTable table = Table(rule, parameters);
        GradientNorm.Enqueue(table, limit, norm, notFinite);
        rule.Launch(table, settings, limit > 0 ? norm.Slice(1, 1) : null);
        return table;
    }

    private TensorTable Table(UpdateRule rule, IReadOnlyList<UpdatedParameter> parameters)
    {
        foreach (UpdatedParameter parameter in parameters)
            rule.Require(parameter, parameters[0].Value.Device);
        return _table = _table?.Holds(parameters) == true ? _table : new TensorTable(parameters);
    }
}
