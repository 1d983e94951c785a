using System.Runtime.InteropServices;
using System.Text;
using CsUnet.Cuda.Native;

namespace CsUnet.Cuda.NVRTC;

/// <summary>
/// Compiles CUDA C++ at run time with NVRTC. Needs neither a device nor a toolkit, only the NVRTC library (11.8 to 13). An object serves
/// one thread at a time; several objects may compile in parallel.
/// </summary>
public sealed unsafe class CudaRuntimeCompiler : IDisposable
{
    /// <summary>The oldest NVRTC that the kernels compile with.</summary>
    public static readonly Version MinimumVersion = new(11, 8);

    private readonly string _name;
    private nint _program;
    private bool _compiled;

    /// <summary>Creates a program without headers.</summary>
    /// <param name="src">The source.</param>
    /// <param name="name">The file name for messages and <c>__FILE__</c>.</param>
    public CudaRuntimeCompiler(string src, string name) : this(src, name, [], []) { }

    /// <summary>Creates a program.</summary>
    /// <param name="src">The source.</param>
    /// <param name="name">The file name for messages and <c>__FILE__</c>.</param>
    /// <param name="headers">The text of each header.</param>
    /// <param name="includeNames">The name by which the source includes it.</param>
    /// <exception cref="CudaLibraryException">NVRTC was not found.</exception>
    public CudaRuntimeCompiler(string src, string name, string[] headers, string[] includeNames)
    {
        if (headers.Length != includeNames.Length)
            throw new ArgumentException($"CudaRuntimeCompiler({name}): {headers.Length} headers, but {includeNames.Length} include names.");
        CudaLibraries.Load(CudaLibrary.Nvrtc);
        _name = name;
        using var texts = new NativeStrings(headers);
        using var names = new NativeStrings(includeNames);
        nint program = 0;
        Nvrtc.Check(NvrtcNative.nvrtcCreateProgram(&program, src, name, headers.Length, texts.Pointers, names.Pointers),
            $"nvrtcCreateProgram({name}, {headers.Length} headers)");
        _program = program;
    }

    /// <summary>The version of NVRTC.</summary>
    /// <exception cref="CudaLibraryException">NVRTC was not found.</exception>
    public static Version GetVersion()
    {
        CudaLibraries.Load(CudaLibrary.Nvrtc);
        int major = 0, minor = 0;
        Nvrtc.Check(NvrtcNative.nvrtcVersion(&major, &minor), $"nvrtcVersion()");
        return new Version(major, minor);
    }

    /// <summary>Checks that NVRTC is new enough for the kernels.</summary>
    /// <exception cref="CudaException">It is older than <see cref="MinimumVersion"/>.</exception>
    public static void RequireVersion()
    {
        Version version = GetVersion();
        if (version < MinimumVersion)
        {
            throw new CudaException($"NVRTC {version} ({CudaLibraries.LoadedPath(CudaLibrary.Nvrtc)}) is too old: the kernels need " +
                $"{MinimumVersion} or newer. " +
                $"Install a newer one, or name its file in {LibraryLoader.EnvironmentVariable(CudaLibrary.Nvrtc)}.");
        }
    }

    /// <summary>The architectures that this NVRTC supports, ascending, as in <c>sm_80</c>: 80.</summary>
    public static int[] GetSupportedArchs()
    {
        CudaLibraries.Load(CudaLibrary.Nvrtc);
        int count = 0;
        Nvrtc.Check(NvrtcNative.nvrtcGetNumSupportedArchs(&count), $"nvrtcGetNumSupportedArchs()");
        var architectures = new int[count];
        fixed (int* start = architectures)
            Nvrtc.Check(NvrtcNative.nvrtcGetSupportedArchs(start), $"nvrtcGetSupportedArchs(count={count})");
        Array.Sort(architectures);
        return architectures;
    }

    /// <summary>Requests a kernel's lowered name. Call it before compiling; it also instantiates a template.</summary>
    /// <param name="nameExpression">Such as <c>gemm&lt;64, 64&gt;</c> or <c>&amp;gemm&lt;64, 64&gt;</c>.</param>
    public void AddNameExpression(string nameExpression)
        => Nvrtc.Check(NvrtcNative.nvrtcAddNameExpression(Program(), nameExpression), $"nvrtcAddNameExpression({_name}, {nameExpression})");

    /// <summary>Compiles.</summary>
    /// <param name="options">Such as <c>--gpu-architecture=sm_90</c> (a cubin) or <c>compute_90</c> (PTX only).</param>
    /// <exception cref="NVRTCException">The source does not compile; the message holds the log.</exception>
    public void Compile(string[] options)
    {
        using var texts = new NativeStrings(options);
        nvrtcResult result = NvrtcNative.nvrtcCompileProgram(Program(), options.Length, texts.Pointers);
        _compiled = true;
        if (result != nvrtcResult.Success)
            throw new NVRTCException(result, $"nvrtcCompileProgram({_name}, {string.Join(' ', options)})",
                $"{Nvrtc.Describe(result)}\n{GetLogAsString().TrimEnd()}");
    }

    /// <summary>The compiler's log: errors, warnings, and with <c>--ptxas-options=-v</c> registers and memory per kernel.</summary>
    public string GetLogAsString()
    {
        nuint bytes = 0;
        Nvrtc.Check(NvrtcNative.nvrtcGetProgramLogSize(Program(), &bytes), $"nvrtcGetProgramLogSize({_name})");
        var log = new byte[Math.Max(1, (long)bytes)];
        fixed (byte* start = log)
            Nvrtc.Check(NvrtcNative.nvrtcGetProgramLog(Program(), start), $"nvrtcGetProgramLog({_name})");
        return Encoding.UTF8.GetString(log).TrimEnd('\0');
    }

    /// <summary>The compiled PTX text, which ends with a zero.</summary>
    public byte[] GetPTX()
    {
        nuint bytes = 0;
        Nvrtc.Check(NvrtcNative.nvrtcGetPTXSize(Compiled(), &bytes), $"nvrtcGetPTXSize({_name})");
        var ptx = new byte[(long)bytes];
        fixed (byte* start = ptx)
            Nvrtc.Check(NvrtcNative.nvrtcGetPTX(Compiled(), start), $"nvrtcGetPTX({_name})");
        return ptx;
    }

    /// <summary>The compiled PTX.</summary>
    public string GetPTXAsString() => Encoding.UTF8.GetString(GetPTX()).TrimEnd('\0');

    /// <summary>The compiled machine code. Empty if the architecture was a <c>compute_</c> one.</summary>
    public byte[] GetCubin()
    {
        nuint bytes = 0;
        Nvrtc.Check(NvrtcNative.nvrtcGetCUBINSize(Compiled(), &bytes), $"nvrtcGetCUBINSize({_name})");
        var cubin = new byte[(long)bytes];
        if (cubin.Length > 0)
        {
            fixed (byte* start = cubin)
                Nvrtc.Check(NvrtcNative.nvrtcGetCUBIN(Compiled(), start), $"nvrtcGetCUBIN({_name})");
        }
        return cubin;
    }

    /// <summary>The lowered name: a kernel's name in the module.</summary>
    /// <param name="nameExpression">As given to <see cref="AddNameExpression"/>.</param>
    public string GetLoweredName(string nameExpression)
    {
        byte* name = null;
        Nvrtc.Check(NvrtcNative.nvrtcGetLoweredName(Compiled(), nameExpression, &name), $"nvrtcGetLoweredName({_name}, {nameExpression})");
        return Marshal.PtrToStringUTF8((nint)name)!;
    }

    /// <summary>Frees the program.</summary>
    public void Dispose()
    {
        nint program = Interlocked.Exchange(ref _program, 0);
        if (program != 0)
            Nvrtc.Check(NvrtcNative.nvrtcDestroyProgram(&program), $"nvrtcDestroyProgram({_name})");
    }

    private nint Program()
    {
        ObjectDisposedException.ThrowIf(_program == 0, this);
        return _program;
    }

    private nint Compiled() => _compiled ? Program()
        : throw new InvalidOperationException($"CudaRuntimeCompiler({_name}): call Compile first.");

    /// <summary>An array of C strings.</summary>
    private readonly ref struct NativeStrings
    {
        private readonly int _count;

        internal NativeStrings(string[] strings)
        {
            _count = strings.Length;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)Math.Max(1, strings.Length), (nuint)sizeof(byte*));
            for (int i = 0; i < strings.Length; i++)
                Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        }

        internal byte** Pointers { get; }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++)
                Marshal.FreeCoTaskMem((nint)Pointers[i]);
            NativeMemory.Free(Pointers);
        }
    }
}
