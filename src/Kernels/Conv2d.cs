using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Convolution by plain loops. Inputs: input (B,H,W,C), weight (O,KH,KW,C/Groups), optional bias (O).</summary>
/// <param name="Stride">Step.</param>
/// <param name="Padding">Zeros around the image.</param>
/// <param name="Groups">Groups.</param>
public sealed record Conv2d(int Stride = 1, int Padding = 0, int Groups = 1) : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Shape x = call[0].Shape, w = call[1].Shape;
        Require(w.Rank == 4 && x.Rank == 4 && w[3] * Groups == x[3], "weight", w, $"(O, KH, KW, C/{Groups}) for input {x}");
        Tensor output = Tensor.Empty(
            [x[0], (x[1] + 2 * Padding - w[1]) / Stride + 1, (x[2] + 2 * Padding - w[2]) / Stride + 1, w[0]], call[0].DType);
        if (output.DType == DType.Float32) Each<float>(call, output, 0, null, null, null); else Each<double>(call, output, 0, null, null, null);
        return output;
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) => call.Output.Count * call[1].Count / call[1].Shape[0];

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor? dx = call.Needs(0) ? Tensor.ZerosLike(call[0]) : null, dw = call.Needs(1) ? Tensor.ZerosLike(call[1]) : null;
        Tensor? db = call.Needs(2) ? Tensor.ZerosLike(call[2]) : null;
        if (dOutput.DType == DType.Float32) Each<float>(call, dOutput, 1, dx, dw, db); else Each<double>(call, dOutput, 1, dx, dw, db);
        if (dx is not null) gradients.Give(0, dx);
        if (dw is not null) gradients.Give(1, dw);
        if (db is not null) gradients.Give(2, db);
    }

    private unsafe void Each<T>(OperatorCall call, Tensor output, int pass, Tensor? dx, Tensor? dw, Tensor? db)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Shape xs = call[0].Shape, ws = call[1].Shape, ys = output.Shape;
        int per = ws[0] / Groups, depth = ws[3];
        T* x = call[0].Pointer<T>(), w = call[1].Pointer<T>(), y = output.Pointer<T>();
        T* gx = dx is null ? null : dx.Pointer<T>(), gw = dw is null ? null : dw.Pointer<T>(), gb = db is null ? null : db.Pointer<T>();
        T* bias = call.Optional(2) is { } t ? t.Pointer<T>() : null;
        for (int b = 0; b < ys[0]; b++) for (int oy = 0; oy < ys[1]; oy++) for (int ox = 0; ox < ys[2]; ox++) for (int o = 0; o < ys[3]; o++)
        {
            long oi = (((long)b * ys[1] + oy) * ys[2] + ox) * ys[3] + o;
            T sum = bias == null ? T.Zero : bias[o], g = pass == 0 ? T.Zero : y[oi];
            if (gb != null) gb[o] += g;
            for (int ky = 0; ky < ws[1]; ky++) for (int kx = 0; kx < ws[2]; kx++)
            {
                int iy = oy * Stride + ky - Padding, ix = ox * Stride + kx - Padding;
                if ((uint)iy >= (uint)xs[1] || (uint)ix >= (uint)xs[2]) continue;
                long xi = (((long)b * xs[1] + iy) * xs[2] + ix) * xs[3] + o / per * depth, wi = (((long)o * ws[1] + ky) * ws[2] + kx) * depth;
                for (int c = 0; c < depth; c++)
                {
                    if (pass == 0) sum += x[xi + c] * w[wi + c];
                    else
                    {
                        if (gx != null) gx[xi + c] += g * w[wi + c];
                        if (gw != null) gw[wi + c] += g * x[xi + c];
                    }
                }
            }
            if (pass == 0) y[oi] = sum;
        }
    }
}
