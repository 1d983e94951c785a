using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Tests.Autograd;

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
                // Uses the size of the memory block, which is the size of the tensor only if the tensor fills the block.
                Mistake.SizeOfBlock => 2 * call[0][i] * dOutput[i] * call[0].Bytes / call[0].Storage.Bytes,
                _ => 2 * call[0][i] * dOutput[i],
            };
            dInput[i] = accumulate && Mistake != Mistake.DroppedAccumulation ? dInput[i] + value : value;
        }
        // Imitates sums in the order in which threads arrive: the last bits differ every time.
        if (Mistake == Mistake.OtherBits && s_calls++ % 2 == 1)
            dInput[1] = double.BitIncrement(dInput[1]);
    }
}
