using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Security.Cryptography;
using MeshLite.Hosting;
using MeshLite.Model;
using MeshLite.Protocol.Pki;

namespace MeshLite.Cli;

/// <summary>
/// <c>meshctl token create</c>: signs a join token with the key in the control plane's data directory, so it runs where
/// that directory is. The first of control plane and meshctl to need the key makes it.
/// </summary>
public static class TokenCommand
{
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromHours(24);

    /// <summary>The command; without --out the token goes to <paramref name="output"/>, and nothing else does.</summary>
    public static Command Create(TimeProvider time, TextWriter output, TextWriter error)
    {
        var dataDirectory = new Option<string>("--data-dir")
        {
            Description = "The control plane's data directory",
            HelpName = "DIR",
            Required = true,
        };
        var ns = Name("--namespace", "Namespace of the workload", "NS");
        var serviceAccount = Name("--service-account", "Service account of the workload", "SA");
        var lifetime = new Option<TimeSpan?>("--ttl")
        {
            Description = "How long the token can be used, as often as needed: 30m, 24h, 1h30m [default: 24h]",
            HelpName = "TTL",
            CustomParser = ParseLifetime,
        };
        var file = new Option<string?>("--out")
        {
            Description = "Write the token to a file (mode 0600) instead of standard output",
            HelpName = "FILE",
        };

        var create = new Command("create", "Make a join token: with it a sidecar gets its first certificate")
        {
            dataDirectory, ns, serviceAccount, lifetime, file,
        };
        create.SetAction(parsed =>
        {
            var signed = Sign(
                parsed.GetRequiredValue(dataDirectory), parsed.GetRequiredValue(ns), parsed.GetRequiredValue(serviceAccount), parsed.GetValue(lifetime) ?? DefaultLifetime, time, error);
            if (parsed.GetValue(file) is { } path)
            {
                Write(path, signed);
            }
            else
            {
                output.WriteLine(signed);
            }
        });
        var token = new Command("token", "Join tokens of a standalone mesh") { create, RotateKeyCommand.Create(time, output) };
        token.SetAction(parsed => new HelpAction().Invoke(parsed));
        return token;
    }

    private static string Sign(string dataDirectory, string ns, string serviceAccount, TimeSpan lifetime, TimeProvider time, TextWriter error)
    {
        try
        {
            if (!File.Exists(Path.Combine(dataDirectory, JoinTokenKey.FileName)))
            {
                // Right before a control plane's first start, and a surprise where the directory was misspelt.
                error.WriteLine($"meshctl: made a new key in {dataDirectory}: only a control plane with this --data-dir accepts the token");
            }

            using var key = JoinTokenKey.LoadOrCreate(dataDirectory);
            var token = JoinToken.Create(key, ns, serviceAccount, lifetime, time);
            JoinTokenRotation.NoteIssued(dataDirectory, JoinToken.KeyId(key), time.GetUtcNow() + lifetime);
            return token;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw StartupException.WrongOption("--data-dir", failure.Message);
        }
    }

    private static void Write(string path, string token)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is not { } directory || !Directory.Exists(directory))
        {
            throw StartupException.WrongOption("--out", $"there is no directory for {path}");
        }

        try
        {
            SecretFile.Replace(path, token + "\n");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw StartupException.WrongOption("--out", failure.Message);
        }
    }

    private static Option<string> Name(string name, string description, string helpName)
    {
        var option = new Option<string>(name) { Description = description, HelpName = helpName, Required = true };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !SpiffeId.IsSegment(token.Value))
            {
                result.AddError($"{name}: '{token.Value}' is not a Kubernetes name (lower case letters, digits, '-' and '.')");
            }
        });
        return option;
    }

    private static TimeSpan? ParseLifetime(ArgumentResult result)
    {
        var text = string.Join(' ', result.Tokens.Select(t => t.Value));
        if (GatewayDuration.TryParse(text, out var lifetime) && lifetime >= TimeSpan.FromSeconds(1))
        {
            return lifetime;
        }

        result.AddError($"--ttl: '{text}' is not a duration of at least 1s, for example 30m, 24h, 1h30m");
        return null;
    }
}
