namespace MeshLite.Hosting;

/// <summary>
/// Why a program cannot start, in a sentence for the person who started it; <see cref="CommandLineRunner"/>
/// prints it and ends the process.
/// </summary>
public sealed class StartupException(string message, int exitCode = 1, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Exit code of the process. <value>1, or 2 where an option is to blame.</value></summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>An option's value parses but cannot be used: a directory that is not there, a file that is no certificate.</summary>
    public static StartupException WrongOption(string option, string problem) =>
        new($"{option}: {problem}", CommandLineRunner.WrongOption);
}
