using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;

namespace MeshLite.ControlPlane.Tests.Compile;

/// <summary>
/// <c>golden/&lt;case&gt;/input.yaml</c> compiles to <c>snapshot.json</c>: errors and problems of the documents, each authority as it
/// goes to a sidecar, and the endpoints it needs, and the own resource of workloads. <c>GOLDEN_UPDATE=1</c> rewrites the snapshots.
/// </summary>
public sealed class GoldenTests
{
    private static readonly JsonSerializerOptions Pretty = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Cases() => [.. Directory.GetDirectories(GoldenDirectory()).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Compile_Case_GivesItsSnapshot(string name)
    {
        var directory = Path.Combine(GoldenDirectory(), name);
        var actual = Snapshot(MeshCase.Parse(File.ReadAllText(Path.Combine(directory, "input.yaml"))));
        var path = Path.Combine(directory, "snapshot.json");
        if (Environment.GetEnvironmentVariable("GOLDEN_UPDATE") == "1")
        {
            File.WriteAllText(path, actual);
        }

        File.Exists(path).ShouldBeTrue($"{path} is missing; GOLDEN_UPDATE=1 writes it");
        actual.ShouldBe(File.ReadAllText(path));
    }

    [Fact]
    public void Cases_AreFound() => Cases().Count.ShouldBeGreaterThanOrEqualTo(30);

    internal static string Snapshot(MeshCase input)
    {
        var destinations = new JsonObject();
        var endpoints = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var authority in input.Authorities)
        {
            var compiled = DestinationCompiler.Compile(input.View, authority, input.Caller);
            destinations[authority] = Json(MeshMapper.ToProto(compiled.Config));
            foreach (var service in compiled.Endpoints)
            {
                endpoints[service.ToString()] = Json(MeshMapper.ToProto(EndpointCompiler.Compile(input.View, service)))["endpoints"]?.DeepClone() ?? new JsonArray();
            }
        }

        var snapshot = new JsonObject();
        Add(snapshot, "errors", [.. input.Errors.Select(e => (JsonNode)e)]);
        Add(snapshot, "problems", [.. Diagnostics.Find(input.View).Select(p => (JsonNode)$"{p.Origin}: {p.Key}: {p.Condition}: {p.Message}")]);
        snapshot["mesh"] = Json(MeshMapper.ToProto(MeshCompiler.Compile(input.View)));
        if (!input.Serving.IsEmpty)
        {
            snapshot["workloads"] = new JsonObject(input.Serving.Select(service => KeyValuePair.Create(
                service, (JsonNode?)Json(MeshMapper.ToProto(MeshCompiler.Compile(input.View, new SpiffeId("cluster.local", input.Caller, service), $"{service}-1", service, "", 8080, input.LabelsOf($"{service}-1")))))));
        }

        if (!input.Pods.IsEmpty)
        {
            snapshot["pods"] = new JsonObject(input.Pods.Select(pod => KeyValuePair.Create(
                pod.Name, (JsonNode?)Json(MeshMapper.ToProto(MeshCompiler.Compile(input.View, new SpiffeId("cluster.local", input.Caller, pod.ServiceAccount), new PodKey(input.Caller, pod.Name)))))));
        }

        snapshot["destinations"] = destinations;
        snapshot["endpoints"] = new JsonObject(endpoints);
        return snapshot.ToJsonString(Pretty) + "\n";
    }

    private static void Add(JsonObject snapshot, string name, JsonNode[] items)
    {
        if (items.Length > 0)
        {
            snapshot[name] = new JsonArray(items);
        }
    }

    // Defaults are left out, as they are on the wire; names as in the .proto files.
    private static JsonNode Json(IMessage message) =>
        JsonNode.Parse(new JsonFormatter(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true)).Format(message))!;

    internal static string GoldenDirectory([CallerFilePath] string source = "") => Path.Combine(Path.GetDirectoryName(source)!, "..", "golden");
}
