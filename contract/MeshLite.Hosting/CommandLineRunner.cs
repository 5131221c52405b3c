using System.CommandLine;
using System.CommandLine.Invocation;

namespace MeshLite.Hosting;

/// <summary>
/// Runs a program's command line the way all MeshLite programs do: a wrong option is one clear line on
/// standard error and exit code 2, a failed start one line and exit code 1. Called once, from <c>Main</c>.
/// </summary>
public static class CommandLineRunner
{
    /// <summary>Exit code of a wrong option.</summary>
    public const int WrongOption = 2;

    /// <summary>Parses and invokes; never throws for what a user can cause by options.</summary>
    public static async Task<int> RunAsync(RootCommand root, IReadOnlyList<string> args, TextWriter? error = null)
    {
        error ??= Console.Error;
        var parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            // The first error only: those that follow are mostly its echo.
            return Fail(error, parsed.Errors[0].Message, WrongOption);
        }

        try
        {
            // Signals belong to the host (ConsoleLifetime), which drains; System.CommandLine would cut that short.
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(invocation).ConfigureAwait(false);
        }
        catch (StartupException failure)
        {
            return Fail(error, failure.Message, failure.ExitCode);
        }
    }

    private static int Fail(TextWriter error, string message, int exitCode)
    {
        error.WriteLine($"{RootCommand.ExecutableName}: {OneLine(message)}");
        return exitCode;
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").Trim();
}
