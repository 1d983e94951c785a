using CsUnet.Cases;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Autograd;

/// <summary>Mistakes that are easily made in a backward pass.</summary>
public enum Mistake
{
    None,
    WrongSign,
    MissingFactor,
    IgnoredOutputGradient,
    DroppedAccumulation,
    OneWrongEntry,
    NotANumber,
    NoGradient,
    SizeOfBlock,
    OtherBits,
}

/// <summary>output = input^2 elementwise, with a mistake in dInput = 2 input dOutput.</summary>
internal sealed record PlantedSquare(Mistake Mistake) : Operator
{
    private static int s_calls;

    public override Tensor Forward(OperatorCall call)
    {
        Tensor output = Tensor.EmptyLike(call[0]);
        for (long i = 0; i < output.Count; i++)
            output[i] = call[0][i] * call[0][i];
        return output;
    }

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (Mistake == Mistake.NoGradient)
            return;
        Tensor dInput = gradients.Target(0, out bool accumulate);
        for (long i = 0; i < dInput.Count; i++)
        {
            double value = Mistake switch
            {
                Mistake.WrongSign => -2 * call[0][i] * dOutput[i],
                Mistake.MissingFactor => call[0][i] * dOutput[i],
                Mistake.IgnoredOutputGradient => 2 * call[0][i],
                Mistake.OneWrongEntry when i == 3 => 2.00001 * call[0][i] * dOutput[i],
                Mistake.NotANumber when i == 3 => double.NaN,
                // The size of the block of memory, which is the tensor's only if the tensor is all of it.
                Mistake.SizeOfBlock => 2 * call[0][i] * dOutput[i] * call[0].Bytes / call[0].Storage.Bytes,
                _ => 2 * call[0][i] * dOutput[i],
            };
            dInput[i] = accumulate && Mistake != Mistake.DroppedAccumulation ? dInput[i] + value : value;
        }
        // Sums in the order of whoever comes first look like this: other last bits every time.
        if (Mistake == Mistake.OtherBits && s_calls++ % 2 == 1)
            dInput[1] = double.BitIncrement(dInput[1]);
    }
}

/// <summary>Which gradient of <see cref="PlantedLinear"/> is wrong.</summary>
public enum LinearMistake
{
    None,
    NegativeWeight,
    TransposedWeight,
    BiasOfLastRow,
    BiasOverwritten,
}

/// <summary>output = input weight^T + bias as the engine computes it, with gradients of its own.</summary>
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
        "(3,4)->4", new PlantedLinear(mistake), Exactness.Sums, new("input", [3, 4]), new OperatorInput("weight", [4, 4]), new OperatorInput("bias", [4]));
}

/// <summary>Softmax whose dInput = output * dOutput forgets that the outputs sum to one.</summary>
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

/// <summary>A rectifier whose backward pass lets through where the output's gradient, not the input, is positive; or one that is off by one.</summary>
internal sealed record PlantedMask(bool IsShifted) : Operator
{
    public override Tensor Forward(OperatorCall call) => OperatorCall.Run(new ReLU(), call[0]);

    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dInput = dOutput.Clone();
        for (long i = 0; i < dInput.Count; i++)
            if ((IsShifted ? call[0][(i + 1) % dInput.Count] : dOutput[i]) <= 0)
                dInput[i] = 0;
        gradients.Give(0, dInput);
    }
}

/// <summary>input + input, that changes the gradient that it passes on: whoever else was passed it gets the changed one.</summary>
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
