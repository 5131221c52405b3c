using System.Text.Json;
using Google.Protobuf;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Sources;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
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

    [Fact]
    public void PodName_AnyText_IsAnAddressOrNone() => new Fuzzer("host-ports", "[", "]", ":", "::1", ".", "-").Run(text =>
    {
        if (PodCompiler.TryParse(text, out var address))
        {
            address.ToString().Length.ShouldBe(text.IndexOf('.', StringComparison.Ordinal));
        }
    });

    /// <summary>What a sidecar says of itself, once it has proved whose it is: an owner, or a sentence that names the field.</summary>
    [Fact]
    public void Hello_AnyMessage_IsAnOwnerOrAStatus()
    {
        var caller = new Caller(SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"), DateTimeOffset.MaxValue);
        new Fuzzer("hello", "10.1.0.1", "::1", "fe80::1%1", "0.0.0.0", "orders") { Iterations = 2_000, AllocationPerByte = 2_000 }.Run((byte[] bytes) =>
        {
            Hello hello;
            try
            {
                hello = Hello.Parser.ParseFrom(bytes);
            }
            catch (InvalidProtocolBufferException)
            {
                return;
            }

            try
            {
                var owner = HelloReader.Read(hello, caller);
                owner.Identity.ShouldBe(caller.Id);
                (owner.Registration?.Key.Namespace ?? "shop").ShouldBe("shop", "nobody registers elsewhere");
            }
            catch (GrpcException refusal)
            {
                refusal.Code.ShouldBe(GrpcStatusCode.InvalidArgument);
            }
        });
    }

    /// <summary>Our own file, as a full disk or a hand may have left it.</summary>
    [Fact]
    public void WorkloadFile_AnyBytes_IsReadOrRefused() => new Fuzzer("workloads", Words) { Iterations = 1_500, AllocationPerByte = 4_000 }.Run((byte[] bytes) =>
    {
        SavedWorkloads read;
        try
        {
            read = WorkloadFile.Parse(bytes);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return;
        }

        var again = WorkloadFile.Parse(WorkloadFile.Format(read));
        again.Workloads.Select(w => w.Key).ShouldBe(read.Workloads.Select(w => w.Key));
        again.KnownServices.ShouldBe(read.KnownServices);
    });

    private static void Judged(DocumentResult result)
    {
        (result.Resource is null).ShouldBe(result.Errors.Count > 0);
        result.Errors.ShouldAllBe(error => error.Message.Length > 0);
    }
}
