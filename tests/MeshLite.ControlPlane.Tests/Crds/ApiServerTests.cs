using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Compile;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>What only an API server can say of the CRDs: that they are structural, what CEL refuses, which defaults it sets.</summary>
[Collection(ApiServer.Group)]
public sealed partial class ApiServerTests(ApiServer server)
{
    private static readonly string[] ByServer = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"];

    [Fact]
    public async Task Create_BadResources_EachIsRefusedAtItsField()
    {
        var wrong = new List<string>();
        foreach (var bad in BadResources.All)
        {
            var answer = await server.CreateAsync(await InAsync(bad.Yaml));
            if (answer.Status != HttpStatusCode.UnprocessableEntity
                || !answer.Causes.Any(c => (c.Field == bad.Field || (bad.Field.Length == 0 && c.Field is "<nil>" or "")) && c.Message.Contains(bad.Words, StringComparison.Ordinal)))
            {
                wrong.Add($"{bad.Yaml}\n  expected {bad.Field} '{bad.Words}', was {answer.Status}: {string.Join("; ", answer.Causes)}");
            }
        }

        wrong.ShouldBeEmpty(string.Join('\n', wrong));
    }

    [Fact]
    public async Task Create_EveryDocument_IsTakenAndMeansTheSame()
    {
        var cases = 0;
        foreach (var (name, yaml) in RepositoryDocuments.All())
        {
            var documents = ApiServer.Split(yaml).ToArray();
            var nodes = documents.Select(d => YamlReader.Read(d).Documents.ShouldHaveSingleItem(name)).ToImmutableArray();
            var stored = nodes;
            for (var i = 0; i < documents.Length; i++)
            {
                if (Crd.All.ContainsKey(FieldCoverageTests.KindOf(nodes[i])) && DocumentReader.Read(nodes[i], name, i).Errors.Count == 0)
                {
                    var answer = await server.CreateAsync(await InAsync(documents[i]));
                    answer.Status.ShouldBe(HttpStatusCode.Created, $"{name}: {documents[i]}\n{answer.Body}");
                    stored = stored.SetItem(i, Read(answer.Body, nodes[i].Line));
                    cases++;
                }
            }

            var (before, after) = (MeshCase.Of(nodes), MeshCase.Of(stored));
            after.Errors.ShouldBe(before.Errors, name);
            FieldCoverageTests.Fingerprint(after).ShouldBe(FieldCoverageTests.Fingerprint(before), name);
        }

        cases.ShouldBeGreaterThan(50);
    }

    [Fact]
    public async Task Table_OfAResourceWithStatus_ShowsIt()
    {
        const string Path = "apis/meshlite.dev/v1alpha1/namespaces/default/trafficroutes/table";
        var route = "apiVersion: meshlite.dev/v1alpha1\nkind: TrafficRoute\nmetadata: {name: table}\nspec: {parentRefs: [{kind: Service, name: orders}], rules: [{}]}\n";
        await server.DeleteAsync(route);
        (await server.CreateAsync(route, dryRun: false)).Status.ShouldBe(HttpStatusCode.Created);
        var condition = "status: \"True\", reason: R, observedGeneration: 1, lastTransitionTime: \"2026-01-01T00:00:00Z\"";

        var status = await server.SendAsync(
            HttpMethod.Patch, $"{Path}/status?fieldManager=status&fieldValidation=Strict",
            "apiVersion: meshlite.dev/v1alpha1\nkind: TrafficRoute\nmetadata: {name: table}\n"
            + $"status: {{observedGeneration: 1, conditions: [{{type: Accepted, message: fine, {condition}}}, {{type: Programmed, message: 37/40 sidecars, {condition}}}]}}\n",
            "application/apply-patch+yaml");
        var table = await server.SendAsync(HttpMethod.Get, Path, null, "", "application/json;as=Table;v=v1;g=meta.k8s.io");

        status.Status.ShouldBe(HttpStatusCode.OK, $"{status.Body}");
        ((int)status.Body["metadata"]!["generation"]!).ShouldBe(1);
        var columns = table.Body["columnDefinitions"]!.AsArray().Select(c => (string)c!["name"]!);
        var cells = table.Body["rows"]![0]!["cells"]!.AsArray().Select(c => $"{c}");
        columns.Zip(cells).Where(c => c.First is not ("Age" or "Refs")).ShouldBe([("Name", "table"), ("Services", "orders"), ("Accepted", "True"), ("Programmed", "37/40 sidecars"), ("Message", "fine")]);
        await server.DeleteAsync(route);
    }

    // The namespace must be there even for a dry run.
    private async Task<string> InAsync(string yaml)
    {
        if (Namespace().Match(yaml) is { Success: true } match)
        {
            await server.ApplyAsync($"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {match.Groups["name"].Value}}}\n");
        }

        return yaml;
    }

    // JSON is YAML. What the server adds to metadata is not the reader's business.
    private static Node Read(JsonNode stored, int line)
    {
        foreach (var name in ByServer)
        {
            stored["metadata"]!.AsObject().Remove(name);
        }

        stored.AsObject().Remove("status");
        return YamlReader.Read(stored.ToJsonString()).Documents.ShouldHaveSingleItem() with { Line = line };
    }

    [GeneratedRegex(@"^metadata: \{.*namespace: (?<name>[a-z0-9-]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
