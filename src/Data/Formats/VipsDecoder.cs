using NetVips;
using VipsImage = NetVips.Image;

namespace CsUnet.Data.Formats;

/// <summary>
/// Decodes one compressed picture in memory by libvips: JPEG, WebP and CCITT. The library collects the messages of all threads in one
/// buffer and returns a whole picture where it only warned of damage. So decodes take turns, and any message refuses the picture.
/// </summary>
internal static class VipsDecoder
{
    // Keeps the delegate alive as long as native code may call it.
    private static readonly Log.LogDelegate s_silence = static (_, _, _) => { };
    private static readonly Lazy<bool> s_library = new(Configure);
    private static readonly Lock s_turn = new();

    /// <summary>Decodes to 8-bit samples, (H, W, bands).</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="data">The compressed picture.</param>
    /// <param name="load">The loader of its format.</param>
    /// <param name="part">Which part of the file it is, for messages; null: all of it.</param>
    /// <exception cref="DataException">The data are damaged, or the library cannot be loaded.</exception>
    public static (byte[] Samples, int Height, int Width, int Bands) Decode(string path, byte[] data, Func<byte[], VipsImage> load,
        string? part = null)
    {
        try
        {
            _ = s_library.Value;
            lock (s_turn)
            {
                _ = Messages();
                byte[] samples;
                int height, width, bands;
                try
                {
                    using VipsImage image = load(data);
                    if (image.Format != Enums.BandFormat.Uchar)
                        throw ImageProblem.NotRead(path, $"its compressed samples are of type {image.Format}".ToLowerInvariant(),
                            "compressed samples of 8 bits", "save it as TIFF without compression");
                    (height, width, bands) = (image.Height, image.Width, image.Bands);
                    samples = image.WriteToMemory<byte>();
                }
                catch (VipsException failure)
                {
                    // The first line names the call that failed, the others say why.
                    string[] lines = failure.Message.Split('\n', 2);
                    string reason = OneLine(lines[^1]);
                    throw ImageProblem.Damaged(path, Describe(part, reason.Length > 0 ? reason : OneLine(lines[0])), failure);
                }
                string messages = OneLine(Messages());
                return messages.Length == 0
                    ? (samples, height, width, bands)
                    : throw ImageProblem.Damaged(path, Describe(part, messages));
            }
        }
        catch (Exception failure) when (failure is TypeInitializationException or DllNotFoundException)
        {
            throw new DataException(path, "the image library libvips cannot be loaded", "its native library beside the program",
                "rebuild for this system (linux-x64 or win-x64)", failure);
        }
    }

    private static bool Configure()
    {
        Cache.Max = 0;
        // Decodes take turns, so threads of their own would only compete with the caller's.
        NetVips.NetVips.Concurrency = 1;
        Log.SetLogHandler("VIPS", Enums.LogLevelFlags.All, s_silence);
        return true;
    }

    // A VipsException takes the library's messages and empties their buffer; there is no other public way.
    private static string Messages() => new VipsException("").Message;

    private static string Describe(string? part, string messages) => part is null ? messages : $"{part}: {messages}";

    private static string OneLine(string message) =>
        string.Join(", ", message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct());
}
