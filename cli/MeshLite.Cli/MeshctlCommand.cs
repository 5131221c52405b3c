using System.CommandLine;
using System.CommandLine.Help;
using MeshLite.Cli.Check;
using MeshLite.Cli.Inject;
using MeshLite.Cli.Status;
using MeshLite.Cli.Wait;

namespace MeshLite.Cli;

/// <summary><c>meshctl</c> with its commands; alone it shows its help.</summary>
public static class MeshctlCommand
{
    /// <summary>The command; results go to <paramref name="output"/>, remarks to <paramref name="error"/>.</summary>
    public static RootCommand Create(TimeProvider time, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("meshctl: command line of the MeshLite service mesh")
        {
            CheckCommand.Create(time, output),
            InjectCommand.Create(output, error),
            StatusCommand.Create(time, output, error),
            TokenCommand.Create(time, output, error),
            VersionCommand.Create(output),
            WaitCommand.Create(time, output, error),
        };
        root.SetAction(parsed => new HelpAction().Invoke(parsed));
        return root;
    }
}
