using System.CommandLine;
using System.Reflection;
using System.Security.Cryptography;
using MeshLite.Hosting;
using MeshLite.Injection;
using MeshLite.Protocol.Pki;

namespace MeshLite.Cli.Inject;

/// <summary>
/// <c>meshctl inject -f FILE</c>: what the webhook does to pods as they are created, done to the pod templates of YAML documents beforehand. What is not
/// changed comes out as it went in, byte for byte; a document that is changed loses its comments.
/// </summary>
public static class InjectCommand
{
    private static readonly Option<string> File = new("--filename", "-f") { Description = "YAML documents; - reads standard input", HelpName = "FILE", Required = true };
    private static readonly Option<string> Ca = new("--control-plane-ca") { Description = "PEM roots of the mesh, which pods trust from the first", HelpName = "FILE", Required = true };

    private static readonly Option<string> ControlPlane = new("--control-plane")
    {
        Description = "the control plane's address as pods see it", HelpName = "https://HOST:PORT", DefaultValueFactory = _ => "https://meshlite-control-plane.meshlite-system.svc:15012",
    };

    private static readonly Option<string> Image = new("--image")
    {
        Description = "image of sidecar and capture", HelpName = "IMAGE", DefaultValueFactory = _ => $"meshlite/sidecar:{Version}",
    };

    private static string Version => typeof(InjectCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>The command; documents go to <paramref name="output"/>, remarks to <paramref name="error"/>. <paramref name="input"/>: by default standard input.</summary>
    public static Command Create(TextWriter output, TextWriter error, TextReader? input = null)
    {
        var command = new Command("inject", "Put sidecars into the pods of YAML documents") { File, Ca, ControlPlane, Image };
        command.SetAction(parsed =>
        {
            var text = Read("--filename", parsed.GetRequiredValue(File), input);
            output.Write(DocumentInjector.Inject(text, Options(parsed), remark => error.WriteLine($"meshctl: {remark}")));
        });
        return command;
    }

    private static InjectionOptions Options(ParseResult parsed)
    {
        var controlPlane = parsed.GetRequiredValue(ControlPlane);
        if (!Uri.TryCreate(controlPlane, UriKind.Absolute, out var uri) || uri is not { Scheme: "https", PathAndQuery: "/" })
        {
            throw StartupException.WrongOption("--control-plane", $"'{controlPlane}' is not https://HOST:PORT");
        }

        try
        {
            return new InjectionOptions
            {
                Image = parsed.GetRequiredValue(Image),
                ControlPlane = controlPlane,
                TrustBundlePem = TrustBundle.FromPem(Read("--control-plane-ca", parsed.GetRequiredValue(Ca), null)).ToPem(),
                TokenAudience = JoinToken.Audience,
                Version = Version,
            };
        }
        catch (CryptographicException problem)
        {
            throw StartupException.WrongOption("--control-plane-ca", problem.Message);
        }
    }

    private static string Read(string option, string path, TextReader? input)
    {
        try
        {
            return path == "-" && option == "--filename" ? (input ?? Console.In).ReadToEnd() : System.IO.File.ReadAllText(path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw StartupException.WrongOption(option, problem.Message);
        }
    }
}
