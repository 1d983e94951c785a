using System.Globalization;

namespace CsUnet.Tensors;

/// <summary>The memory that this process may use.</summary>
public static class MachineMemory
{
    private const string ControlGroups = "sys/fs/cgroup", OwnGroup = "proc/self/cgroup", Information = "proc/meminfo";

    /// <summary>
    /// Bytes of the machine's memory, or the limit of the process's control group if that is less: containers and batch systems set one,
    /// and the system kills a process that goes beyond it.
    /// </summary>
    /// <param name="root">The folder that holds the system's files proc and sys.</param>
    public static long Limit(string root = "/")
    {
        long limit = Physical(Path.Join(root, Information));
        foreach (string file in LimitFiles(root))
        {
            // "max" means no limit.
            if (File.Exists(file) && long.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out long bytes) && bytes > 0)
                limit = Math.Min(limit, bytes);
        }
        return limit;
    }

    private static long Physical(string information)
    {
        const string Total = "MemTotal:";
        if (File.Exists(information)
            && File.ReadLines(information).FirstOrDefault(line => line.StartsWith(Total, StringComparison.Ordinal)) is { } line
            && long.TryParse(line.AsSpan(Total.Length).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture, out long kibibytes))
            return 1024 * kibibytes;
        return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }

    /// <summary>The files with the limits of the process's group and of all groups above it, in both versions of control groups.</summary>
    private static IEnumerable<string> LimitFiles(string root)
    {
        string own = Path.Join(root, OwnGroup);
        if (!File.Exists(own))
            yield break;
        foreach (string line in File.ReadLines(own))
        {
            // "0::/path" in version 2, "4:memory:/path" in version 1.
            string[] parts = line.Split(':', 3);
            bool isUnified = parts is ["0", "", _], isMemory = parts.Length == 3 && parts[1].Split(',').Contains("memory");
            if (!isUnified && !isMemory)
                continue;
            string groups = Path.Join(root, ControlGroups, isUnified ? "" : "memory");
            string name = isUnified ? "memory.max" : "memory.limit_in_bytes";
            for (string? path = parts[2]; path is not null; path = Path.GetDirectoryName(path))
                yield return Path.Join(groups, path, name);
        }
    }
}
