using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Cli;

/// <summary>Remedies for errors of the engine, which does not know the program's options and commands.</summary>
internal static class Remedies
{
    /// <summary>The remedy in terms of the program; null if the error's own remedy is good enough.</summary>
    public static string? For(Exception failure) => failure switch
    {
        RunException { Fault: not RunFault.Other } run => For(run.Fault),
        RecordingException => "run it with --no-graph",
        DeviceUnavailableException => $"use --device cpu, or --device {DeviceSelection.Emulated} to check kernels",
        CudaLibraryException { Library: CudaLibrary.Driver } or CudaException { CudaError: CUResult.ErrorNoDevice } => "use --device cpu",
        OutOfMemoryException => "use a smaller --batch, --size or --model",
        _ => null,
    };

    private static string? For(RunFault fault) => fault switch
    {
        RunFault.NoFolder => $"give the folder of a run, or leave --run out for the newest one in {RunFolder.DefaultRoot}/",
        RunFault.NoRun => "give a folder that 'csunet train' made",
        RunFault.NoCheckpoint => "run 'csunet train' first, or give --run",
        RunFault.FolderTaken => "continue it with --resume, or give another --out",
        RunFault.FolderNotEmpty => "give another --out",
        RunFault.OtherData => "give the folder that holds them by --data, or start a new run with another --out",
        RunFault.FileLost => "restore it from a copy of the run, or start a new run with another --out",
        RunFault.FolderNotMade => "give another --out",
        RunFault.NotWritten => "check the free space, then go on with --resume",
        RunFault.NoEvaluation => "run 'csunet evaluate' again",
        _ => null,
    };
}
