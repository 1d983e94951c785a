using System.Runtime.CompilerServices;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Cuda.Blas;
using CsUnet.Cuda.Dnn;
using CsUnet.Cuda.NVRTC;

namespace CsUnet.Cuda;

/// <summary>
/// The text of a call and its arguments. It is formatted only if the call failed, so a successful launch allocates nothing for its message.
/// </summary>
[InterpolatedStringHandler]
internal ref struct CallText
{
    private DefaultInterpolatedStringHandler _text;

    public CallText(int literalLength, int formattedCount, CUResult result, out bool shouldAppend)
        : this(literalLength, formattedCount, shouldAppend = result != CUResult.Success) { }

    public CallText(int literalLength, int formattedCount, nvrtcResult result, out bool shouldAppend)
        : this(literalLength, formattedCount, shouldAppend = result != nvrtcResult.Success) { }

    public CallText(int literalLength, int formattedCount, CublasStatus result, out bool shouldAppend)
        : this(literalLength, formattedCount, shouldAppend = result != CublasStatus.Success) { }

    public CallText(int literalLength, int formattedCount, cudnnStatus result, out bool shouldAppend)
        : this(literalLength, formattedCount, shouldAppend = result != cudnnStatus.Success) { }

    private CallText(int literalLength, int formattedCount, bool failed)
        => _text = failed ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

    internal string ToStringAndClear() => _text.ToStringAndClear();
}
