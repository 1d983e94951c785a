using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace CsUnet.Cli;

/// <summary>The parser's help, followed by examples and notes of the command.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    private static readonly ConditionalWeakTable<Command, string> s_notes = [];

    public override bool ClearsParseErrors => true;

    /// <summary>Sets the notes at the end of a command's help.</summary>
    public static void SetNotes(Command command, string notes) => s_notes.AddOrUpdate(command, notes.ReplaceLineEndings("\n").Trim());

    public override int Invoke(ParseResult parseResult)
    {
        help.MaxWidth = 110;
        help.Invoke(parseResult);
        Command command = parseResult.CommandResult.Command;
        TextWriter output = parseResult.InvocationConfiguration.Output;
        if (s_notes.TryGetValue(command, out string? notes))
            output.WriteLine(notes + "\n");
        else if (command is RootCommand)
            output.WriteLine("Start with: csunet demo\nEvery command has its own help: csunet train --help\n"
                + "Exit codes: 0 done, 1 failed, 2 wrong call, 130 stopped by Ctrl-C\n");
        return ExitCode.Success;
    }
}
