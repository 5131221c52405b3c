using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>The admin interface, and <c>sidecar/ADMIN.md</c>, which describes it.</summary>
public sealed partial class AdminTests
{
    private static readonly HttpClient Http = new();

    [Theory]
    [InlineData("GET", "/clusters")]
    [InlineData("GET", "/certs")]
    [InlineData("GET", "/stats")]
    [InlineData("GET", "/logging")]
    [InlineData("POST", "/drain")]
    public async Task Page_EveryField_IsDocumentedAndEveryDocumentedFieldIsThere(string method, string path)
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        await UseAsync(pair);

        var page = await PageAsync(pair.Client, method, path);

        var fields = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        Collect(page, "", fields);
        var documented = Documented($"{method} {path}");
        fields.Keys.ShouldBe(documented.Keys);
        foreach (var (name, kinds) in fields)
        {
            var (kind, isNullable) = documented[name];
            kinds.ShouldBeSubsetOf(isNullable ? [kind, "null"] : [kind], name);
        }
    }

    [Fact]
    public async Task Config_Resources_AreAsDocumented()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        await UseAsync(pair);

        var resources = (await PageAsync(pair.Client, "GET", "/config")).GetProperty("resources").EnumerateArray().ToArray();

        var documented = Documented("GET /config").Keys.ToHashSet();
        resources.SelectMany(resource => resource.EnumerateObject()).Select(field => $"resources[].{field.Name}").ToHashSet().ShouldBe(documented, ignoreOrder: true);
        foreach (var resource in resources)
        {
            resource.GetProperty("version").GetString()!.ShouldMatch("^[0-9a-f]{16}$");
            resource.EnumerateObject().Count().ShouldBe(3);
        }

        resources.Select(resource => resource.GetProperty("key").GetString()).ShouldBe(
            ["mesh", "workload", "endpoints/shop/orders:80", "destination/orders"], ignoreOrder: true);
    }

    [Fact]
    public async Task Certs_BeforeTheFirst_SaysWhyThereIsNone()
    {
        await using var mesh = await MeshFixture.StartAsync();
        var sidecar = await mesh.UnreadySidecarAsync(new TestSidecar("orders") { Token = "nonsense" });

        await Eventually.TrueAsync(async () => (await PageAsync(sidecar, "GET", "/certs")).TryGetProperty("problem", out var problem)
            && problem.ValueKind == JsonValueKind.String, "the problem is told");
    }

    [Fact]
    public async Task Logging_SetAndTakenAway_HoldsAtOnce()
    {
        var logs = new LogCapture();
        await using var mesh = await MeshFixture.StartAsync();
        var sidecar = await mesh.SidecarAsync(new TestSidecar("frontend") { Logs = logs });

        var changed = await PutLoggingAsync(sidecar, """{"category":"MeshLite.Sidecar.Config","level":"debug"}""");
        changed.GetProperty("byCategory").GetProperty("MeshLite.Sidecar.Config").GetString().ShouldBe("Debug");
        (await PutLoggingAsync(sidecar, """{"level":"Error"}""")).GetProperty("default").GetString().ShouldBe("Error");
        changed = await PutLoggingAsync(sidecar, """{"category":"MeshLite.Sidecar.Config"}""");

        changed.GetProperty("byCategory").TryGetProperty("MeshLite.Sidecar.Config", out _).ShouldBeFalse();
        (await PageAsync(sidecar, "GET", "/logging")).GetRawText().ShouldBe(changed.GetRawText());
    }

    [Theory]
    [InlineData("""{"level":"Loud"}""")]
    [InlineData("""{"level":"17"}""")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("nonsense")]
    public async Task Logging_Nonsense_IsRefusedAndChangesNothing(string body)
    {
        await using var mesh = await MeshFixture.StartAsync();
        var sidecar = await mesh.SidecarAsync("frontend");
        var before = (await PageAsync(sidecar, "GET", "/logging")).GetRawText();

        using var response = await Http.PutAsync(Address(sidecar, "/logging"), new StringContent(body));

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString().ShouldNotBeNullOrEmpty();
        (await PageAsync(sidecar, "GET", "/logging")).GetRawText().ShouldBe(before);
    }

    [Fact]
    public async Task Elsewhere_IsNotFoundAndNamesWhatIsThere()
    {
        await using var mesh = await MeshFixture.StartAsync();
        var sidecar = await mesh.SidecarAsync("frontend");

        using var response = await Http.GetAsync(Address(sidecar, "/secrets"));

        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        var error = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString()!;
        Pages().ShouldAllBe(page => error.Contains(page.Split(' ')[1]));
    }

    [Fact]
    public async Task AccessLog_ModeChangesAtRunTime_HoldsFromTheNextRequestOn()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        var log = new AccessLogCapture();
        var server = await mesh.SidecarAsync("orders", app.Port);
        var client = await mesh.SidecarAsync(new TestSidecar("frontend") { AccessLog = log });
        mesh.Service("orders", server);
        using var http = MeshFixture.Client(client);
        await http.GetStringAsync(new Uri("http://orders/off"));

        mesh.ControlPlane.AccessLog = AccessLogMode.All;
        mesh.ControlPlane.PublishMesh();
        await Eventually.TrueAsync(async () =>
        {
            await http.GetStringAsync(new Uri("http://orders/on"));
            return log.Lines.Count > 0;
        }, "a line");

        log.Lines.ShouldAllBe(line => line.GetProperty("path").GetString() == "/on");
    }

    private static async Task UseAsync(MeshPair pair)
    {
        pair.Mesh.ControlPlane.Set(new EndpointSetConfig(new ServiceRef("shop", "orders", 80),
        [
            new EndpointConfig { Address = pair.Server.InboundAddress, Identity = pair.Server.Identity.Current!.Id, Workload = "orders-1", Labels = ImmutableSortedDictionary<string, string>.Empty.Add("version", "v1") },
        ]));
        using var plaintext = await Wire.OpenAsync(pair.Client.InboundAddress);
        await plaintext.SendAsync("GET / HTTP/1.1\r\nHost: frontend\r\nConnection: close\r\n\r\n");
        await plaintext.ReadMessageAsync();
        using var http = pair.Http();
        await Eventually.TrueAsync(async () =>
        {
            (await http.GetAsync(new Uri("http://orders/"))).StatusCode.ShouldBe(HttpStatusCode.OK);
            return (await PageAsync(pair.Client, "GET", "/clusters")).GetRawText().Contains("\"version\"");
        }, "the endpoint with its label is in force");
    }

    private static Uri Address(SidecarComponents sidecar, string path) => new($"http://{sidecar.Server.AdminAddress}{path}");

    private static async Task<JsonElement> PageAsync(SidecarComponents sidecar, string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), Address(sidecar, path));
        using var response = await Http.SendAsync(request);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<JsonElement> PutLoggingAsync(SidecarComponents sidecar, string body)
    {
        using var response = await Http.PutAsync(Address(sidecar, "/logging"), new StringContent(body));
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Paths of all values that are neither object nor list, with the kinds they had.</summary>
    private static void Collect(JsonElement value, string path, SortedDictionary<string, HashSet<string>> fields)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                {
                    Collect(item, path + "[]", fields);
                }

                break;
            case JsonValueKind.Object:
                foreach (var field in value.EnumerateObject())
                {
                    Collect(field.Value, path.EndsWith("labels", StringComparison.Ordinal) || path == "byCategory" ? path + "{}" : path.Length == 0 ? field.Name : $"{path}.{field.Name}", fields);
                }

                break;
            default:
                if (!fields.TryGetValue(path, out var kinds))
                {
                    fields[path] = kinds = [];
                }

                kinds.Add(value.ValueKind switch
                {
                    JsonValueKind.True or JsonValueKind.False => "boolean",
                    JsonValueKind.Null => "null",
                    var kind => kind.ToString().ToLowerInvariant(),
                });
                break;
        }
    }

    private static string Document() => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "ADMIN.md"));

    private static string[] Pages() => [.. Heading().Matches(Document()).Select(match => match.Groups["page"].Value)];

    private static SortedDictionary<string, (string Kind, bool IsNullable)> Documented(string page)
    {
        var section = Document().Split("\n## ").Single(section => section.StartsWith(page + "\n", StringComparison.Ordinal));
        return new SortedDictionary<string, (string, bool)>(
            Row().Matches(section).ToDictionary(row => row.Groups["field"].Value, row => (row.Groups["kind"].Value, row.Groups["null"].Length > 0)), StringComparer.Ordinal);
    }

    [GeneratedRegex("^## (?<page>[A-Z]+ /[a-z]+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\| `(?<field>[^`]+)` \| (?<kind>\w+)(?<null>\??) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();
}
