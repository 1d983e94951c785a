using System.Text;
using CsUnet.Cuda.NVRTC;

namespace CsUnet.Cuda;

/// <summary>The GPUs of this machine, the driver and NVRTC, or the reasons why they are missing.</summary>
public sealed class DeviceList
{
    private DeviceList(string? driverFile, Version? driverVersion, string? driverProblem, IReadOnlyList<CudaDeviceProperties> devices,
        string? nvrtcFile, Version? nvrtcVersion, string? nvrtcProblem)
    {
        (DriverFile, DriverVersion, DriverProblem, Devices) = (driverFile, driverVersion, driverProblem, devices);
        (NvrtcFile, NvrtcVersion, NvrtcProblem) = (nvrtcFile, nvrtcVersion, nvrtcProblem);
    }

    /// <summary>The driver's library; null if none was loaded.</summary>
    public string? DriverFile { get; }

    /// <summary>The CUDA version that the driver supports; null if there is no working driver.</summary>
    public Version? DriverVersion { get; }

    /// <summary>Why no GPU was found; null if one was.</summary>
    public string? DriverProblem { get; }

    /// <summary>The GPUs, in the driver's order.</summary>
    public IReadOnlyList<CudaDeviceProperties> Devices { get; }

    /// <summary>NVRTC's library; null if none was loaded.</summary>
    public string? NvrtcFile { get; }

    /// <summary>The version of NVRTC; null if it was not found.</summary>
    public Version? NvrtcVersion { get; }

    /// <summary>Why kernels cannot be compiled; null if they can.</summary>
    public string? NvrtcProblem { get; }

    /// <summary>Queries the driver and NVRTC. Does not throw if something is missing; the result says so.</summary>
    public static DeviceList Read()
    {
        var devices = new List<CudaDeviceProperties>();
        Version? driverVersion = null, nvrtcVersion = null;
        string? driverProblem = null, nvrtcProblem = null;
        try
        {
            int count = CudaContext.GetDeviceCount();
            driverVersion = CudaContext.GetDriverVersion();
            for (int device = 0; device < count; device++)
                devices.Add(CudaContext.GetDeviceInfo(device));
            if (count == 0)
                driverProblem = "The driver found no GPU.";
        }
        catch (CudaException failure)
        {
            driverProblem = failure.Message;
        }
        try
        {
            nvrtcVersion = CudaRuntimeCompiler.GetVersion();
            CudaRuntimeCompiler.RequireVersion();
        }
        catch (CudaException failure)
        {
            nvrtcProblem = failure.Message;
        }
        return new DeviceList(CudaLibraries.LoadedPath(CudaLibrary.Driver), driverVersion, driverProblem, devices,
            CudaLibraries.LoadedPath(CudaLibrary.Nvrtc), nvrtcVersion, nvrtcProblem);
    }

    /// <summary>Why a device cannot be used; null if it can.</summary>
    public static string? Problem(CudaDeviceProperties device) => device.Architecture >= KernelArchitecture.Minimum ? null
        : $"compute capability {device.ComputeCapability} is too old: the kernels need " +
            $"{KernelArchitecture.Minimum / 10}.{KernelArchitecture.Minimum % 10} or newer";

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (CudaDeviceProperties device in Devices)
        {
            text.Append($"cuda:{device.DeviceId}  {device.DeviceName}, compute capability {device.ComputeCapability}, " +
                $"{(ulong)device.TotalGlobalMemory / 1048576} MiB, ")
                .Append($"{device.MultiProcessorCount} multiprocessors, {device.MaxSharedMemoryPerBlockOptin / 1024} KiB shared memory " +
                    $"per block, ")
                .Append($"L2 {device.L2CacheSize / 1048576} MiB");
            if (Problem(device) is { } problem)
                text.Append($" ({problem})");
            text.AppendLine();
        }
        text.AppendLine(DriverProblem is null ? $"driver  CUDA {DriverVersion} ({DriverFile})" : $"no GPU: {DriverProblem}");
        text.Append(NvrtcProblem is null ? $"NVRTC  {NvrtcVersion} ({NvrtcFile})" : $"no kernels can be compiled: {NvrtcProblem}");
        return text.ToString();
    }
}
