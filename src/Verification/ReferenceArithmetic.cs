using CsUnet.Autograd;
using CsUnet.Kernels;
using CsUnet.Tensors;

namespace CsUnet.Verification;

/// <summary>
/// The reference arithmetic of a precision: double on the CPU, with the operands of matrix products rounded to the precision and, for bf16,
/// also the tensors and gradients stored between operators. Its error is the smallest that the precision allows.
/// </summary>
internal sealed class ReferenceArithmetic
{
    private readonly Precision _precision;
    private readonly Rounded _stored, _operand, _gradient;

    /// <summary>The arithmetic of a precision.</summary>
    public ReferenceArithmetic(Precision precision)
    {
        _precision = precision;
        (_stored, _operand, _gradient) = (new Rounded(this, true, true), new Rounded(this, true, false), new Rounded(this, false, true));
    }

    /// <summary>A tensor rounded to the operand type of the precision's matrix units.</summary>
    public Tensor Round(Tensor tensor) => Round(tensor, Round);

    /// <summary>A tensor rounded to float32, in which every precision stores parameters and their gradients.</summary>
    public static Tensor RoundToFloat32(Tensor tensor) => Round(tensor, value => (float)value);

    /// <summary>Applies an operator; a fused convolution and batch norm in parts, because it stores the tensor between them.</summary>
    public Variable ApplyInParts(Operator op, params Variable?[] inputs) => (_precision, op) switch
    {
        (Precision.Bf16, ConvBatchNormReLU fused) => ApplyInParts(fused, inputs),
        (Precision.Bf16, ConvBatchNormChain chain) => ApplyInParts(chain, inputs),
        _ => Variable.Apply(op, inputs),
    };

    /// <summary>
    /// Applies an operator of a network in double and rounds inputs, output and gradients as the precision does.
    /// </summary>
    public Variable ApplyInNetwork(Operator op, Variable?[] inputs) =>
        _precision == Precision.Bf16 ? ApplyStored(op, inputs) : ApplyOnOperands(op, inputs);

    // bf16 rounds all stored tensors, and weights used as operands. Images, the leaves with a name, are float32.
    private Variable ApplyStored(Operator op, Variable?[] inputs)
    {
        Variable?[] stored = [.. inputs.Select((input, i) =>
            input is not null && IsWeight(op, i) ? Variable.Apply(_operand, input)
            : input is { RequiresGradient: true, Name: not null } and not Parameter ? Variable.Apply(_stored, input)
            : input)];
        return Variable.Apply(_stored, ApplyInParts(op, stored));
    }

    // tf32 rounds the operands of products, including gradients in the backward pass, but not the terms added to products.
    private Variable ApplyOnOperands(Operator op, Variable?[] inputs)
    {
        if (!inputs.Where((_, i) => IsWeight(op, i)).Any())
            return Variable.Apply(op, inputs);
        int residual = op switch { Linear => 3, GeluMlp => 1, _ => -1 };
        Variable?[] operands = [.. inputs.Select((input, i) =>
            input is null || i == residual ? null : i == 0 || IsWeight(op, i) ? Variable.Apply(_operand, input) : input)];
        if (op is ConvBatchNormReLU fused)
            return ApplyInParts(fused, _gradient, operands);
        Variable product = Variable.Apply(_gradient, Variable.Apply(op, operands));
        return inputs.ElementAtOrDefault(residual) is { } added ? Variable.Apply(new Add(), product, added) : product;
    }

    private static bool IsWeight(Operator op, int input) => op switch
    {
        Linear or Conv2d or ConvBatchNormReLU => input == 1,
        GeluMlp => input >= 2 && input % 2 == 0,
        ConvBatchNormChain => input % 5 == 1,
        _ => false,
    };

    private Variable ApplyInParts(ConvBatchNormReLU op, Variable?[] inputs) => ApplyInParts(op, _stored, inputs);

    private static Variable ApplyInParts(ConvBatchNormReLU op, Rounded between, Variable?[] inputs)
    {
        Variable convolved = Variable.Apply(between, Variable.Apply(new Conv2d(op.Stride, op.Padding, op.Groups), inputs[0], inputs[1]));
        Variable output = Variable.Apply(new BatchNorm(op.Eps, op.Momentum, op.Training), [convolved, .. inputs[2..6]]);
        if (inputs[6] is { } residual)
            output = Variable.Apply(new Add(), output, residual);
        return op.ReLU ? Variable.Apply(new Activation(ActivationKind.ReLU), output) : output;
    }

    private Variable ApplyInParts(ConvBatchNormChain op, Variable?[] inputs)
    {
        Variable x = Variable.Apply(_stored, ApplyInParts(op.First, [.. inputs[..6], null]));
        if (op.Third is null)
            return ApplyInParts(op.Second, [x, .. inputs[6..]]);
        x = Variable.Apply(_stored, ApplyInParts(op.Second, [x, .. inputs[6..11], null]));
        return ApplyInParts(op.Third, [x, .. inputs[11..]]);
    }

    private static Tensor Round(Tensor tensor, Func<double, double> round)
    {
        Tensor result = Tensor.EmptyLike(tensor);
        for (long i = 0; i < tensor.Count; i++)
            result[i] = round(tensor[i]);
        return result;
    }

    private double Round(double value) => _precision switch
    {
        Precision.Bf16 => (float)(BFloat16)value,
        // Ten bits of fraction, ties away from zero, as cvt.rna.tf32.f32.
        Precision.Tf32 => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((float)value) + 0x1000 & ~0x1FFFu),
        _ => (float)value,
    };

    /// <summary>The identity, rounding the value, its gradient, or both.</summary>
    private sealed record Rounded(ReferenceArithmetic Arithmetic, bool Value, bool Gradient) : Operator
    {
        public override Tensor Forward(OperatorCall call) => Value ? Arithmetic.Round(call[0]) : call[0].Clone();

        public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
        {
            if (Gradient)
                gradients.Give(0, Arithmetic.Round(dOutput));
            else
                gradients.Pass(0, dOutput);
        }
    }
}
