using System.Numerics;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Batch normalisation over all but the innermost dimension (Ioffe and Szegedy 2015). Inputs: input (..., C), weight (C), bias (C),
/// runningMean (C), runningVar (C). Training updates the running statistics in place; they have no gradient. output = (input - mean) * rstd
/// * weight + bias with rstd = 1 / sqrt(variance + Eps). Training uses the mean and biased variance of the batch, and sets running = (1 -
/// Momentum) * running + Momentum * batch, with the unbiased variance. Evaluation uses the running statistics.
/// Training: dInput = weight * rstd * (dOutput - mean(dOutput) - xhat * mean(dOutput * xhat)); eval: dInput = weight * rstd * dOutput.
/// dWeight = sum of dOutput * xhat, dBias = sum of dOutput. Saves mean and rstd. Memory-bound.
/// </summary>
/// <param name="Eps">Added to the variance.</param>
/// <param name="Momentum">Weight of the batch in the running statistics.</param>
/// <param name="Training">Whether to normalise with the batch's own statistics.</param>
public sealed record BatchNorm(double Eps = 1e-5, double Momentum = 0.1, bool Training = true) : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        Tensor input = call[0];
        Require(input.Shape.Rank >= 2 && input.DType.IsFloat(), "input", input, "a floating-point tensor (..., C)");
        string[] names = ["weight", "bias", "running mean", "running variance"];
        for (int i = 0; i < names.Length; i++)
        {
            Require(call[i + 1].Shape == new Shape(input.Shape.Last), names[i], call[i + 1].Shape,
                $"({input.Shape.Last}) = last dimension of input {input.Shape}");
            RequireParameterType(call, names[i], call[i + 1]);
        }
        Require(!Training || input.Shape.Rows > 1, "input", input.Shape, "more than one value per channel in training");
        return Tensor.EmptyLike(input);
    }

    private static (Tensor Mean, Tensor Rstd) SaveStatistics(OperatorCall call)
    {
        Tensor mean = Tensor.EmptyLike(call[1]), rstd = Tensor.EmptyLike(mean);
        call.Save(mean);
        call.Save(rstd);
        return (mean, rstd);
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        (Tensor mean, Tensor rstd) = SaveStatistics(call);
        Tensor scale = Tensor.EmptyLike(mean), shift = Tensor.EmptyLike(mean);
        Normaliser.Forward(
            this, call[0].Pointer<T>(), call[0].Shape.Rows, call[0].Shape.Last, call[1].Pointer<T>(), call[2].Pointer<T>(),
            call[3].Pointer<T>(), call[4].Pointer<T>(), mean.Pointer<T>(), rstd.Pointer<T>(), scale.Pointer<T>(), shift.Pointer<T>());
        ChannelNorm.Apply(call[0].Pointer<T>(), scale.Pointer<T>(), shift.Pointer<T>(), null, call.Output.Pointer<T>(),
            call[0].Shape.Rows, call[0].Shape.Last, relu: false);
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor coefficients = Normaliser.Backward<T>(
            this, call, gradients, call[0], output: null, dOutput, masked: null, weight: 1, bias: 2, call.Saved[0], call.Saved[1]);
        if (!call.Needs(0))
            return;
        int channels = call[0].Shape.Last;
        T* a = coefficients.Pointer<T>();
        ChannelNorm.BackwardInput(call[0].Pointer<T>(), null, dOutput.Pointer<T>(), a, a + channels, a + 2 * channels,
            gradients.Target(0, out bool accumulate).Pointer<T>(), call[0].Shape.Rows, channels, accumulate);
    }

    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        (Tensor mean, Tensor rstd) = SaveStatistics(call);
        Tensor scale = Tensor.EmptyLike(mean), shift = Tensor.EmptyLike(mean);
        CudaBatchNorm.Coefficients(this, call[0], [call[1], call[2], call[3], call[4]], [mean, rstd, scale, shift]);
        CudaBatchNorm.Apply(call[0], scale, shift, residual: null, call.Output, relu: false);
    }

    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor coefficients = CudaBatchNorm.Backward(
            this, call, gradients, call[0], ReLUMask.None, dOutput, weight: 1, bias: 2, call.Saved[0], call.Saved[1]);
        if (call.Needs(0))
            CudaBatchNorm.BackwardInput(call[0], dOutput, coefficients, gradients.Target(0, out bool accumulate), accumulate);
    }

    /// <summary>
    /// Shared by batch norm and the fused conv-batchnorm-ReLU: computes scale and shift from statistics, and coefficients from sums.
    /// </summary>
    internal static unsafe class Normaliser
    {
        /// <summary>
        /// Sets mean, rstd, scale = weight * rstd and shift = bias - mean * scale, and updates the running statistics in training.
        /// </summary>
        public static void Forward<T>(
            BatchNorm norm, T* x, long rows, int channels, T* weight, T* bias, T* runningMean, T* runningVariance,
            T* mean, T* rstd, T* scale, T* shift) where T : unmanaged, IFloatingPointIeee754<T>
        {
            double[] means = new double[channels], variances = new double[channels];
            if (norm.Training)
            {
                fixed (double* m = means, v = variances)
                    ChannelNorm.Statistics(x, rows, channels, m, v);
            }
            for (int c = 0; c < channels; c++)
            {
                if (norm.Training)
                {
                    double unbiased = variances[c] * rows / (rows - 1);
                    runningMean[c] = T.CreateChecked((1 - norm.Momentum) * double.CreateChecked(runningMean[c]) + norm.Momentum * means[c]);
                    runningVariance[c] =
                        T.CreateChecked((1 - norm.Momentum) * double.CreateChecked(runningVariance[c]) + norm.Momentum * unbiased);
                }
                else
                {
                    means[c] = double.CreateChecked(runningMean[c]);
                    variances[c] = double.CreateChecked(runningVariance[c]);
                }
                double r = 1 / Math.Sqrt(variances[c] + norm.Eps), s = double.CreateChecked(weight[c]) * r;
                mean[c] = T.CreateChecked(means[c]);
                rstd[c] = T.CreateChecked(r);
                scale[c] = T.CreateChecked(s);
                shift[c] = T.CreateChecked(double.CreateChecked(bias[c]) - means[c] * s);
            }
        }

        /// <summary>
        /// Writes the gradients of weight and bias, and returns (3, C): the coefficients a, b, d of
        /// <see cref="ChannelNorm.BackwardInput"/>.
        /// </summary>
        public static Tensor Backward<T>(
            BatchNorm norm, OperatorCall call, GradientSink gradients, Tensor x, Tensor? output, Tensor dOutput, Tensor? masked,
            int weight, int bias, Tensor mean, Tensor rstd) where T : unmanaged, IFloatingPointIeee754<T>
        {
            int channels = x.Shape.Last;
            long rows = x.Shape.Rows;
            double[] sumG = new double[channels], sumGX = new double[channels];
            fixed (double* g = sumG, gx = sumGX)
            {
                ChannelNorm.BackwardSums(
                    x.Pointer<T>(), output is null ? null : output.Pointer<T>(), dOutput.Pointer<T>(), mean.Pointer<T>(), rows, channels,
                    masked is null ? null : masked.Pointer<T>(), g, gx);
            }
            Tensor result = Tensor.Empty([3, channels], x.DType), parameters = Tensor.Empty([2, channels], DType.Float64);
            T* a = result.Pointer<T>();
            double* dWeight = parameters.Pointer<double>();
            for (int c = 0; c < channels; c++)
            {
                double r = double.CreateChecked(rstd.Pointer<T>()[c]), m = double.CreateChecked(mean.Pointer<T>()[c]);
                double scale = double.CreateChecked(call[weight].Pointer<T>()[c]) * r;
                double slope = norm.Training ? -scale * r * r * sumGX[c] / rows : 0;
                a[c] = T.CreateChecked(scale);
                a[channels + c] = T.CreateChecked(slope);
                a[2 * channels + c] = T.CreateChecked(norm.Training ? -scale * sumG[c] / rows - slope * m : 0);
                dWeight[c] = sumGX[c] * r;
                dWeight[channels + c] = sumG[c];
            }
            TensorMath.GiveRow(gradients, call, weight, parameters, 0, channels);
            TensorMath.GiveRow(gradients, call, bias, parameters, channels, channels);
            return result;
        }
    }
}
