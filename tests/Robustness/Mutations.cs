using System.Diagnostics;
using CsUnet.Tensors;

namespace CsUnet.Tests.Robustness;

/// <summary>Reads damaged copies of a file.</summary>
internal static class Mutations
{
    private const int Seed = 20_261_128, LongestMessage = 4000;

    /// <summary>
    /// Damages a file again and again. Its reader gives a value, or its own exception with one short line that names the file, within ten
    /// seconds.
    /// </summary>
    /// <typeparam name="TOwn">The reader's exception.</typeparam>
    /// <param name="path">The file.</param>
    /// <param name="sound">Its sound content, which must be read.</param>
    /// <param name="tries">How often.</param>
    /// <param name="damage">Damages the content.</param>
    /// <param name="read">Reads the file.</param>
    /// <returns>The number of files that were refused.</returns>
    public static int Check<TOwn>(string path, byte[] sound, int tries, Func<Mutator, byte[], byte[]> damage, Action<string> read)
        where TOwn : Exception
    {
        File.WriteAllBytes(path, sound);
        read(path);
        int number = 0, refused = 0;
        string? fault = null;
        long started = Stopwatch.GetTimestamp();
        // On a thread of its own, since the test must end where a reader does not.
        var thread = new Thread(() =>
        {
            for (number = 1; number <= tries && Volatile.Read(ref fault) is null; number++)
            {
                Volatile.Write(ref started, Stopwatch.GetTimestamp());
                File.WriteAllBytes(path, damage(new Mutator(Seed, number), sound));
                try
                {
                    read(path);
                }
                catch (TOwn failure)
                {
                    refused++;
                    string message = failure.Message;
                    if (message.Length > LongestMessage || PlainText.Of(message) != message
                        || !message.Contains(path, StringComparison.Ordinal))
                        Volatile.Write(ref fault, $"the message is no short line that names the file: {message}");
                }
                catch (Exception failure)
                {
                    Volatile.Write(ref fault, failure.ToString());
                }
            }
        }) { IsBackground = true };
        thread.Start();
        while (!thread.Join(TimeSpan.FromMilliseconds(50)))
        {
            Assert.False(Stopwatch.GetElapsedTime(Volatile.Read(ref started)) > TimeSpan.FromSeconds(10),
                $"{path}, seed {Seed}, number {number}: not read within 10 s");
        }
        Assert.True(fault is null, $"{path}, seed {Seed}, number {number - 1}: {fault}");
        return refused;
    }
}
