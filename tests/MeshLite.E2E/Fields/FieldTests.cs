using MeshLite.Processes.Mesh;

namespace MeshLite.E2E.Fields;

/// <summary>
/// What each field of TrafficRoute and TrafficPolicy does to requests, with the real control plane and sidecars. A case fails
/// where a field of its is dropped on the way, wherever that happens.
/// </summary>
public sealed class FieldTests(FieldMesh mesh) : IClassFixture<FieldMesh>
{
    private const string TakeAway = "MESHLITE_TAKE_FIELDS_AWAY";

    private static readonly string[] Kinds = ["TrafficRoute", "TrafficPolicy"];

    public static TheoryData<string> Cases => [.. FieldCase.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Field_Declared_DoesWhatItSays(string name)
    {
        var tried = FieldCase.All.Single(c => c.Name == name);
        await mesh.ApplyAsync(Yaml.Route(Yaml.Plain));
        await mesh.ApplyAsync(tried.Documents);
        await tried.Probe(mesh);
        mesh.Apps.Release();
    }

    [Fact]
    public void Cases_Together_AreAboutEveryField()
    {
        var everyField = File.ReadAllText(Path.Combine(MeshPrograms.RepositoryRoot(), "tests", "MeshLite.ControlPlane.Tests", "golden", "every-field", "input.yaml"));

        FieldCase.All.SelectMany(c => c.Fields).Distinct().Order().ShouldBe(Yaml.Fields(everyField, Kinds).Order());
        foreach (var tried in FieldCase.All)
        {
            tried.Fields.Where(f => !Yaml.Fields(tried.Documents, Kinds).Contains(f)).ShouldBeEmpty($"'{tried.Name}' does not set what it is about");
        }
    }

    /// <summary>
    /// The tests' test, which takes minutes: each field is taken out of its case's documents, or what it is a required part of, and
    /// the case has to fail. Run it where a case is added.
    /// </summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Field_TakenAway_IsMissed(string name)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(TakeAway) == "1", $"tests the tests, for minutes: {TakeAway}=1 where a case is added");
        var tried = FieldCase.All.Single(c => c.Name == name);
        foreach (var field in tried.Fields)
        {
            var taken = await TakeAwayAsync(tried, field);
            if (taken is null)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"{field}: its document is refused without it");
                continue;
            }

            var missed = await Record.ExceptionAsync(() => tried.Probe(mesh));
            mesh.Apps.Release();
            missed.ShouldNotBeNull($"{taken} was taken away, and '{name}' did not notice");
            TestContext.Current.TestOutputHelper?.WriteLine($"{taken}: {missed.Message.ReplaceLineEndings(" ")}");
        }
    }

    // The field, or the nearest thing above it, without which the documents are valid; null: there is none.
    private async Task<string?> TakeAwayAsync(FieldCase tried, string field)
    {
        for (var taken = field; ; taken = taken[..taken.LastIndexOf('.')])
        {
            await mesh.ApplyAsync(Yaml.Route(Yaml.Plain));
            var refused = Refusals();
            await mesh.ApplyAsync(Yaml.Without(tried.Documents, taken)!);
            // What is refused is told in the log, which may come a moment after the marker.
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
            if (Refusals() == refused)
            {
                return taken;
            }

            if (!taken.Contains('.', StringComparison.Ordinal))
            {
                return null;
            }
        }
    }

    private int Refusals() => mesh.ControlPlane.Process.Log.Lines.Count(l => l.Contains("DocumentRefused", StringComparison.Ordinal));
}
