using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Verification;

namespace CsUnet.Tests.Autograd;

/// <summary>output = input weight^T + bias, computed by the engine, with gradients of its own.</summary>
internal sealed record PlantedLinear(LinearMistake Mistake) : Operator
{
    public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new Linear(), call[0], call[1], call[2]);

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        int n = call[1].Shape[0], rows = call[0].Shape.Rows;
        Tensor dInput = Tensor.ZerosLike(call[0]), dWeight = Tensor.ZerosLike(call[1]);
        Tensor dBias = gradients.Target(2, out bool accumulate);
        if (!accumulate || Mistake == LinearMistake.BiasOverwritten)
            dBias.Clear();
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < n; i++)
            {
                double g = dOutput[row * n + i];
                if (Mistake != LinearMistake.BiasOfLastRow || row == rows - 1)
                    dBias[i] += g;
                for (int j = 0; j < n; j++)
                {
                    dInput[row * n + j] += g * call[1][Mistake == LinearMistake.TransposedWeight ? j * n + i : i * n + j];
                    dWeight[i * n + j] += Mistake == LinearMistake.NegativeWeight ? -g * call[0][row * n + j] : g * call[0][row * n + j];
                }
            }
        }
        gradients.Give(0, dInput);
        gradients.Give(1, dWeight);
    }

    public static OperatorCase Case(LinearMistake mistake) => new(
        "(3,4)->4", new PlantedLinear(mistake), Exactness.Sums, new("input", [3, 4]), new OperatorInput("weight", [4, 4]),
        new OperatorInput("bias", [4]));
}
