using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Autograd;

/// <summary>input + input. Modifies the gradient that it passes on, so other receivers of the same gradient see the change.</summary>
internal sealed record PlantedPass : Operator
{
    public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new Add(), call[0], call[1]);

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        gradients.Pass(0, dOutput);
        for (long i = 0; i < dOutput.Count; i++)
            dOutput[i] *= 0.5;
        gradients.Pass(1, dOutput);
    }
}
