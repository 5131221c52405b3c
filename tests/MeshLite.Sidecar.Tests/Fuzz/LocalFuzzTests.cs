using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using MeshLite.Hosting;
using MeshLite.Metrics;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Probes;
using MeshLite.Sidecar.Telemetry;
using MeshLite.Sidecar.Tests.Config;
using MeshLite.TestKit;
using MeshLite.TestKit.Fuzz;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Fuzz;

/// <summary>What reads the application's pages, and what lies in the pod: the state directory, the command line.</summary>
public sealed class LocalFuzzTests
{
    [Fact]
    public void ApplicationPage_AnyBytes_IsAPageOrNone() => new Fuzzer("metrics", "# TYPE ", "# HELP ", "# EOF", "\n", "{\"", "\"}", " 1\n") { Iterations = 2_000 }.Run((byte[] page) =>
    {
        if (ApplicationPage.Read(ExpositionFormat.Text, page) is { } read)
        {
            var again = ApplicationPage.Read(ExpositionFormat.Text, read.Body.Span).ShouldNotBeNull();
            again.Body.ToArray().ShouldBe(read.Body.ToArray());
            again.Names.SetEquals(read.Names).ShouldBeTrue();
        }
    });

    [Fact]
    public void ProbeTable_AnyJson_IsATableOrASentence() => new Fuzzer("probes", "{", "}", "\"", ":", ",", "httpGet", "\"\\ud800\"", "[", "1e999") { Iterations = 1_500 }.Run(text =>
    {
        try
        {
            ProbeTable.Parse("--probes", text).ShouldAllBe(probe => probe.Key.Contains('/'));
        }
        catch (StartupException)
        {
            // One clear sentence.
        }
    });

    [Fact]
    public void LastGoodFile_AnyContent_IsRestoredOrPutAside()
    {
        using var directory = new TestDirectory();
        var file = new LastGoodFile(directory.Path, NullLogger.Instance);
        new Fuzzer("last-good", "{", "}", "[", "]", "\"", ":", ",", "\"\\ud800\"", "null", "1e999") { Iterations = 400, AllocationPerByte = 8_000 }.Run((byte[] content) =>
        {
            Restored(content);
            if (WithItsNames(content) is { } named)
            {
                Restored(named);
            }
        });

        void Restored(byte[] content)
        {
            File.WriteAllBytes(directory["config.json"], content);
            var cache = new ResourceCache(new RecordingSink());
            if (file.Restore(cache) == 0)
            {
                return;
            }

            file.Save(cache);
            var again = new ResourceCache(new RecordingSink());
            file.Restore(again);
            again.ToUpdate().ShouldBe(cache.ToUpdate());
        }
    }

    // What is behind the hash of the names would hardly ever be reached by chance. Null: it has no names.
    private static byte[]? WithItsNames(byte[] content)
    {
        try
        {
            var json = JsonNode.Parse(content)!.AsObject();
            var update = JsonParser.Default.Parse<Update>(Encoding.UTF8.GetString(content));
            json[LastGoodFile.NamesField] = LastGoodFile.HashOfNames(update);
            return Encoding.UTF8.GetBytes(json.ToJsonString());
        }
        catch (Exception e) when (e is JsonException or InvalidProtocolBufferException or InvalidJsonException or ArgumentException or InvalidOperationException or NullReferenceException)
        {
            return null;
        }
    }
}
