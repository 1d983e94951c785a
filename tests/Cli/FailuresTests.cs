using System.CommandLine;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using CsUnet.Cli;
using CsUnet.Cuda;
using CsUnet.Cuda.BasicTypes;
using CsUnet.Data;
using CsUnet.Kernels;
using CsUnet.Tensors;
using CsUnet.Training;

namespace CsUnet.Tests.Cli;

/// <summary>How the program reports an exception: one line, a remedy in the program's terms, and an exit code.</summary>
public sealed class FailuresTests
{
    public static TheoryData<string> Libraries =>
        [.. Assemblies().Select(assembly => assembly.GetName().Name!).Order(StringComparer.Ordinal)];

    [Fact]
    public void A_wrong_call_is_2_and_a_failed_run_is_1()
    {
        Assert.Equal((ExitCode.Usage, "error: --steps is '0', expected a number from 1; give another\n"),
            Report(new UsageException("--steps is '0'", "a number from 1", remedy: "give another")));
        Assert.Equal((ExitCode.Usage, "error: a.tif: the file is empty, expected a TIFF\n"),
            Report(new DataException("a.tif", "the file is empty", "a TIFF")));
        Assert.Equal((ExitCode.Failure, "error: step 3: the loss is infinite; stop\n"),
            Report(new RunException("the loss is infinite", place: "step 3", remedy: "stop")));
        Assert.Equal((ExitCode.Failure, "error: a.safetensors: it is damaged; get it again\n"),
            Report(new WeightFileException("a.safetensors", "it is damaged", "get it again")));
        Assert.Equal((ExitCode.Failure, "error: Linear: weight is (2), expected (3)\n"),
            Report(new ShapeException("Linear", "weight", "(2)", "(3)")));
        Assert.Equal((ExitCode.Interrupted, "stopped\n"), Report(new OperationCanceledException()));
    }

    [Fact]
    public void Several_problems_of_data_are_listed()
    {
        DataException failure = DataException.Many("set",
            [new DataException("a.tif", "it is empty", "a TIFF"), new DataException("b.tif", "it is cut", null)]);
        Assert.Equal((ExitCode.Usage, "error: set: 2 problems:\n  a.tif: it is empty, expected a TIFF\n  b.tif: it is cut\n"),
            Report(failure));
    }

    [Fact]
    public void The_remedy_is_in_the_words_of_the_program()
    {
        Ends(new RecordingException("an allocation"), "the step cannot be recorded as a CUDA graph: an allocation; run it with --no-graph");
        Ends(new DeviceUnavailableException("cuda:0", "no GPU"),
            "device cuda:0: no GPU; use --device cpu, or --device cuda:emulated to check kernels");
        Ends(new CudaLibraryException(CudaLibrary.Driver, "No driver."), "No driver; use --device cpu");
        Ends(new CudaLibraryException(CudaLibrary.CuBlas, "No cuBLAS."), "No cuBLAS.");
        Ends(new CudaException(CUResult.ErrorNoDevice, "no device", exception: null), "no device; use --device cpu");
        Ends(new OutOfMemoryException(), "out of memory; use a smaller --batch, --size or --model");
        Ends(new RunException("full", place: "m.csv", remedy: "resume") { Fault = RunFault.NotWritten },
            "m.csv: full; check the free space, then go on with --resume");
    }

    [Fact]
    public void Every_fault_of_a_run_has_a_remedy_that_exists()
    {
        string[] names =
            [.. Commands(Root()).SelectMany(command => command.Options.SelectMany(option => option.Aliases.Append(option.Name)))];
        string[] commands = [.. Root().Subcommands.Select(command => command.Name)];
        foreach (RunFault fault in Enum.GetValues<RunFault>().Except([RunFault.Other]))
        {
            string? remedy = Remedies.For(new RunException("x") { Fault = fault });
            Assert.NotNull(remedy);
            string[] used = [.. Regex.Matches(remedy, "--[a-z-]+").Select(match => match.Value)];
            string[] called = [.. Regex.Matches(remedy, "csunet ([a-z]+)").Select(match => match.Groups[1].Value)];
            Assert.True(used.Length + called.Length > 0, remedy);
            Assert.Subset(names.ToHashSet(), used.ToHashSet());
            Assert.Subset(commands.ToHashSet(), called.ToHashSet());
        }
        Assert.Null(Remedies.For(new RunException("x")));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Every_exception_of_a_library_gets_a_line_of_its_own(string library)
    {
        Type[] types = [.. Assemblies().Single(assembly => assembly.GetName().Name == library).GetExportedTypes()
            .Where(type => type.IsSubclassOf(typeof(Exception)))];
        Assert.All(types, type => Assert.True(Failures.IsExplained((Exception)RuntimeHelpers.GetUninitializedObject(type)), type.FullName));
    }

    [Fact]
    public void Anything_else_is_a_defect() =>
        Ends(new NullReferenceException("x"), "internal error, NullReferenceException: x (set CSUNET_TRACE=1 for details)");

    // The runtime throws these as well, for reasons that no user can act on. The engine's own errors are of other types.
    [Theory]
    [InlineData(typeof(ArgumentException))]
    [InlineData(typeof(ArgumentOutOfRangeException))]
    [InlineData(typeof(FormatException))]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(NotSupportedException))]
    public void A_plain_exception_of_the_runtime_is_a_defect(Type type) => Assert.StartsWith(
        $"error: internal error, {type.Name}: ", Report((Exception)Activator.CreateInstance(type)!).Error);

    [Fact]
    public void An_option_is_called_by_its_name_on_the_command_line()
    {
        OptionException failure = Assert.Throws<OptionException>(() => new TrainingOptions().With("learning_rate", "fast"));
        Assert.Equal("--learning-rate is 'fast', expected a number from 1E-12 to 1000", UsageException.From(failure).Message);
        OptionException inFile = Assert.Throws<OptionException>(() => TrainingOptions.Parse("learning_rate: fast", "a.yaml"));
        Assert.Equal("a.yaml, line 1: learning_rate is 'fast', expected a number from 1E-12 to 1000", UsageException.From(inFile).Message);
    }

    [Fact]
    public void Messages_are_composed_of_their_parts()
    {
        Exception[] failures =
        [
            new UsageException("p", "e", "l", "r"), new DataException("l", "p", "e", "r"), new RunException("p", "e", "l", "r"),
            new OptionException("o", "is p", "e", "l", "r"), new WeightFileException("l", "p", "r"), new ShapeException("l", "a", "p", "e"),
            ShapeException.Because("l", "a", "p", "e", "r"), new InvalidValueException("a", "p", "e", "r"), new RecordingException("p"),
            new RecordingException("p").In("Linear"), new DeviceUnavailableException("cuda:1", "p"),
        ];
        Assert.All(failures, failure =>
        {
            IProblem parts = Assert.IsAssignableFrom<IProblem>(failure);
            Assert.Equal(failure.Message, ProblemText.Compose(parts.Place, parts.Problem, parts.Expected, parts.Remedy));
        });
    }

    private static IEnumerable<Assembly> Assemblies() => new[] { typeof(Failures).Assembly }
        .Concat(typeof(Failures).Assembly.GetReferencedAssemblies()
            .Where(name => name.Name!.StartsWith("CsUnet.", StringComparison.Ordinal)).Select(Assembly.Load));

    private static RootCommand Root() => CommandLine.CreateRoot(new Terminal(new StringWriter(), new StringWriter(), isInteractive: false));

    private static IEnumerable<Command> Commands(Command command) => command.Subcommands.SelectMany(Commands).Append(command);

    private static void Ends(Exception failure, string message) => Assert.Equal((ExitCode.Failure, $"error: {message}\n"), Report(failure));

    private static (int Code, string Error) Report(Exception failure)
    {
        var error = new StringWriter();
        int code = Failures.Report(failure, new Terminal(new StringWriter(), error, isInteractive: false));
        return (code, error.ToString());
    }
}
