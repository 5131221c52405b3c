using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MeshLite.Injection.Tests;

/// <summary>
/// <c>golden/&lt;case&gt;/input.json</c>, a pod and the labels of its namespace, gives <c>result.json</c>: the pod as injected, with the patch that makes it of
/// the one given, or why not. <c>GOLDEN_UPDATE=1</c> rewrites the results.
/// </summary>
public sealed class GoldenTests
{
    private static readonly JsonSerializerOptions Pretty = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Cases() => [.. Directory.GetDirectories(GoldenDirectory()).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Inject_Case_GivesItsResult(string name)
    {
        var (pod, ns) = Pods.Read(File.ReadAllText(Path.Combine(GoldenDirectory(), name, "input.json")));
        var path = Path.Combine(GoldenDirectory(), name, "result.json");
        var actual = Describe(pod, PodInjector.Inject(pod, ns, Pods.Options)).ToJsonString(Pretty) + "\n";
        if (Environment.GetEnvironmentVariable("GOLDEN_UPDATE") == "1")
        {
            File.WriteAllText(path, actual);
        }

        File.Exists(path).ShouldBeTrue($"{path} is missing; GOLDEN_UPDATE=1 writes it");
        actual.ShouldBe(File.ReadAllText(path));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Inject_CaseTwice_DoesNothingMore(string name)
    {
        var (pod, ns) = Pods.Read(File.ReadAllText(Path.Combine(GoldenDirectory(), name, "input.json")));
        if (PodInjector.Inject(pod, ns, Pods.Options).Pod is { } injected)
        {
            PodInjector.Inject(injected, ns, Pods.Options).LeftAlone.ShouldNotBeNull().ShouldContain("injected already");
        }
    }

    [Fact]
    public void Cases_AreFound() => Cases().Count.ShouldBeGreaterThanOrEqualTo(15);

    private static JsonObject Describe(JsonObject before, InjectionResult result)
    {
        var described = new JsonObject();
        if (result.LeftAlone is not null)
        {
            described["leftAlone"] = result.LeftAlone;
        }

        if (result.Refusal is not null)
        {
            described["refusal"] = result.Refusal;
        }

        if (result.Warnings.Count > 0)
        {
            described["warnings"] = new JsonArray([.. result.Warnings.Select(warning => (JsonNode)warning)]);
        }

        if (result.Pod is not null)
        {
            var patch = JsonPatch.Between(before, result.Pod);
            JsonNode.DeepEquals(PatchReader.Apply(before, patch), result.Pod).ShouldBeTrue("the patch makes it");
            described["patched"] = new JsonArray([.. patch.Select(operation => (JsonNode)$"{operation!["op"]} {operation["path"]}")]);
            described["pod"] = result.Pod.DeepClone();
        }

        return described;
    }

    private static string GoldenDirectory([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "golden");
}
