using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Sources;

namespace MeshLite.ControlPlane.Tests.Compile;

/// <summary>
/// A mesh from one YAML text: its documents, and, in a document of kind <c>Case</c>, what no document says: registered
/// workloads, services known from earlier, the authorities to compile, and the services whose workloads' own resource to compile (<c>serving</c>);
/// of a cluster its objects as the API server would give them (<c>objects</c>), and the Pods whose own resource to compile (<c>pods: [NAME as ACCOUNT]</c>).
/// </summary>
internal sealed class MeshCase
{
    private MeshCase(IReadOnlyList<DocumentResult> documents, MapNode? test)
    {
        Errors = [.. documents.SelectMany(d => d.Errors).Select(e => e.ToString())];
        Changes = [.. documents.Where(d => d.Resource is not null).Select(d => new ResourceChange(d.Resource!.Key, d.Resource, 0))];
        if (test is not null)
        {
            Caller = TextOf(test, "caller") ?? Caller;
            Authorities = TextsOf(test, "authorities");
            Serving = TextsOf(test, "serving");
            Pods = [.. TextsOf(test, "pods").Select(text => text.Split(" as ")).Select(parts => (parts[0], parts[1]))];
            Changes = Changes.AddRange(Items(test, "objects").Select(ClusterCase.Read));
            Changes = Changes.AddRange(Items(test, "workloads").Cast<MapNode>().Select((w, i) => MakeWorkload(w, i)));
            Changes = Changes.Add(new RememberedServices([.. TextsOf(test, "remembered").Select(s => new ServiceKey(s.Split('/')[0], s.Split('/')[1]))], 0));
        }

        View = ViewOf([.. Changes, new Synced(0)]);
    }

    public string Caller { get; } = "shop";

    public ImmutableArray<string> Authorities { get; } = [];

    public ImmutableArray<string> Serving { get; } = [];

    public ImmutableArray<(string Name, string ServiceAccount)> Pods { get; } = [];

    public ImmutableArray<string> Errors { get; }

    /// <summary>All that made the view, but for the sync.</summary>
    public ImmutableArray<IndexChange> Changes { get; } = [];

    public IndexView View { get; }

    /// <summary>Of the workload of that name.</summary>
    public ImmutableSortedDictionary<string, string>? LabelsOf(string workload) =>
        Changes.OfType<WorkloadChange>().Select(change => change.Value!).FirstOrDefault(w => w.Key.Name == workload)?.Labels;

    public static MeshCase Parse(string yaml)
    {
        var result = YamlReader.Read(yaml);
        result.Problem.ShouldBeNull();
        return Of(result.Documents);
    }

    public static MeshCase Of(ImmutableArray<Node> nodes)
    {
        var test = nodes.OfType<MapNode>().FirstOrDefault(d => TextOf(d, "kind") == "Case");
        return new MeshCase([.. nodes.Select((d, i) => (d, i)).Where(d => d.d != test).Select(d => DocumentReader.Read(d.d, "input.yaml", d.i))], test);
    }

    public static IndexView ViewOf(IEnumerable<IndexChange> changes) =>
        changes.Aggregate(IndexView.Empty, (view, change) => IndexReducer.Apply(view, change, new HashSet<IndexKey>()));

    private static WorkloadChange MakeWorkload(MapNode node, int index)
    {
        var name = TextOf(node, "name")!;
        var service = TextOf(node, "service")!;
        var key = new WorkloadKey(TextOf(node, "namespace") ?? "shop", TextOf(node, "serviceAccount") ?? service, name);
        return new WorkloadChange(
            key,
            new WorkloadRegistration
            {
                Key = key,
                Service = service,
                Address = IPEndPoint.Parse(TextOf(node, "address")!),
                AppPort = int.Parse(TextOf(node, "appPort") ?? "8080"),
                Labels = node.Find("labels") is { Value: MapNode labels }
                    ? labels.Fields.ToImmutableSortedDictionary(f => f.Name, f => ((ScalarNode)f.Value).Text, StringComparer.Ordinal)
                    : ImmutableSortedDictionary<string, string>.Empty,
                Transparent = TextOf(node, "transparent") == "true",
                UncapturedPorts = [.. TextsOf(node, "uncapturedPorts").Select(port => int.Parse(port))],
                FurtherAddresses = [.. TextsOf(node, "furtherAddresses").Select(IPAddress.Parse)],
                Ready = TextOf(node, "ready") != "false",
                Draining = TextOf(node, "draining") == "true",
                Sequence = index,
            },
            0);
    }

    private static string? TextOf(MapNode map, string name) => (map.Find(name)?.Value as ScalarNode)?.Text;

    private static IEnumerable<Node> Items(MapNode map, string name) => (map.Find(name)?.Value as ListNode)?.Items ?? [];

    private static ImmutableArray<string> TextsOf(MapNode map, string name) => [.. Items(map, name).Cast<ScalarNode>().Select(s => s.Text)];
}
