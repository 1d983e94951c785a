using System.Globalization;
using System.Text;
using System.Text.Json;
using CsUnet.Cuda;

namespace CsUnet.Tensors;

/// <summary>
/// The one way in which files are read: whatever a parser throws becomes the reader's own exception, with file, line, problem and remedy.
/// No reader keeps a list of the exceptions that a library may throw.
/// </summary>
public static class ReadFile
{
    /// <summary>The largest text that is read, in bytes.</summary>
    public const long LargestText = 1L << 28;

    /// <summary>
    /// Calls a parser. Any exception but <typeparamref name="TOwn"/>, cancellation and lack of memory is a fault of the file.
    /// </summary>
    /// <typeparam name="T">What is read.</typeparam>
    /// <typeparam name="TOwn">The reader's own exception, which passes as it is.</typeparam>
    /// <param name="path">The file.</param>
    /// <param name="fault">What is wrong with a file that the parser does not take, as a predicate: <c>not a record of a run</c>.</param>
    /// <param name="body">Reads and parses the file.</param>
    /// <param name="refuse">Creates the reader's exception.</param>
    public static T Parse<T, TOwn>(string path, string fault, Func<T> body, Func<FileProblem, TOwn> refuse) where TOwn : Exception
    {
        try
        {
            return body();
        }
        catch (Exception failure) when (failure is not (TOwn or OperationCanceledException or OutOfMemoryException))
        {
            throw refuse(Describe(path, fault, failure));
        }
    }

    /// <summary>
    /// A file as text: UTF-8, or UTF-16 or UTF-32 with a byte order mark. It may be a pipe that a shell made for the command (/dev/fd/N).
    /// Call it inside <see cref="Parse"/>.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="largest">The most bytes that a sound file of its kind can have.</param>
    /// <exception cref="FileTextException">It is larger, or in another encoding.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">As for <see cref="IOException"/>; it may also be a folder.</exception>
    public static string Text(string path, long largest = LargestText)
    {
        // A pipe that lies in a folder may have no writer, so that reading it would wait for ever.
        if (SpecialFile.Is(path) && !s_ofShell.Any(folder => path.StartsWith(folder, StringComparison.Ordinal)))
            throw new FileTextException("is a pipe or a device", "a file", remedy: "give the file itself");
        // Delete sharing: a training may replace its files while they are read.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        using var content = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = file.Read(buffer)) > 0;)
        {
            if (content.Length + count > largest)
                throw new FileTextException(FormattableString.Invariant($"has more than {largest} bytes"), "a text file of this kind");
            content.Write(buffer, 0, count);
        }
        return Decode(content.GetBuffer().AsSpan(0, (int)content.Length));
    }

    /// <summary>Decodes a text as <see cref="Text"/> does.</summary>
    /// <exception cref="FileTextException">It is in another encoding.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        (Encoding encoding, int mark) = bytes switch
        {
            [0xef, 0xbb, 0xbf, ..] => (s_utf8, 3),
            [0xff, 0xfe, 0, 0, ..] => (new UTF32Encoding(false, true, true), 4),
            [0, 0, 0xfe, 0xff, ..] => (new UTF32Encoding(true, true, true), 4),
            [0xff, 0xfe, ..] => (new UnicodeEncoding(false, true, true), 2),
            [0xfe, 0xff, ..] => (new UnicodeEncoding(true, true, true), 2),
            _ => (s_utf8, 0),
        };
        ReadOnlySpan<byte> text = bytes[mark..];
        try
        {
            return encoding.GetString(text);
        }
        catch (DecoderFallbackException) when (ReferenceEquals(encoding, s_utf8))
        {
            throw NotUtf8(text);
        }
        catch (DecoderFallbackException failure)
        {
            throw new FileTextException($"is not {encoding.EncodingName}, though its byte order mark says so", "UTF-8 text",
                remedy: "save it as UTF-8", cause: failure);
        }
    }

    private static readonly string[] s_ofShell = ["/dev/", "/proc/"];

    private static readonly Encoding s_utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

    private static FileTextException NotUtf8(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == System.Buffers.OperationStatus.Done)
            at += length;
        // Latin-1 is what else plain text mostly is; its letters are those of the same numbers.
        string latin = bytes[at] >= 0xa0 ? $" (in Latin-1: '{(char)bytes[at]}')" : "";
        return new FileTextException(string.Create(CultureInfo.InvariantCulture, $"is not UTF-8: it has the byte 0x{bytes[at]:X2}{latin}"),
            "UTF-8 text", 1 + bytes[..at].Count((byte)'\n'), "save it as UTF-8");
    }

    private static FileProblem Describe(string path, string fault, Exception failure)
    {
        if (Directory.Exists(path))
            return new FileProblem(path, "is a folder", "a file", "give the file", failure);
        string Line(long? line) => line is { } number ? string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}") : path;
        return failure switch
        {
            FileNotFoundException or DirectoryNotFoundException => new(path, "there is no such file", null, null, failure),
            FileTextException text => new(Line(text.Line), text.Problem, text.Expected, text.Remedy, failure),
            // The reader of a part may have named the file already.
            IProblem { Place: { } place } problem when place.StartsWith(path, StringComparison.Ordinal) =>
                new(place, problem.Problem, problem.Expected, problem.Remedy, failure),
            IProblem problem => new(
                path, $"{fault} ({ProblemText.Compose(problem.Place, problem.Problem, problem.Expected)})", null, null, failure),
            JsonException json => new(Line(json.LineNumber + 1), $"{fault} ({Reason(json)})", null, null, failure),
            IOException or UnauthorizedAccessException =>
                new(path, $"cannot be read ({failure.Message.TrimEnd('.')})", null, null, failure),
            _ => new(path, $"{fault} ({Reason(failure)})", null, null, failure),
        };
    }

    // The parser appends the place to its message.
    private static string Reason(JsonException failure)
    {
        string message = failure.Message, path = failure.Path is null or "$" ? "" : $" at {failure.Path}";
        int place = message.IndexOf(" Path: ", StringComparison.Ordinal);
        place = place >= 0 ? place : message.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        return (place >= 0 ? message[..place] : message).TrimEnd('.', ' ', '|') + path;
    }

    private static string Reason(Exception failure) => failure switch
    {
        // Their messages say nothing about a file.
        NullReferenceException or IndexOutOfRangeException or InvalidCastException or ArgumentNullException =>
            "a value is missing or has another form",
        ArgumentException { ParamName: { } name } =>
            failure.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal).TrimEnd('.'),
        _ => failure.Message.TrimEnd('.'),
    };
}
