using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Tests.Support;

/// <summary>Makes the folder of a run what versions wrote that knew neither the identity of runs nor checksums.</summary>
internal static class OldRun
{
    private static readonly string[] s_new = ["run", "data", SafetensorsFile.ChecksumKey, "weights", "options"];

    /// <summary>Removes what is new from all files of a folder.</summary>
    public static void Make(RunFolder folder)
    {
        TrainingOptions options = folder.LoadOptions();
        options.Save(folder.ConfigPath);
        File.Delete(folder.DataPath);
        foreach (string path in Directory.GetFiles(folder.Path, "*.safetensors"))
            Rewrite(path, metadata => s_new.Aggregate(0, (_, key) => metadata.Remove(key) ? 1 : 0));
        string record = folder.File(RunRecord.FileName);
        if (File.Exists(record))
            File.WriteAllLines(record, File.ReadAllLines(record).Where(line => !line.Contains("\"run\":", StringComparison.Ordinal)));
    }

    /// <summary>Writes a safetensors file again with other metadata.</summary>
    public static void Rewrite(string path, Action<Dictionary<string, string>> change)
    {
        using SafetensorsFile file = SafetensorsFile.Read(path);
        var metadata = new Dictionary<string, string>(file.Metadata);
        change(metadata);
        SafetensorsFile.Write(path, file.Entries.Select(entry => KeyValuePair.Create(entry.Name, file.Load(entry.Name))), metadata);
    }
}
