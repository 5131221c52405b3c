using System.CommandLine;
using System.Reflection;

namespace MeshLite.Cli;

/// <summary><c>meshctl version</c>.</summary>
public static class VersionCommand
{
    /// <summary>The command; writes to <paramref name="output"/>.</summary>
    public static Command Create(TextWriter output)
    {
        var command = new Command("version", "Print the version of meshctl");
        command.SetAction(_ => output.WriteLine(
            typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion));
        return command;
    }
}
