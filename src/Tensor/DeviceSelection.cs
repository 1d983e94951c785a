using System.Globalization;
using CsUnet.Cuda;

namespace CsUnet.Tensors;

/// <summary>The device that a name stands for, ready to be used.</summary>
/// <param name="Device">The device.</param>
/// <param name="Description">What it is, in words: <c>cpu</c>, or a GPU's name.</param>
public sealed record DeviceSelection(Device Device, string Description)
{
    /// <summary>Whether the CPU was taken because no GPU can be used.</summary>
    public bool IsFallback { get; init; }

    /// <summary>The emulator's name.</summary>
    public const string Emulated = "cuda:emulated";

    /// <summary>
    /// Finds and opens a device. The names are <c>cpu</c>; <c>cuda</c> or <c>cuda:N</c>; <c>cuda:emulated</c>, which builds the emulator on
    /// first use; and <c>auto</c>, which is the first usable GPU, or the CPU if no GPU is usable. A process has one driver, so it
    /// uses either the emulator or GPUs.
    /// </summary>
    /// <exception cref="InvalidValueException">The name is none of these.</exception>
    /// <exception cref="DeviceUnavailableException">The GPU cannot be used; the message says why.</exception>
    /// <exception cref="CudaException">The emulator cannot be built or loaded.</exception>
    public static DeviceSelection Open(string name)
    {
        if (name == "cpu")
            return new DeviceSelection(Device.Cpu, "cpu");
        if (name == "auto")
            return Automatic();
        if (name == Emulated)
        {
            CudaLibraries.UseEmulator(EmulatorBuild.Library);
            return new DeviceSelection(Device.Cuda, $"{Emulated} (CUDA kernels executed on the CPU)");
        }
        if (name == "cuda")
            return Gpu(0);
        if (name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int index))
            return Gpu(index);
        throw new InvalidValueException(nameof(name), $"device '{name}' is not known", $"auto, cpu, cuda, cuda:N or {Emulated}");
    }

    private static DeviceSelection Automatic()
    {
        DeviceList list = DeviceList.Read();
        CudaDeviceProperties? usable = list.NvrtcProblem is null && list.DriverProblem is null
            ? list.Devices.FirstOrDefault(device => DeviceList.Problem(device) is null)
            : null;
        return usable is null ? new DeviceSelection(Device.Cpu, "cpu (no GPU can be used)") { IsFallback = true } : Gpu(usable.DeviceId);
    }

    private static DeviceSelection Gpu(int index)
    {
        DeviceList list = DeviceList.Read();
        if (list.DriverProblem is { } problem)
            throw new DeviceUnavailableException($"cuda:{index}", $"no GPU can be used: {problem.TrimEnd('.')}");
        if (index >= list.Devices.Count)
            throw new DeviceUnavailableException($"cuda:{index}",
                $"this machine has {ProblemText.Count(list.Devices.Count, "GPU")}, numbered from 0");
        if (DeviceList.Problem(list.Devices[index]) is { } tooOld)
            throw new DeviceUnavailableException($"cuda:{index}", $"{list.Devices[index].DeviceName}: {tooOld}");
        if (list.NvrtcProblem is { } noCompiler)
            throw new DeviceUnavailableException($"cuda:{index}", $"no kernels can be compiled: {noCompiler.TrimEnd('.')}");
        return new DeviceSelection(new Device(DeviceKind.Cuda, index), $"cuda:{index} ({list.Devices[index].DeviceName})");
    }
}
