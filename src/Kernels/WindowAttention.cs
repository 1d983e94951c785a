using CsUnet.Cuda.BasicTypes;
using CsUnet.Kernels.Cpu;
using CsUnet.Kernels.Cuda;
using CsUnet.Kernels.Shapes;
using CsUnet.Tensors;

namespace CsUnet.Kernels;

/// <summary>
/// Multi-head self-attention inside windows of a token grid, with relative position bias and, for shifted windows, a mask (Liu et al.,
/// "Swin Transformer", ICCV 2021). Inputs: qkv (B,H,W,3C), channels [q|k|v] of each [head][channel]; table ((2·Window-1)², Heads).
/// output (B,H,W,C): softmax(q·kᵀ/√d + bias + mask) · v, d = C / Heads. Every token keeps its position.
/// </summary>
/// <param name="Window">Rows and columns of a window; divides H and W.</param>
/// <param name="Heads">Heads; divides C.</param>
/// <param name="Shift">The cyclic shift of the grid, in tokens, up and to the left, before it is cut into windows.</param>
/// <remarks>
/// windows[b,wy,wx,iy,ix] = input[b,(wy·ws+iy+shift)%H,(wx·ws+ix+shift)%W]; the bias of query (iy,ix) and key (jy,jx) is
/// table[(iy-jy+ws-1)·(2ws-1) + (ix-jx+ws-1), head]. With a shift, the mask is -100 between tokens of a window that come from different
/// sides of the grid: the region of shifted row r is 0 below H-ws, 1 below H-shift, else 2; the same for columns. Windows, masks and scores
/// are never stored in memory.
/// </remarks>
public sealed record WindowAttention(int Window, int Heads, int Shift = 0) : Operator
{
    /// <inheritdoc />
    protected override Tensor Output(OperatorCall call)
    {
        AttentionShape shape = Shape(call);
        Tensor qkv = call[0];
        RequireParameterType(call, "bias table", call[1]);
        return Tensor.Empty(qkv.Shape.WithLast(shape.Channels), qkv.DType, qkv.Device);
    }

    /// <inheritdoc />
    protected override unsafe void Forward<T>(OperatorCall call)
    {
        T* qkv = call[0].Pointer<T>(), table = call[1].Pointer<T>(), output = call.Output.Pointer<T>();
        if (CpuVariants.IsReference(call))
            AttentionReference.Forward(Shape(call), qkv, table, output);
        else
            Attention.Forward(Shape(call), qkv, table, output, CpuVariants.IsNarrow(call));
    }

    /// <inheritdoc />
    protected override unsafe void Backward<T>(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        T* qkv = call[0].Pointer<T>(), table = call[1].Pointer<T>(), dy = dOutput.Pointer<T>(), dQkv = null, dTable = null;
        bool accumulateQkv = false, accumulateTable = false;
        if (call.Needs(0))
            dQkv = gradients.Target(0, out accumulateQkv).Pointer<T>();
        if (call.Needs(1))
            dTable = gradients.Target(1, out accumulateTable).Pointer<T>();
        if (CpuVariants.IsReference(call))
            AttentionReference.Backward(Shape(call), qkv, table, dy, dQkv, accumulateQkv, dTable, accumulateTable);
        else
            Attention.Backward(Shape(call), qkv, table, dy, dQkv, accumulateQkv, dTable, accumulateTable, CpuVariants.IsNarrow(call));
    }

    /// <inheritdoc />
    public override long MultiplyAdds(OperatorCall call) =>
        2 * (call[0].Count / 3) * Window * Window;

    private AttentionShape Shape(OperatorCall call)
    {
        Tensor qkv = call[0], table = call[1];
        Require(Window >= 1, "window", Window, "at least 1");
        Require(Heads >= 1, "heads", Heads, "at least 1");
        Require(Shift >= 0 && Shift < Window, "shift", Shift, $"0 to {Window - 1} for window {Window}");
        Require(qkv.Shape.Rank == 4 && qkv.DType.IsFloat(), "qkv", qkv, "a floating-point tensor (B,H,W,3C)");
        Require(qkv.Shape[3] % (3 * Heads) == 0, "qkv", qkv.Shape, $"(B,H,W,3C) with C a multiple of {Heads} heads");
        Require(qkv.Shape[1] % Window == 0 && qkv.Shape[2] % Window == 0, "qkv", qkv.Shape,
            $"H and W multiples of window {Window}; pad the tokens with zeros before the attention");
        int rows = (2 * Window - 1) * (2 * Window - 1);
        Require(table.Shape == new Shape(rows, Heads), "bias table", table.Shape,
            $"({rows},{Heads}) = ((2·{Window}-1)²,heads) for window {Window}");
        return new AttentionShape(qkv.Shape[0], qkv.Shape[1], qkv.Shape[2], qkv.Shape[3] / 3, Window, Heads, Shift);
    }

    // kernels/window_attention.cu: one block of 128 threads per window and head. Saves the log-sum-exp of every row of scores.
    /// <inheritdoc />
    protected override void CudaForward(OperatorCall call)
    {
        Tensor output = call.Output;
        if (!IsBlocked(call))
        {
            CudaForwardAny(call, output);
            return;
        }
        Tensor logSums = Tensor.Empty([Windows(call[0].Shape), Heads, Window * Window], DType.Float32, output.Device);
        call.Save(logSums);
        if (IsOnMatrixUnits(call))
        {
            CudaForwardOnMatrixUnits(call, output, logSums);
            return;
        }
        var launch = new CudaLaunch(output, "window_attention", $"window_attention_forward_{Window}");
        launch.Add(call[0], call[1], output, logSums);
        launch.Add(output.Shape[1], output.Shape[2], Heads, Shift);
        launch.Run(new dim3(Windows(call[0].Shape), Heads), new dim3(CudaThreads));
    }

    // kernels/window_attention_backward.cu: a block owns one head and strides over the windows; the tables of the blocks are added in
    // order.
    /// <inheritdoc />
    protected override void CudaBackward(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        if (!IsBlocked(call))
        {
            CudaBackwardAny(call, dOutput, gradients);
            return;
        }
        Tensor qkv = call[0];
        int tokens = (Window * Window + 3) / 4 * 4, positions = (2 * Window - 1) * (2 * Window - 1);
        bool onMatrixUnits = IsOnMatrixUnits(call);
        int slots = Slots(
            call, Windows(qkv.Shape), !onMatrixUnits ? s_blockedBackward : qkv.DType == DType.BFloat16 ? s_bf16Backward : s_tf32Backward);
        bool accumulate = false;
        Tensor dQkv = call.Needs(0) ? gradients.Target(0, out accumulate) : Tensor.EmptyLike(qkv);
        Tensor partials = Tensor.Empty([slots, Heads, positions], DType.Float32, qkv.Device);
        CudaLaunch launch = onMatrixUnits
            ? CudaLaunch.OnMatrices(call, qkv, "window_attention_tensor_core", $"window_attention_tensor_core_backward_{Window}")
            : new(qkv, "window_attention_backward", $"window_attention_backward_{Window}");
        launch.Add(qkv, call[1], call.Saved[0], dOutput, dQkv, partials);
        launch.Add(qkv.Shape[0], qkv.Shape[1], qkv.Shape[2], Heads, Shift);
        launch.Add(accumulate);
        if (onMatrixUnits)
        {
            int rows = (Window + 1) / 2 * 16;
            launch.Run(new dim3(slots, Heads), new dim3(CudaThreads), qkv.DType.Size() * (6 * 32 + 2 * (rows + 8)) * rows);
        }
        else
        {
            launch.Run(new dim3(slots, Heads), new dim3(CudaBackwardThreads),
                sizeof(float) * (4 * tokens * 36 + tokens * tokens + positions + 3 * tokens));
        }
        if (!call.Needs(1))
            return;
        Tensor dTable = gradients.Target(1, out bool accumulateTable);
        var total = new CudaLaunch(qkv, "window_attention_backward", "window_attention_backward_table", typed: false);
        total.Add(partials, dTable);
        total.Add(slots, Heads, positions);
        total.Add(accumulateTable);
        total.Run(new dim3(Ceiling.Divide(Heads * positions, CudaBackwardThreads)), new dim3(CudaBackwardThreads));
    }

    // kernels/window_attention_tensor_core.cu: a warp owns one head and strides over the windows.
    private void CudaForwardOnMatrixUnits(OperatorCall call, Tensor output, Tensor logSums)
    {
        CudaLaunch launch = CudaLaunch.OnMatrices(
            call, output, "window_attention_tensor_core", $"window_attention_tensor_core_forward_{Window}");
        launch.Add(call[0], call[1], output, logSums);
        launch.Add(output.Shape[0], output.Shape[1], output.Shape[2], Heads, Shift);
        int warps = CudaThreads / 32;
        launch.Run(new dim3(Slots(call, Ceiling.Divide(Windows(output.Shape), warps), s_matrixForward), Heads), new dim3(CudaThreads));
    }

    /// <summary>Blocks per head: as many as there is work for, but over all heads at most the given number per multiprocessor.</summary>
    private int Slots(OperatorCall call, int most, LaunchParameter blocks) =>
        Math.Min(most, Math.Max(1, call.Parameter(blocks) * call[0].CudaDevice.Properties.MultiProcessorCount / Heads));

    private const int CudaThreads = 128, CudaBackwardThreads = 256;
    private const string MatrixUnits = "matrix_units", Blocked = "blocked", Any = "any";

    // The backward pass and, on the matrix units, the forward pass share one parameter name; their defaults differ.
    private static readonly LaunchParameter s_matrixForward = new("blocks_per_multiprocessor", [2, 3, 4, 8], Usual: 8);
    private static readonly LaunchParameter s_bf16Backward = s_matrixForward with { Usual = 3 };
    private static readonly LaunchParameter s_tf32Backward = s_matrixForward with { Usual = 2 };
    private static readonly LaunchParameter s_blockedBackward = new("blocks_per_multiprocessor", [1, 2, 3, 4], Usual: 2);

    /// <inheritdoc />
    public override IReadOnlyList<KernelVariant> Variants(DeviceKind device) => device == DeviceKind.Cpu ? s_cpuVariants : s_cudaVariants;

    private static readonly IReadOnlyList<KernelVariant> s_cpuVariants = CpuVariants.Of(
        CpuVariants.Blocked, "a window and head in one core's caches, scores made again in the backward pass", choosesVectors: true);

    private static readonly IReadOnlyList<KernelVariant> s_cudaVariants =
    [
        new(MatrixUnits, "bfloat16 and tf32, a window and head on the matrix units, scores made again in the backward pass; windows up to "
            + "8, 32 channels a head",
            s_matrixForward),
        new(Blocked, "a window and head in shared memory, scores made again in the backward pass; windows up to 8, 32 channels a head",
            s_blockedBackward),
        new(Any, "probabilities in memory; any window and head"),
    ];

    private int Windows(Shape shape) => shape[0] * (shape[1] / Window) * (shape[2] / Window);

    /// <summary>Whether the kernels for windows up to 8 and heads of 32 channels, as in Swin, support this call.</summary>
    private bool IsBlocked(OperatorCall call)
    {
        bool fits = Window <= 8 && call[0].Shape[3] == 96 * Heads;
        if (!fits && call.Choice?.Variant is { } variant && variant != Any)
            throw new VariantNotTakenException(Name, variant,
                $"windows up to 8 and heads of 32 channels, not window {Window} and heads of {call[0].Shape[3] / 3 / Heads}");
        return fits && call.Choice?.Variant != Any;
    }

    /// <summary>Whether a call that fits runs on the matrix units, which need bfloat16, or float32 rounded to tf32.</summary>
    private bool IsOnMatrixUnits(OperatorCall call)
    {
        bool fits = CudaLaunch.MatrixType(call, call[0], Name) != "float32";
        if (!fits && call.Choice?.Variant == MatrixUnits)
            throw new VariantNotTakenException(Name, MatrixUnits,
                "bfloat16 tensors, or float32 ones in a precision of tf32, not float32 alone");
        return fits && call.Choice?.Variant != Blocked;
    }

    // kernels/window_attention_any.cu: any window and head size; stores the probabilities in memory.
    private void CudaForwardAny(OperatorCall call, Tensor output)
    {
        int tokens = Window * Window;
        Tensor probabilities = Tensor.Empty([Windows(call[0].Shape), Heads, tokens, tokens], DType.Float32, output.Device);
        call.Save(probabilities);
        var launch = new CudaLaunch(output, "window_attention_any", "window_attention_any_forward");
        launch.Add(call[0], call[1], output, probabilities);
        launch.Add(output.Shape[1], output.Shape[2], Window, Heads, output.Shape[3] / Heads, Shift);
        launch.Run(new dim3(Windows(call[0].Shape), Heads), new dim3(CudaThreads));
    }

    private void CudaBackwardAny(OperatorCall call, Tensor dOutput, GradientSink gradients)
    {
        Tensor qkv = call[0], probabilities = call.Saved[0], dScores = Tensor.EmptyLike(probabilities);
        int windows = Windows(qkv.Shape), positions = (2 * Window - 1) * (2 * Window - 1);
        bool accumulate = false;
        Tensor dQkv = call.Needs(0) ? gradients.Target(0, out accumulate) : Tensor.EmptyLike(qkv);
        var launch = new CudaLaunch(qkv, "window_attention_any", "window_attention_any_backward");
        launch.Add(qkv, probabilities, dOutput, dScores, dQkv);
        launch.Add(qkv.Shape[1], qkv.Shape[2], Window, Heads, dOutput.Shape[3] / Heads, Shift);
        launch.Add(accumulate);
        launch.Run(new dim3(windows, Heads), new dim3(CudaThreads));
        if (!call.Needs(1))
            return;
        Tensor dTable = gradients.Target(1, out bool accumulateTable);
        var total = new CudaLaunch(qkv, "window_attention_any", "window_attention_any_backward_table", typed: false);
        total.Add(dScores, dTable);
        total.Add(windows, Window, Heads);
        total.Add(accumulateTable);
        total.Run(new dim3(Ceiling.Divide(Heads * positions, CudaThreads)), new dim3(CudaThreads));
    }
}
