using System.CommandLine;
using System.Security.Cryptography;
using MeshLite.Cli.Operator;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;

namespace MeshLite.Cli;

/// <summary>
/// <c>meshctl token rotate-key</c>: exchanges the key of join tokens in the control plane's data directory, which follows without a restart. Tokens of the old key stay good
/// until the last of them has ended, or until <c>--retire</c>: after a key was stolen, one after the other.
/// </summary>
internal static class RotateKeyCommand
{
    /// <summary>The command; says what it did to <paramref name="output"/>.</summary>
    public static Command Create(TimeProvider time, TextWriter output)
    {
        var dataDirectory = new Option<string>("--data-dir") { Description = "The control plane's data directory", HelpName = "DIR", Required = true };
        var retire = new Option<bool>("--retire") { Description = "Make no new key: end those that were exchanged before, and all their tokens, now" };
        var command = new Command("rotate-key", "Exchange the key that signs join tokens") { dataDirectory, retire };
        command.SetAction(parsed =>
        {
            var directory = parsed.GetRequiredValue(dataDirectory);
            try
            {
                if (!File.Exists(Path.Combine(directory, JoinTokenKey.FileName)))
                {
                    throw StartupException.WrongOption("--data-dir", $"there is no {JoinTokenKey.FileName} in {directory}");
                }

                return parsed.GetValue(retire) ? Retire(directory, time, output) : Rotate(directory, time, output);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
            {
                throw StartupException.WrongOption("--data-dir", failure.Message);
            }
        });
        return command;
    }

    private static int Rotate(string directory, TimeProvider time, TextWriter output)
    {
        var rotation = JoinTokenRotation.Rotate(directory, time);
        output.WriteLine($"key {rotation.SigningId} signs from now on");
        foreach (var (id, until) in rotation.Retiring)
        {
            output.WriteLine($"tokens of key {id} are good until {Text.Moment(until)}; --retire ends them now");
        }

        return 0;
    }

    private static int Retire(string directory, TimeProvider time, TextWriter output)
    {
        if (JoinTokenRotation.Retire(directory, time) is not { Count: > 0 } ended)
        {
            throw new StartupException("there is no older key to retire: exchange the present one first, by the same command without --retire");
        }

        foreach (var id in ended)
        {
            output.WriteLine($"tokens of key {id} are refused from now on");
        }

        return 0;
    }
}
