using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace CsUnet.Cuda;

/// <summary>
/// Texts in Unicode's composed normal form (NFC), in which texts that look alike are equal: a letter and its accent are one character,
/// whether a file system stored them as one or as two.
/// </summary>
/// <remarks>
/// The .NET runtime normalises by the system's ICU. The engine runs without ICU, and <see cref="string.Normalize()"/> then returns the text
/// as it is. GLib, which the image library contains, has the tables. It is native code, therefore it stands in this project.
/// </remarks>
public static unsafe class ComposedText
{
    private const int Composed = 1;

    private static readonly Lazy<(nint Normalize, nint Free)> s_glib = new(() =>
    {
        string name = OperatingSystem.IsWindows() ? "libvips-42.dll" : OperatingSystem.IsMacOS() ? "libvips.42.dylib" : "libvips.so.42";
        nint library = NativeLibrary.Load(name, typeof(ComposedText).Assembly, searchPath: null);
        return (NativeLibrary.GetExport(library, "g_utf8_normalize"), NativeLibrary.GetExport(library, "g_free"));
    });

    /// <summary>The composed form of a text; the text itself if it is composed, or is not valid UTF-16.</summary>
    /// <exception cref="DllNotFoundException">The image library cannot be loaded. ASCII texts do not need it.</exception>
    /// <exception cref="EntryPointNotFoundException">As for <see cref="DllNotFoundException"/>.</exception>
    public static string Of(string text)
    {
        if (Ascii.IsValid(text) || text.Contains('\0') || !IsWellFormed(text))
            return text;
        (nint normalize, nint free) = s_glib.Value;
        byte[] bytes = [.. Encoding.UTF8.GetBytes(text), 0];
        fixed (byte* start = bytes)
        {
            byte* composed = ((delegate* unmanaged<byte*, nint, int, byte*>)normalize)(start, -1, Composed);
            if (composed is null)
                return text;
            try
            {
                string result = Marshal.PtrToStringUTF8((nint)composed)!;
                return result == text ? text : result;
            }
            finally
            {
                ((delegate* unmanaged<byte*, void>)free)(composed);
            }
        }
    }

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        while (text.Length > 0)
        {
            if (Rune.DecodeFromUtf16(text, out _, out int length) != OperationStatus.Done)
                return false;
            text = text[length..];
        }
        return true;
    }
}
