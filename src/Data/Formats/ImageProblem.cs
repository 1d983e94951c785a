namespace CsUnet.Data.Formats;

/// <summary>The two ways in which an image file is refused: it is damaged, or it is sound and of a kind that is not read.</summary>
internal static class ImageProblem
{
    public const string Formats = "a TIFF, PNG or JPEG image";

    public static DataException Damaged(string path, string found, Exception? inner = null) =>
        new(path, $"cannot be decoded ({found})", Formats, "the file is damaged or truncated: restore it", inner);

    public static DataException NotRead(string path, string found, string expected, string remedy) => new(path, found, expected, remedy);
}
