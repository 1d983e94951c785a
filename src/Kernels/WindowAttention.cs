using System.Numerics;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>Window attention by plain loops. Inputs: qkv (B,H,W,3C), table ((2w-1)^2, Heads).</summary>
/// <param name="Window">Side.</param>
/// <param name="Heads">Heads.</param>
/// <param name="Shift">Cyclic shift.</param>
public sealed record WindowAttention(int Window, int Heads, int Shift = 0) : Operator
{
    /// <inheritdoc />
    public override Tensor Forward(OperatorCall call)
    {
        Shape x = call[0].Shape;
        Require(x[1] % Window == 0 && x[2] % Window == 0, "input", x, $"H and W multiples of {Window}");
        Tensor output = Tensor.Empty(x.WithLast(x[3] / 3), call[0].DType);
        if (output.DType == DType.Float32) Each<float>(call, output, null, null); else Each<double>(call, output, null, null);
        return output;
    }

    /// <inheritdoc />
    public override void Backward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor dq = Tensor.ZerosLike(call[0]), dt = Tensor.ZerosLike(call[1]);
        if (dOutput.DType == DType.Float32) Each<float>(call, dOutput, dq, dt); else Each<double>(call, dOutput, dq, dt);
        if (call.Needs(0)) gradients.Give(0, dq);
        if (call.Needs(1)) gradients.Give(1, dt);
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) => 2 * call.Output.Count * Window * Window;

    private unsafe void Each<T>(OperatorCall call, Tensor output, Tensor? dqkv, Tensor? dtable) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int H = output.Shape[1], W = output.Shape[2], C = output.Shape[3], d = C / Heads, ws = Window, n = ws * ws;
        T* x = call[0].Pointer<T>(), t = call[1].Pointer<T>(), y = output.Pointer<T>();
        T* gx = dqkv is null ? null : dqkv.Pointer<T>(), gt = dtable is null ? null : dtable.Pointer<T>();
        T scale = T.One / T.Sqrt(T.CreateChecked(d));
        var p = new T[n]; var dp = new T[n]; var pos = new long[n]; var region = new int[n];
        int Region(int r, int size) => r < size - ws ? 0 : r < size - Shift ? 1 : 2;
        for (int b = 0; b < output.Shape[0]; b++) for (int wy = 0; wy < H / ws; wy++) for (int wx = 0; wx < W / ws; wx++)
        {
            for (int i = 0; i < n; i++)
            {
                int ry = wy * ws + i / ws, rx = wx * ws + i % ws;
                pos[i] = ((long)b * H + (ry + Shift) % H) * W + (rx + Shift) % W;
                region[i] = Shift == 0 ? 0 : 3 * Region(ry, H) + Region(rx, W);
            }
            for (int h = 0; h < Heads; h++) for (int i = 0; i < n; i++)
            {
                T* q = x + pos[i] * 3 * C + h * d; T max = T.NegativeInfinity;
                int Rel(int j) => (i / ws - j / ws + ws - 1) * (2 * ws - 1) + i % ws - j % ws + ws - 1;
                for (int j = 0; j < n; j++)
                {
                    T* k = x + pos[j] * 3 * C + C + h * d; T s = T.Zero;
                    for (int c = 0; c < d; c++) s += q[c] * k[c];
                    s = s * scale + t[Rel(j) * Heads + h] + (region[i] == region[j] ? T.Zero : T.CreateChecked(-100));
                    p[j] = s; max = T.Max(max, s);
                }
                T sum = T.Zero;
                for (int j = 0; j < n; j++) sum += p[j] = T.Exp(p[j] - max);
                for (int j = 0; j < n; j++) p[j] /= sum;
                T* o = y + pos[i] * C + h * d;
                if (gx == null)
                {
                    for (int c = 0; c < d; c++) o[c] = T.Zero;
                    for (int j = 0; j < n; j++) { T* v = x + pos[j] * 3 * C + 2 * C + h * d; for (int c = 0; c < d; c++) o[c] += p[j] * v[c]; }
                    continue;
                }
                T dot = T.Zero;
                for (int j = 0; j < n; j++)
                {
                    T* v = x + pos[j] * 3 * C + 2 * C + h * d, gv = gx + pos[j] * 3 * C + 2 * C + h * d; T s = T.Zero;
                    for (int c = 0; c < d; c++) { s += o[c] * v[c]; gv[c] += p[j] * o[c]; }
                    dp[j] = s; dot += s * p[j];
                }
                for (int j = 0; j < n; j++)
                {
                    T ds = p[j] * (dp[j] - dot); gt[Rel(j) * Heads + h] += ds;
                    T* k = x + pos[j] * 3 * C + C + h * d, gk = gx + pos[j] * 3 * C + C + h * d, gq = gx + pos[i] * 3 * C + h * d;
                    for (int c = 0; c < d; c++) { gq[c] += ds * scale * k[c]; gk[c] += ds * scale * q[c]; }
                }
            }
        }
    }
}
