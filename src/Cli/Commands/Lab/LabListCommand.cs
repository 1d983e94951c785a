using System.CommandLine;
using CsUnet.Kernels;
using CsUnet.Lab;
using CsUnet.Tensors;

namespace CsUnet.Cli.Commands.Lab;

/// <summary><c>csunet lab list</c>: lists operators, shapes, variants and tunable launch parameters.</summary>
internal static class LabListCommand
{
    public static Command Create(Terminal terminal)
    {
        var arguments = new LabArguments();
        var command = new Command("list", "Lists operators with their shapes, variants and launch parameters.") { arguments.Op };
        command.SetAction(result =>
        {
            foreach (IGrouping<string, LabCase> group in arguments.Cases(result).GroupBy(item => item.Op))
            {
                terminal.WriteLine($"{group.Key}  {LabCases.Operators.Single(entry => entry.Name == group.Key).Help}");
                terminal.WriteLine($"  shapes: {string.Join(", ", group.Select(item => item.Shape))}");
                Operator op = group.First().Case.Op;
                foreach (DeviceKind device in Enum.GetValues<DeviceKind>())
                    foreach (KernelVariant variant in op.Variants(device))
                    {
                        string space = string.Join(", ",
                            variant.Parameters.Select(parameter => $"{parameter.Name} {string.Join("|", parameter.Values)}"));
                        terminal.WriteLine($"  {device.ToString().ToLowerInvariant()} variant {variant.Name}: "
                            + $"{variant.Summary}{(space.Length > 0 ? $"; {space}" : "")}");
                    }
            }
            return ExitCode.Success;
        });
        HelpWithExamples.SetNotes(command, """
            The first variant of an operator is the usual one, unless a search has stored a faster one for the shape.

            Examples:
              csunet lab list
              csunet lab list --op attention
            """);
        return command;
    }
}
