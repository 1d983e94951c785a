using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CsUnet.Tensors;

/// <summary>The machine of a measurement, and the software that it ran.</summary>
/// <param name="Processor">The CPU's name.</param>
/// <param name="Cores">Logical cores that this process may use.</param>
/// <param name="VectorBits">Width of the widest vectors.</param>
/// <param name="MemoryGiB">Memory in GiB.</param>
/// <param name="System">The operating system.</param>
/// <param name="Runtime">The .NET runtime.</param>
public sealed record Machine(string Processor, int Cores, int VectorBits, double MemoryGiB, string System, string Runtime)
{
    /// <summary>This machine.</summary>
    public static Machine Current { get; } = new(
        ReadProcessor(),
        Environment.ProcessorCount,
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription);

    /// <summary>The program's version, with the commit of its build if the build knew it.</summary>
    public static string ProgramVersion { get; } =
        typeof(Machine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? typeof(Machine).Assembly.GetName().Version!.ToString();

    /// <summary>For example <c>Intel(R) Xeon(R) CPU, 2 cores, 512-bit vectors</c>.</summary>
    public string Describe() => $"{Processor}, {Cores} {(Cores == 1 ? "core" : "cores")}, {VectorBits}-bit vectors";

    /// <summary>
    /// The commit of the checkout that contains the program, with "-dirty" if files differ from it; null outside of a checkout.
    /// </summary>
    public static string? Commit()
    {
        if (Git("rev-parse HEAD") is not { Length: > 0 } commit)
            return null;
        return Git("status --porcelain --untracked-files=no") is { Length: 0 } ? commit : $"{commit}-dirty";
    }

    private static string? Git(string arguments)
    {
        var start = new ProcessStartInfo("git", arguments)
        {
            WorkingDirectory = AppContext.BaseDirectory, RedirectStandardOutput = true, RedirectStandardError = true,
                UseShellExecute = false,
        };
        try
        {
            using Process? git = Process.Start(start);
            if (git is null)
                return null;
            Task<string> errors = git.StandardError.ReadToEndAsync();
            string output = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            errors.Wait();
            return git.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // git is not installed: the measurement is stored without a commit.
            return null;
        }
    }

    private static string ReadProcessor()
    {
        const string Information = "/proc/cpuinfo";
        if (File.Exists(Information)
            && File.ReadLines(Information).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line)
            return line[(line.IndexOf(':') + 1)..].Trim();
        if (X86Base.IsSupported)
        {
            // The brand string: three leaves of 16 characters.
            var brand = new List<byte>();
            for (int leaf = 0; leaf < 3; leaf++)
            {
                (int a, int b, int c, int d) = X86Base.CpuId(unchecked((int)0x80000002) + leaf, 0);
                foreach (int register in new[] { a, b, c, d })
                    brand.AddRange(BitConverter.GetBytes(register));
            }
            return global::System.Text.Encoding.ASCII.GetString([.. brand]).Trim('\0', ' ');
        }
        return RuntimeInformation.ProcessArchitecture.ToString();
    }
}
