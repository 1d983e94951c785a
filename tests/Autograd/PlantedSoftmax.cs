using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Autograd;

/// <summary>Softmax with dInput = output * dOutput, which forgets that the outputs sum to one.</summary>
internal sealed record PlantedSoftmax : Operator
{
    public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new Softmax(), call[0]);

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = dOutput.Clone();
        for (long i = 0; i < dInput.Count; i++)
            dInput[i] *= call.Output[i];
        gradients.Give(0, dInput);
    }
}
