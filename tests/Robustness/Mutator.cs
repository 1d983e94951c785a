using System.Text;

namespace CsUnet.Tests.Robustness;

/// <summary>
/// Damages files: single bits, bytes, cuts, blocks of zeros, copies, and edits of tokens and lines. Every damage is a function of seed and
/// number, so a test that names both can be repeated.
/// </summary>
internal sealed class Mutator
{
    private static readonly string[] s_tokens =
    [
        "", "\n", "  ", "\t", ":", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!!binary ", "!!int ", "|", ">", "\"", "'", "#", "---\n",
        "...\n", "? ", "<<: *a", "\0", "\ufeff", "\u2028", "\u0085", "\ud83d\ude00", "null", "~", "NaN", ".inf", "Infinity", "-1", "0",
        "1e400", "99999999999999999999", "2147483648", "-2147483649", "true", "0x10", "1_000", "é", "\r", ",", "\\", "\\x00", "\\ud800",
        "@", "`", "-0", "1e-400", "\u001b[2J", "\u202e", "../../x", "{}", "[]", "\"\":\"\",", "F16", "__metadata__",
    ];

    private readonly Random _random;

    /// <summary>The damage of a number.</summary>
    public Mutator(int seed, int number) => _random = new Random(unchecked(seed * 1_000_003 + number));

    /// <summary>A damaged copy of a file of any kind, which is never empty.</summary>
    public byte[] Bytes(byte[] sound)
    {
        int at = _random.Next(sound.Length);
        switch (_random.Next(7))
        {
            case 0:
                return FlipBit(sound, at, _random.Next(8));
            case 1:
                byte[] set = sound;
                for (int i = _random.Next(1, 9); i > 0; i--)
                    set = SetByte(set, _random.Next(sound.Length), (byte)_random.Next(256));
                return set;
            case 2:
                return Cut(sound, Math.Max(1, at));
            case 3:
                return Zeros(sound, at, 1 << _random.Next(13));
            case 4:
                return Copy(sound, at, _random.Next(sound.Length), _random.Next(1, 65));
            case 5:
                return Insert(sound, at, [.. Enumerable.Range(0, _random.Next(1, 17)).Select(_ => (byte)_random.Next(256))]);
            default:
                return Remove(sound, at, _random.Next(1, 17));
        }
    }

    /// <summary>A damaged copy of a text file.</summary>
    public byte[] Text(byte[] sound)
    {
        if (_random.Next(4) == 0)
            return Bytes(sound);
        string text = Encoding.UTF8.GetString(sound);
        for (int i = _random.Next(1, 4); i > 0; i--)
            text = Edit(text);
        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>A damaged copy of a safetensors file: mostly of its header, whose length stays right where tokens are edited.</summary>
    public byte[] Safetensors(byte[] sound)
    {
        int header = (int)BitConverter.ToInt64(sound);
        switch (_random.Next(8))
        {
            case 0:
                return Bytes(sound);
            case 1:
                long[] lengths = [0, 1, header - 1, header + 1, header + 8, int.MaxValue, long.MaxValue, -1, sound.Length, 100_000_001];
                return [.. BitConverter.GetBytes(lengths[_random.Next(lengths.Length)]), .. sound[8..]];
            case 2:
                return FlipBit(sound, 8 + _random.Next(header), _random.Next(8));
            default:
                byte[] edited = Text(sound[8..(8 + header)]);
                return [.. BitConverter.GetBytes((long)edited.Length), .. edited, .. sound[(8 + header)..]];
        }
    }

    /// <summary>A copy with one bit flipped.</summary>
    public static byte[] FlipBit(byte[] sound, int at, int bit) => SetByte(sound, at, (byte)(sound[at] ^ 1 << bit));

    /// <summary>A copy with one byte set.</summary>
    public static byte[] SetByte(byte[] sound, int at, byte value)
    {
        byte[] damaged = [.. sound];
        damaged[at] = value;
        return damaged;
    }

    /// <summary>The first bytes.</summary>
    public static byte[] Cut(byte[] sound, int length) => sound[..length];

    /// <summary>A copy with a block of zeros, as a bad sector or a hole in a download leaves.</summary>
    public static byte[] Zeros(byte[] sound, int at, int length)
    {
        byte[] damaged = [.. sound];
        damaged.AsSpan(at, Math.Min(length, damaged.Length - at)).Clear();
        return damaged;
    }

    /// <summary>A copy in which a block overwrites another place.</summary>
    public static byte[] Copy(byte[] sound, int from, int to, int length)
    {
        byte[] damaged = [.. sound];
        sound.AsSpan(from, Math.Min(length, sound.Length - Math.Max(from, to))).CopyTo(damaged.AsSpan(to));
        return damaged;
    }

    /// <summary>A copy with bytes inserted.</summary>
    public static byte[] Insert(byte[] sound, int at, byte[] bytes) => [.. sound[..at], .. bytes, .. sound[at..]];

    /// <summary>A copy without some bytes; at least one stays.</summary>
    public static byte[] Remove(byte[] sound, int at, int length) =>
        [.. sound[..Math.Max(1, at)], .. sound[Math.Clamp(at + length, 1, sound.Length)..]];

    private string Edit(string text)
    {
        int at = _random.Next(text.Length + 1);
        string token = s_tokens[_random.Next(s_tokens.Length)];
        string[] lines = text.Split('\n');
        int line = _random.Next(lines.Length), other = _random.Next(lines.Length);
        switch (_random.Next(6))
        {
            case 0:
                return text[..at];
            case 1:
                // A number, from its first digit on.
                int start = at;
                while (start < text.Length && !char.IsAsciiDigit(text[start]))
                    start++;
                int end = start;
                while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
                    end++;
                return text[..start] + token + text[end..];
            case 2:
                (lines[line], lines[other]) = (lines[other], lines[line]);
                return string.Join('\n', lines);
            case 3:
                return string.Join('\n', lines.Take(line + 1).Append(lines[line]).Concat(lines.Skip(line + 1)));
            default:
                return text[..at] + token + text[Math.Min(text.Length, at + _random.Next(8))..];
        }
    }
}
