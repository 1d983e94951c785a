using System.CommandLine;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab</c>: checks, measures and projects kernels.</summary>
internal static class LabCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("lab", "Checks, times, tunes and projects kernels, one operator at a time.")
        {
            LabListCommand.Create(terminal), LabCheckCommand.Create(terminal), LabBenchCommand.Create(terminal),
            LabBenchCommand.CreateCompare(terminal), LabTuneCommand.Create(terminal), LabWatchCommand.Create(terminal),
            LabProjectCommand.Create(terminal), LabResourcesCommand.Create(terminal), LabReportCommand.Create(terminal),
        };
        return command;
    }
}
