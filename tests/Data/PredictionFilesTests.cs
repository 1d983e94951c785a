using CsUnet.Data;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Data;

/// <summary>Label map and overlay are written together.</summary>
public sealed class PredictionFilesTests : IDisposable
{
    private static readonly Image s_overlay = new(new byte[12], 2, 2, 3);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Both_are_written_and_marked()
    {
        string label = _folder.File("a_label.png"), overlay = _folder.File("a_overlay.png");
        Write(label, overlay);
        Assert.Equal([label, overlay], Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal));
        Assert.Equal([0, 1, 1, 0], ImageFile.ReadMask(label, paletteIndices: true).Samples);
        Assert.True(PredictionFiles.Wrote(label) && PredictionFiles.Wrote(overlay));
        byte[] bytes = File.ReadAllBytes(label);
        foreach (byte[] other in new[] { [], bytes[..50], [.. bytes[..33], .. bytes[60..]], "text"u8.ToArray() })
        {
            File.WriteAllBytes(label, other);
            Assert.False(PredictionFiles.Wrote(label));
        }
    }

    // A folder in the way fails as a full disk does.
    [Fact]
    public void If_one_cannot_be_written_neither_stays()
    {
        string label = _folder.File("a_label.png"), overlay = _folder.File("a_overlay.png");
        Directory.CreateDirectory(Path.Combine(label, "in the way"));
        Assert.Contains("a_label.png: cannot be written", Assert.Throws<DataException>(() => Write(label, overlay)).Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
        Assert.Throws<ArgumentException>(() => PredictionFiles.Write(label, [9, 9, 9, 9], [new Rgb(0, 0, 0)], overlay, s_overlay));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static void Write(string label, string overlay) =>
        PredictionFiles.Write(label, [0, 1, 1, 0], [new Rgb(0, 0, 0), new Rgb(9, 9, 9)], overlay, s_overlay);
}
