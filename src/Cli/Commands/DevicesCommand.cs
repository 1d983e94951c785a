using System.CommandLine;
using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands;

/// <summary><c>csunet devices</c>: lists the devices that this machine can compute on.</summary>
internal static class DevicesCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("devices", "Lists the CPU and the GPUs of this machine, or why no GPU can be used.");
        command.SetAction(_ =>
        {
            terminal.WriteLine($"cpu     {Machine.Current.Describe()}, {Machine.Current.MemoryGiB:F0} GiB");
            terminal.WriteLines(DeviceList.Read().ToString());
            return ExitCode.Success;
        });
        HelpWithExamples.SetNotes(command, """
            For each GPU: name, compute capability, memory. Also the versions of the driver and of NVRTC, which compiles the
            CUDA kernels, and where they were found. cuda:emulated is on no list: it runs the CUDA kernels on the CPU,
            to check them, wherever g++ is installed.

            Examples:
              csunet devices
            """);
        return command;
    }
}
