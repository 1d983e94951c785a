using CsUnet.Data;

namespace CsUnet.Cli.Display;

/// <summary>Prints how files were read where that is not plain, to standard error.</summary>
internal static class ReadingNotes
{
    public static void Write(Terminal terminal, params MicrographDataset?[] sets)
    {
        foreach (MicrographDataset? set in sets)
            foreach (string notice in set?.Notices ?? [])
                terminal.Error.WriteLine($"note: {notice}");
    }

    public static void Write(Terminal terminal, string file, IReadOnlyList<string> notices)
    {
        foreach (string notice in notices)
            terminal.Error.WriteLine($"note: {file}: {notice}");
    }
}
