using System.Text.Json;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.TestKit.Fuzz;

namespace MeshLite.ControlPlane.Tests.Fuzz;

/// <summary>What reads documents, wherever they come from, and what a workload asks to have signed.</summary>
public sealed class ResourceFuzzTests
{
    private static readonly string[] Words =
    [
        "{", "}", "[", "]", ": ", "- ", "&a ", "*a", "<<: *a", "!!str ", "|\n", ">-\n", "'", "\"", "\n---\n", "\n  ", "# ", "~", ".nan", "\\ud800", "\"\\uD800\"", "%YAML 1.2\n",
    ];

    [Fact]
    public void Yaml_AnyText_IsResourcesOrProblems() => new Fuzzer("resources", Words) { Iterations = 400, AllocationPerByte = 20_000 }.Run(text =>
    {
        var read = YamlReader.Read(text);
        foreach (var document in read.Documents)
        {
            Judged(DocumentReader.Read(document, "fuzz.yaml", 0));
        }
    });

    [Fact]
    public void Json_AnyObject_IsAResourceOrProblems() => new Fuzzer("objects", Words) { Iterations = 1_500, AllocationPerByte = 20_000 }.Run((byte[] bytes) =>
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(bytes);
        }
        catch (JsonException)
        {
            return;
        }

        using (json)
        {
            if (JsonNodes.ReadObject(json.RootElement, out var problem) is { } node)
            {
                problem.ShouldBeNull();
                Judged(DocumentReader.Read(node, "", 0));
            }
            else
            {
                problem.ShouldNotBeNullOrEmpty();
            }
        }
    });

    [Fact]
    public void SigningRequest_AnyBytes_IsAKeyOrASentence() => new Fuzzer("signing-requests", "\x30\x82", "\x30\x80", "\x06\x01\x2a") { Iterations = 1_000 }.Run((byte[] der) =>
    {
        var key = SigningRequest.Check(der, out var problem);
        (key is null).ShouldBe(problem is not null);
    });

    [Fact]
    public void HostPort_AnyAuthority_IsReadOrNot() => new Fuzzer("host-ports", "[", "]", ":", "::1", ".").Run(text =>
    {
        if (HostPort.TryParse(text, out var read))
        {
            read.Host.ShouldBe(read.Host.ToLowerInvariant());
        }
    });

    private static void Judged(DocumentResult result)
    {
        (result.Resource is null).ShouldBe(result.Errors.Count > 0);
        result.Errors.ShouldAllBe(error => error.Message.Length > 0);
    }
}
