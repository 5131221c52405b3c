namespace MeshLite.E2E.Fields;

/// <summary>Where a route applies, and which of its rules.</summary>
internal static class MatchCases
{
    public static IReadOnlyList<FieldCase> All { get; } =
    [
        new("parent", Yaml.Route(Rules(), "{kind: Service, name: orders, port: 81}") + Yaml.Policy(""), async mesh =>
        {
            (await mesh.SendAsync(host: "orders:81")).Header("x-rule").ShouldBe("default");
            (await mesh.SendAsync(host: "orders")).ShouldSatisfyAllConditions(a => a.Status.ShouldBe(404), a => a.Error.ShouldBe("no_route"));
            (await mesh.SendAsync(host: "stock.shop2")).Header("x-rule").ShouldBe("");
        }) { Route = ["parentRefs.kind", "parentRefs.name", "parentRefs.port"] },

        new("rule name", Yaml.Route("rules: [{name: its-name, backendRefs: [{name: orders}]}]"), async mesh =>
        {
            (await mesh.SendAsync()).Status.ShouldBe(200);
            (await mesh.MetricsAsync()).ShouldContain("route=\"case/its-name\"");
        }) { Route = ["rules.name"] },

        new("path", Yaml.Route(Rules("[{path: {type: Exact, value: /exact}}]", "[{path: {type: RegularExpression, value: \"/r[0-9]+\"}}]", "[{path: {value: /prefix}}]")), async mesh =>
        {
            await mesh.ShouldTakeAsync("0", "/exact");
            await mesh.ShouldTakeAsync("default", "/exact/more");
            await mesh.ShouldTakeAsync("1", "/r12");
            await mesh.ShouldTakeAsync("default", "/rx");
            await mesh.ShouldTakeAsync("2", "/prefix/more");
            await mesh.ShouldTakeAsync("default", "/prefixed");
        }) { Route = ["rules.matches.path.type", "rules.matches.path.value"] },

        new("headers", Yaml.Route(Rules("[{headers: [{name: x-a, value: \"1\"}]}]", "[{headers: [{type: RegularExpression, name: x-b, value: \"v[0-9]\"}]}]")), async mesh =>
        {
            await mesh.ShouldTakeAsync("0", "/", ("x-a", "1"));
            await mesh.ShouldTakeAsync("default", "/", ("x-a", "2"));
            await mesh.ShouldTakeAsync("1", "/", ("x-b", "v7"));
            await mesh.ShouldTakeAsync("default", "/", ("x-b", "v[0-9]"));
            await mesh.ShouldTakeAsync("default", "/");
        }) { Route = ["rules.matches.headers.type", "rules.matches.headers.name", "rules.matches.headers.value"] },

        new("query", Yaml.Route(Rules("[{queryParams: [{name: a, value: \"1\"}]}]", "[{queryParams: [{type: RegularExpression, name: b, value: \"v[0-9]\"}]}]")), async mesh =>
        {
            await mesh.ShouldTakeAsync("0", "/?a=1");
            await mesh.ShouldTakeAsync("default", "/?a=2");
            await mesh.ShouldTakeAsync("1", "/?b=v7");
            await mesh.ShouldTakeAsync("default", "/?b=x");
            await mesh.ShouldTakeAsync("default", "/");
        }) { Route = ["rules.matches.queryParams.type", "rules.matches.queryParams.name", "rules.matches.queryParams.value"] },

        new("method", Yaml.Route(Rules("[{method: DELETE}]")), async mesh =>
        {
            (await mesh.SendAsync(method: "DELETE")).Header("x-rule").ShouldBe("0");
            (await mesh.SendAsync(method: "GET")).Header("x-rule").ShouldBe("default");
        }) { Route = ["rules.matches.method"] },
    ];

    private static async Task ShouldTakeAsync(this FieldMesh mesh, string rule, string target, params (string, string)[] headers) =>
        (await mesh.SendAsync(target, headers: headers)).Header("x-rule").ShouldBe(rule, $"{target} {string.Join(' ', headers)}");

    // A rule for each, and one for everything else; a response says by x-rule which it was.
    private static string Rules(params string[] matches) => "rules:" + string.Concat(
        matches.Select((m, i) => Rule($"{i}", $", matches: {m}")).Append(Rule("default", "")));

    private static string Rule(string name, string matches) =>
        $"\n- {{filters: [{{type: ResponseHeaderModifier, responseHeaderModifier: {{set: [{{name: x-rule, value: \"{name}\"}}]}}}}], backendRefs: [{{name: orders}}]{matches}}}";
}
