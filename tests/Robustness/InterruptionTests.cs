using System.Diagnostics;
using CsUnet.Tests.Support;

namespace CsUnet.Tests.Robustness;

/// <summary>A training that is killed, or whose file system fails, at each of its calls.</summary>
public sealed class InterruptionTests
{
    private const string Inside = "CSUNET_TEST_INTERRUPTED";
    private const int NoSpace = 28, InputOutput = 5, AccessDenied = 13, ReadOnly = 30, Killed = 128 + 9;

    /// <summary>The error of each function, and how many of its calls are tried by a plain run of the tests.</summary>
    private static readonly (string Function, int Error, int Sample)[] s_failures =
    [
        ("write", NoSpace, 3), ("write", NoSpace + Interruption.FromNowOn, 1), ("fsync", InputOutput, 2), ("rename", AccessDenied, 3),
        ("unlink", AccessDenied, 1), ("ftruncate", InputOutput, 1), ("mkdir", ReadOnly, 2), ("open", AccessDenied, 2),
    ];

    private static readonly (string Function, int Sample)[] s_kills =
        [("fsync", 1), ("rename", 4), ("unlink", 1), ("ftruncate", 1), ("mkdir", 1), ("write", 2)];

    /// <summary>
    /// After each interruption the run goes on to the same weights, with at most an interval of steps lost and no temporary file left. A
    /// failure ends it with one line and a remedy. The calls are made in a process of its own, with the library that interrupts them.
    /// </summary>
    [Fact]
    public void An_interrupted_training_goes_on_to_the_same_weights()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Skipped: the calls are interrupted by LD_PRELOAD, which is Linux's");
        if (Environment.GetEnvironmentVariable(Inside) == "1")
        {
            Interrupt(); // this is that process
            return;
        }
        using var folder = new TemporaryFolder();
        string? library = Interruption.Build(folder);
        Assert.SkipWhen(library is null, "Skipped: no gcc to build the library that interrupts calls");
        var start = new ProcessStartInfo(Environment.ProcessPath!,
        [
            .. Command(), "-method",
            $"{typeof(InterruptionTests).FullName}.{nameof(An_interrupted_training_goes_on_to_the_same_weights)}",
        ])
        {
            RedirectStandardOutput = true,
        };
        start.Environment[Inside] = "1";
        start.Environment[Interruption.Preload] = library;
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        string[] figures = [.. output.Split('\n').Where(line => line.StartsWith("interruption: ", StringComparison.Ordinal))];
        Assert.Equal(2, figures.Length);
        foreach (string line in figures)
            Console.WriteLine(line);

        // The test program runs under dotnet or as its own executable.
        static string[] Command() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [typeof(InterruptionTests).Assembly.Location] : [];
    }

    private static void Interrupt()
    {
        using var training = new InterruptedTraining();
        var problems = new List<string>();
        int copies = 0, kills = 0, failures = 0, same = 0;
        // One process is really killed in a plain run, most or all in a full one.
        foreach ((string function, int sample) in s_kills)
            foreach (int call in Calls(training, function, sample))
            {
                // A copy of the folder at the call is what a kill would leave, and takes a tenth of the time.
                training.Clear();
                if (TestFiles.RunsAll ? function != "write" : kills == 0)
                {
                    kills++;
                    int code = training.TrainUntilKilled(function, call);
                    Try($"killed at {function} {call}",
                        code == Killed ? training.CheckpointProblem(training.Reached()) : $"the process ended with {code}");
                }
                else
                {
                    copies++;
                    Try($"copied at {function} {call}", training.TrainWithCopy(function, call));
                }
            }
        foreach ((string function, int error, int sample) in s_failures)
            foreach (int call in Calls(training, function, sample))
            {
                failures++;
                training.Clear();
                Try($"{function} {call} fails with {error}", training.TrainWithFailure(function, call, error));
            }
        Console.WriteLine($"interruption: {kills} kills, {copies} states at a call, {failures} errors; {same} went on to the same weights, "
            + $"{training.Messages} errors ended the training with one line and a remedy, the others did not end it");
        Console.WriteLine($"interruption: at most {training.StepsLost} steps lost, {training.BytesLeft} bytes of temporary files before "
            + "going on, none after");
        Assert.True(problems.Count == 0, string.Join('\n', problems));

        void Try(string what, string? problem)
        {
            problem ??= training.GoOn();
            if (problem is null)
                same++;
            else
                problems.Add($"{what}: {problem}");
        }
    }

    /// <summary>The calls to try: all in a full run of the tests, but at most 60 writes; else a few from the first to the
    /// last.</summary>
    private static IEnumerable<int> Calls(InterruptedTraining training, string function, int sample)
    {
        int calls = training.Calls[function], count = Math.Min(calls, TestFiles.RunsAll ? (function == "write" ? 60 : calls) : sample);
        return count == 1 ? [(calls + 1) / 2] : Enumerable.Range(0, count).Select(i => 1 + (int)((long)i * (calls - 1) / (count - 1)));
    }
}
