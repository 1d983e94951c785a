using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using CsUnet.Cli.Commands;
using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Cli;

/// <summary>The program: parses the command line, runs the command, and turns failures into one line and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>Runs the program as if called with <paramref name="args"/>. Returns the exit code.</summary>
    public static int Run(IReadOnlyList<string> args, Terminal terminal)
    {
        int code = RunCommand(args, terminal, out bool showsResult);
        terminal.Out.Flush();
        terminal.Error.Flush();
        // The warning is printed already. A training that could not show its progress is still a training.
        return code == ExitCode.Success && showsResult && terminal.HasLostOutput ? ExitCode.Failure : code;
    }

    private static int RunCommand(IReadOnlyList<string> args, Terminal terminal, out bool showsResult)
    {
        showsResult = true;
        RootCommand root = CreateRoot(terminal);
        UserCache.Noted += Note;
        try
        {
            if (args.Count == 0)
                args = ["--help"];
            RejectUnknownNames(root, args);
            // No bundling of one-letter options and no @files: the program uses neither, and both would misread file names.
            ParseResult result = root.Parse(args,
                new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
            if (result.Errors.Count > 0)
                throw new UsageException(Describe(result.Errors[0]), remedy: $"see csunet {CommandPath(result)}--help");
            showsResult = result.Action is HelpWithExamples || result.CommandResult.Command.Name is not ("train" or "demo");
            terminal.OutlivesReader = !showsResult;
            RequireValues(result);
            return result.Invoke(new InvocationConfiguration
            {
                Output = terminal.Out, Error = terminal.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
            });
        }
        catch (Exception failure)
        {
            return Failures.Report(failure, terminal);
        }
        finally
        {
            UserCache.Noted -= Note;
        }

        void Note(string text) => terminal.Error.WriteLine($"note: {PlainText.Of(text)}");
    }

    /// <summary>Creates the command tree. Help and tests take the options from it.</summary>
    public static RootCommand CreateRoot(Terminal terminal)
    {
        var root = new RootCommand("Trains CS-UNet on micrographs and segments micrographs with it.")
        {
            TrainCommand.Create(terminal),
            CheckCommand.Create(terminal),
            EvaluateCommand.Create(terminal),
            PredictCommand.Create(terminal),
            DemoCommand.Create(terminal),
            SelfTestCommand.Create(terminal),
            BenchCommand.Create(terminal),
            Commands.Lab.LabCommand.Create(terminal),
            GradCheckCommand.Create(terminal),
            KernelsCommand.Create(terminal),
            DevicesCommand.Create(terminal),
            WeightsCommand.Create(terminal),
        };
        foreach (Option option in root.Options)
        {
            if (option is HelpOption help)
                help.Action = new HelpWithExamples((HelpAction)help.Action!);
        }
        return root;
    }

    /// <summary>
    /// Refuses arguments that look like options but are unknown, wherever they stand. The parser would take them for the value of the
    /// previous option, or for a file.
    /// </summary>
    private static void RejectUnknownNames(RootCommand root, IReadOnlyList<string> args)
    {
        Command command = root;
        var path = new List<string>();
        bool namesEnded = false;
        for (int i = 0; i < args.Count && args[i] != "--"; i++)
        {
            string arg = args[i];
            bool isOption = arg.Length > 1 && arg[0] == '-' && !char.IsDigit(arg[1]) && arg[1] != '.';
            string help = $"see csunet {string.Concat(path.Select(name => name + " "))}--help";
            if (isOption)
            {
                List<string> known = [.. root.Options.Where(option => option.Recursive || command == root)
                    .Concat(command.Options).SelectMany(option => option.Aliases.Append(option.Name)).Distinct()];
                string name = arg.Split('=', ':')[0];
                if (!known.Contains(name))
                    throw Unknown($"unknown option '{name}'", name, known, help);
                // The next argument is this option's value, or belongs to the command. In both cases it is not the name of a command.
                namesEnded = command.Subcommands.Count == 0 || namesEnded;
            }
            else if (!namesEnded && command.Subcommands.Count > 0)
            {
                Command? next = command.Subcommands.FirstOrDefault(candidate => candidate.Name == arg);
                string[] names = [.. command.Subcommands.Select(candidate => candidate.Name)];
                command = next ?? throw Unknown($"unknown command '{arg}'", arg, names, help, $"one of {string.Join(", ", names)}");
                path.Add(arg);
            }
        }
    }

    /// <summary>
    /// Refuses empty values. No option has one: it is mostly a shell variable that is not set, and the default would be a surprise.
    /// </summary>
    private static void RequireValues(ParseResult result)
    {
        for (SymbolResult? symbol = result.CommandResult; symbol is CommandResult command; symbol = symbol.Parent)
        {
            foreach (SymbolResult child in command.Children.Where(child => child.Tokens.Any(token => token.Value.Trim().Length == 0)))
            {
                string name = child switch
                {
                    OptionResult option => option.Option.Name,
                    ArgumentResult argument => argument.Argument.HelpName ?? argument.Argument.Name,
                    _ => "an argument",
                };
                throw new UsageException("the value is empty", place: name, remedy: "is a variable of the shell not set?");
            }
        }
    }

    private static UsageException Unknown(string problem, string name, IEnumerable<string> known, string help, string? expected = null) =>
        new(problem, expected, remedy: NearestName.Hint(name, known) is { } hint ? $"{hint} {help}" : help);

    private static string Describe(ParseError error) => error.SymbolResult switch
    {
        OptionResult { Tokens.Count: 0 } option => $"{option.Option.Name}: a value is missing",
        OptionResult { Tokens.Count: > 1, Option.Arity.MaximumNumberOfValues: 1 } option => $"{option.Option.Name}: given more than once",
        ArgumentResult { Tokens.Count: 0 } argument => $"{argument.Argument.HelpName ?? argument.Argument.Name} is missing",
        CommandResult { Command.Subcommands.Count: > 0 } command =>
            $"a command is missing; the commands are {string.Join(", ", command.Command.Subcommands.Select(sub => sub.Name))}",
        _ => error.Message.TrimEnd('.'),
    };

    private static string CommandPath(ParseResult result)
    {
        string path = "";
        for (SymbolResult? symbol = result.CommandResult; symbol is CommandResult {
            Command: not RootCommand } command; symbol = symbol.Parent)
            path = $"{command.Command.Name} {path}";
        return path;
    }
}
