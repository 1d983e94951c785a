using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CsUnet.Tensors;

namespace CsUnet.Kernels.Cpu;

/// <summary>The machine's peak arithmetic rate, to compare kernels with.</summary>
public static class FmaPeak
{
    /// <summary>
    /// The rate of independent fused multiply-adds with the widest float vectors on all threads, in GFLOP/s (two per element): the best of
    /// five runs of about 20 ms.
    /// </summary>
    public static double Measure()
    {
        const int Rounds = 1 << 20;
        int threads = Workers.Count;
        int lanes = Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;
        float[] results = new float[threads * 16];
        double best = 0;
        for (int run = 0; run < 5; run++)
        {
            long start = Stopwatch.GetTimestamp();
            long chunks = 0;
            // Run for 20 ms: a fixed number of rounds would be too short for one machine and too long for another.
            do
            {
                Workers.Run(threads, thread => results[thread * 16] = Vector512.IsHardwareAccelerated ? Wide(Rounds) : Narrow(Rounds));
                chunks += threads;
            }
            while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < 20);
            best = Math.Max(best, chunks * (double)Rounds * 12 * lanes * 2 / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
        }
        return best;
    }

    // Twelve chains keep two units with a latency of four or five busy.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Wide(int rounds)
    {
        Vector512<float> x = Vector512.Create(0.999f), y = Vector512.Create(0.001f);
        Vector512<float> s0 = y, s1 = y, s2 = y, s3 = y, s4 = y, s5 = y, s6 = y, s7 = y, s8 = y, s9 = y, sa = y, sb = y;
        for (int round = 0; round < rounds; round++)
        {
            s0 = Vector512.FusedMultiplyAdd(s0, x, y);
            s1 = Vector512.FusedMultiplyAdd(s1, x, y);
            s2 = Vector512.FusedMultiplyAdd(s2, x, y);
            s3 = Vector512.FusedMultiplyAdd(s3, x, y);
            s4 = Vector512.FusedMultiplyAdd(s4, x, y);
            s5 = Vector512.FusedMultiplyAdd(s5, x, y);
            s6 = Vector512.FusedMultiplyAdd(s6, x, y);
            s7 = Vector512.FusedMultiplyAdd(s7, x, y);
            s8 = Vector512.FusedMultiplyAdd(s8, x, y);
            s9 = Vector512.FusedMultiplyAdd(s9, x, y);
            sa = Vector512.FusedMultiplyAdd(sa, x, y);
            sb = Vector512.FusedMultiplyAdd(sb, x, y);
        }
        return Vector512.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + sa + sb);
    }

    // Twelve chains keep two units with a latency of four or five busy.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Narrow(int rounds)
    {
        Vector256<float> x = Vector256.Create(0.999f), y = Vector256.Create(0.001f);
        Vector256<float> s0 = y, s1 = y, s2 = y, s3 = y, s4 = y, s5 = y, s6 = y, s7 = y, s8 = y, s9 = y, sa = y, sb = y;
        for (int round = 0; round < rounds; round++)
        {
            s0 = Vector256.FusedMultiplyAdd(s0, x, y);
            s1 = Vector256.FusedMultiplyAdd(s1, x, y);
            s2 = Vector256.FusedMultiplyAdd(s2, x, y);
            s3 = Vector256.FusedMultiplyAdd(s3, x, y);
            s4 = Vector256.FusedMultiplyAdd(s4, x, y);
            s5 = Vector256.FusedMultiplyAdd(s5, x, y);
            s6 = Vector256.FusedMultiplyAdd(s6, x, y);
            s7 = Vector256.FusedMultiplyAdd(s7, x, y);
            s8 = Vector256.FusedMultiplyAdd(s8, x, y);
            s9 = Vector256.FusedMultiplyAdd(s9, x, y);
            sa = Vector256.FusedMultiplyAdd(sa, x, y);
            sb = Vector256.FusedMultiplyAdd(sb, x, y);
        }
        return Vector256.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + sa + sb);
    }
}
