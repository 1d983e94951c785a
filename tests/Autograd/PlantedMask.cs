using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Autograd;

/// <summary>
/// A ReLU with a wrong backward pass: its mask is the sign of the output's gradient instead of the input's, or is shifted by one element.
/// </summary>
internal sealed record PlantedMask(bool IsShifted) : Operator
{
    public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new Activation(ActivationKind.ReLU), call[0]);

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = dOutput.Clone();
        for (long i = 0; i < dInput.Count; i++)
            if ((IsShifted ? call[0][(i + 1) % dInput.Count] : dOutput[i]) <= 0)
                dInput[i] = 0;
        gradients.Give(0, dInput);
    }
}
