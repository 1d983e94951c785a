using System.Globalization;
using System.Text;
using CsUnet.Cuda;
using CsUnet.Tensors;

namespace CsUnet.Training;

/// <summary>Reads and writes text files of a run; failures become a <see cref="RunException"/>.</summary>
internal static class RunFiles
{
    /// <summary>Writes a text file, completely or not at all.</summary>
    /// <exception cref="RunException">The file cannot be written; a previous file is unchanged.</exception>
    public static void WriteText(string path, string text) => CreateText(path, text).Dispose();

    /// <summary>Writes a text file as <see cref="WriteText"/> does and returns it open, to append to it.</summary>
    /// <exception cref="RunException">The file cannot be written; a previous file is unchanged.</exception>
    public static FileStream CreateText(string path, string text)
    {
        try
        {
            return AtomicFile.Create(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"cannot be written ({failure.Message}); a file written there before is untouched", place: path,
                remedy: "check the free space and the permissions of the folder, then run the command again", cause: failure);
        }
    }

    /// <summary>Reads and parses a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="fault">What is wrong with a file that the parser does not take, as a predicate.</param>
    /// <param name="remedy">What to do about a file that cannot be read; null: what the fault itself suggests.</param>
    /// <param name="parse">Reads and parses it.</param>
    /// <param name="kind">The kind of failure.</param>
    /// <exception cref="RunException">The file cannot be read, or is none of its kind.</exception>
    public static T Read<T>(string path, string fault, string? remedy, Func<T> parse, RunFault kind = RunFault.Other) =>
        ReadFile.Parse(path, fault, parse, problem => new RunException(
            problem.Problem, problem.Expected, problem.Place, remedy ?? problem.Remedy, problem.Cause) { Fault = kind });

    /// <summary>
    /// Gives a damaged file another name, NAME.damaged or NAME.damaged-2, so that a run can go on without it and its user still has it.
    /// </summary>
    /// <returns>The new path.</returns>
    /// <exception cref="RunException">It cannot be renamed.</exception>
    public static string SetAside(string path)
    {
        string target = $"{path}.damaged";
        for (int number = 2; Path.Exists(target); number++)
            target = string.Create(CultureInfo.InvariantCulture, $"{path}.damaged-{number}");
        try
        {
            File.Move(path, target, overwrite: false);
            return target;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new RunException($"is damaged, and cannot be renamed ({failure.Message})", place: path,
                remedy: "move it out of the folder", cause: failure);
        }
    }
}
